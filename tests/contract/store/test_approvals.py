"""`Approvals`: a run waits for those who have to agree to exactly that."""

from dataclasses import replace

import pytest

from bot.domain.approval import (
    ReviewAnswer,
    counted,
)
from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition, QueueFull
from bot.domain.run import Approval, Run, RunId, RunState
from bot.domain.telling import (
    Echo,
    Final,
    Header,
    Said,
    Waiting,
)
from bot.store import audit
from tests.contract.store.asking import (
    IMAGE,
    OTHER,
    REJECTED,
    SESSION,
    SUBJECT,
    UNDECIDED,
    WEEK,
    approved,
    asked,
    details,
    judged,
    proposed,
    said,
)
from tests.contract.store.opened import Store
from tests.support.builders import a_new_run, an_actor, an_announced_run, later


@pytest.fixture
async def run(store: Store) -> Run:
    run = await proposed(store)
    await store.told()
    return run


async def test_what_a_run_is_asked_with_is_read_again(store: Store) -> None:
    parameters = {"service": "api", "note": 'it\'s "late"\n'}
    new = replace(asked(), preset="restart", parameters=parameters)

    run = await store.record.submit(new, later(0))

    assert run == await store.archive.run(run.id)
    assert (run.preset, run.parameters) == ("restart", parameters)
    assert (run.session, run.approval) == (SESSION, Approval.PENDING)
    assert (run.approval_expires, run.approval_note) == (later(WEEK), "")
    assert (run.subject, run.subject_changed_at) == (None, None)


async def test_a_run_that_nobody_has_to_agree_to_waits_for_nobody(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))

    assert (run.approval, run.session, run.parameters) == (Approval.NONE, None, {})
    assert await store.approvals.pending() == ()
    assert [ready.id for ready in await store.record.promote(later(1))] == [run.id]


async def test_who_asks_for_a_preset_is_on_the_record_with_its_parameters(
    store: Store,
) -> None:
    new = replace(a_new_run("make restart", skip_init=True), preset="restart")
    await store.record.submit(
        replace(new, parameters={"service": "api", "note": "two words"}), later(0)
    )

    (detail,) = await details(store, Verb.SUBMITTED)

    call = '!restart service=api note="two words"'
    assert detail == f"{call} --no-init -- make restart"


async def test_a_run_that_waits_for_people_says_so_from_its_first_message_on(
    store: Store,
) -> None:
    run = await store.record.submit(asked(), later(0))

    assert await store.told() == [
        Header(run=run.id),
        Echo(run=run.id),
        Waiting(run=run.id),
    ]


async def test_a_run_that_waits_for_people_is_not_made_ready(
    store: Store, run: Run
) -> None:
    await store.approvals.review(said(run))

    assert await store.record.promote(later(9)) == ()
    assert await store.approvals.pending() == (await store.archive.run(run.id),)


async def test_a_run_that_waits_for_people_is_in_nobodys_way(
    store: Store, run: Run
) -> None:
    behind = await store.record.submit(a_new_run(by="eve"), later(8))

    assert [ready.id for ready in await store.record.promote(later(9))] == [behind.id]
    assert Waiting(run=behind.id) not in await store.told()


async def test_who_waits_for_a_free_stack_is_told_though_a_run_waits_for_people(
    store: Store, run: Run
) -> None:
    performing = await store.run_in(RunState.READY, a_new_run(by="eve"))
    actor = an_actor("zoe")
    await store.record.notify_when_free(performing.stack, actor, later(3))

    await store.record.ask_stop(performing.id, an_actor("eve"), later(4))

    assert actor.id in {
        letter.thread.channel for letter in await store.outbox.due(later(5))
    }


async def test_runs_that_wait_for_people_do_not_fill_the_queue_of_others(
    store: Store,
) -> None:
    for _ in range(100):
        await store.record.submit(asked(), later(0))

    with pytest.raises(QueueFull):
        await store.record.submit(asked(), later(1))
    assert (await store.record.submit(a_new_run(), later(2))).id == 101


async def test_a_run_that_everybody_agreed_to_takes_its_place_in_the_line(
    store: Store,
) -> None:
    first = await proposed(store)
    await store.run_in(RunState.READY, a_new_run(by="eve", stack="db-prod"))
    second = await store.record.submit(a_new_run(by="eve"), later(3))
    await store.told()

    assert await judged(store, first)

    told = await store.told()
    assert told.count(Waiting(run=first.id)) == 1
    assert Waiting(run=second.id) in told
    assert [ready.id for ready in await store.record.promote(later(9))] == [first.id]


async def test_runs_wait_for_people_oldest_first(store: Store) -> None:
    submitted = [
        await store.record.submit(asked(stack=stack), later(0))
        for stack in ("b", "a", "b")
    ]
    await store.record.submit(a_new_run(), later(0))

    assert await store.approvals.pending() == tuple(submitted)


async def test_what_is_proposed_is_told_and_on_the_record(store: Store) -> None:
    submitted = await store.record.submit(asked(), later(0))
    await store.told()

    assert await store.approvals.propose(submitted.id, SUBJECT, IMAGE, later(1))

    run = await store.archive.run(submitted.id)
    assert (run.subject, run.image_digest) == (SUBJECT, IMAGE)
    # Who agreed before this had been shown nothing.
    assert run.subject_changed_at == later(1)
    assert await store.told() == [Header(run=run.id), Waiting(run=run.id)]
    # No digest of a command: it would let what is redacted later be guessed.
    assert await details(store, Verb.PROPOSED) == [f"image {IMAGE}"]


async def test_what_is_proposed_again_changes_nothing(store: Store, run: Run) -> None:
    await store.approvals.review(said(run))
    await store.told()
    before = await store.deeds()

    assert await store.approvals.propose(run.id, SUBJECT, IMAGE, later(9))

    assert await store.deeds() == before
    assert await store.told() == []
    assert [it.void for it in await store.approvals.reviews(run.id)] == [False]


async def test_a_run_may_have_no_image(store: Store) -> None:
    new = replace(an_announced_run(), approval=Approval.PENDING)
    run = await store.record.submit(new, later(0))

    assert await store.approvals.propose(run.id, SUBJECT, "", later(1))
    assert await store.approvals.propose(run.id, SUBJECT, "", later(2))

    assert (await store.archive.run(run.id)).image_digest is None
    assert await details(store, Verb.PROPOSED) == [""]


async def test_an_approval_is_void_once_the_run_is_another(
    store: Store, run: Run
) -> None:
    await store.approvals.review(said(run))
    await store.approvals.review(said(run, by="zoe"))
    await store.told()

    assert await store.approvals.propose(run.id, OTHER, IMAGE, later(9))

    now = await store.archive.run(run.id)
    assert (now.subject, now.subject_changed_at) == (OTHER, later(9))
    reviews = await store.approvals.reviews(run.id)
    assert [it.void for it in reviews] == [True, True]
    assert counted(reviews, OTHER).current == ()
    bob, zoe, *rest = await store.told()
    assert isinstance(bob, Said)
    assert isinstance(zoe, Said)
    assert (bob.to, zoe.to) == (an_actor("bob"), an_actor("zoe"))
    assert rest == [Header(run=run.id), Waiting(run=run.id)]
    whose = "the approval of bob (U0BOB): of what the run is no more"
    assert (await details(store, Verb.VOIDED)) == [
        whose,
        whose.replace("bob", "zoe").replace("BOB", "ZOE"),
    ]


async def test_what_was_void_once_does_not_count_again(store: Store, run: Run) -> None:
    await store.approvals.review(said(run))
    await store.approvals.propose(run.id, OTHER, IMAGE, later(8))

    await store.approvals.propose(run.id, SUBJECT, IMAGE, later(9))

    reviews = await store.approvals.reviews(run.id)
    assert counted(reviews, SUBJECT).current == ()
    assert len(await details(store, Verb.VOIDED)) == 1
    assert await store.approvals.review(said(run, by="zoe")) is ReviewAnswer.TAKEN


async def test_an_approved_run_that_becomes_another_waits_for_people_again(
    store: Store,
) -> None:
    run = await approved(store)

    assert await store.approvals.propose(run.id, OTHER, IMAGE, later(9))

    now = await store.archive.run(run.id)
    assert (now.approval, now.approval_note) == (Approval.PENDING, "")
    assert await store.record.promote(later(10)) == ()


async def test_a_ready_run_that_becomes_another_frees_its_stack(store: Store) -> None:
    run = await approved(store)
    behind = await store.record.submit(a_new_run(by="eve"), later(7))
    await store.record.promote(later(8))
    await store.told()

    assert await store.approvals.propose(run.id, OTHER, IMAGE, later(9))

    now = await store.archive.run(run.id)
    assert (now.state, now.started_at) == (RunState.QUEUED, None)
    assert now.approval is Approval.PENDING
    assert Waiting(run=run.id) in await store.told()
    with pytest.raises(IllegalTransition):
        await store.record.start(run.id, later(10))
    assert [ready.id for ready in await store.record.promote(later(11))] == [behind.id]


async def test_a_run_that_has_begun_is_asked_about_no_more(store: Store) -> None:
    run = await approved(store)
    await store.record.promote(later(8))
    begun = await store.record.start(run.id, later(9))
    before = await store.deeds()

    assert not await store.approvals.propose(run.id, OTHER, IMAGE, later(10))
    assert not await store.approvals.withdraw(run.id, [1], "why", later(10))

    assert await store.archive.run(run.id) == begun
    assert await store.deeds() == before
    assert [it.void for it in await store.approvals.reviews(run.id)] == [False]


async def test_a_run_that_has_ended_is_asked_about_no_more(
    store: Store, run: Run
) -> None:
    await store.approvals.review(said(run))
    await store.record.ask_stop(run.id, run.actor, later(8))

    assert not await store.approvals.propose(run.id, OTHER, IMAGE, later(9))
    assert not await store.approvals.withdraw(run.id, [1], "why", later(9))


async def test_a_run_that_nobody_has_to_agree_to_is_not_asked_about(
    store: Store,
) -> None:
    run = await store.record.submit(a_new_run(), later(0))

    assert not await store.approvals.propose(run.id, SUBJECT, IMAGE, later(1))
    assert await store.archive.run(run.id) == run


async def test_a_review_that_is_withdrawn_counts_no_more(
    store: Store, run: Run
) -> None:
    for by in ("bob", "zoe"):
        await store.approvals.review(said(run, by=by))
    await store.told()

    assert await store.approvals.withdraw(run.id, [1], "Bob left.", later(9))

    current = counted(await store.approvals.reviews(run.id), SUBJECT).current
    assert [it.actor.name for it in current] == ["zoe"]
    assert await store.told() == [
        Said(text="Bob left."),
        Header(run=run.id),
        Waiting(run=run.id),
    ]
    assert await details(store, Verb.VOIDED) == [
        "the approval of bob (U0BOB): Bob left."
    ]


async def test_who_loses_their_say_keeps_none_of_before(store: Store, run: Run) -> None:
    for _ in range(2):
        await store.approvals.review(said(run))

    await store.approvals.withdraw(run.id, [2], "Bob left.", later(9))

    assert counted(await store.approvals.reviews(run.id), SUBJECT).current == ()


async def test_what_is_withdrawn_again_changes_nothing(store: Store, run: Run) -> None:
    await store.approvals.review(said(run))
    other = await proposed(store, asked(stack="db-prod"))
    await store.approvals.withdraw(run.id, [1], "Bob left.", later(8))
    before = await store.deeds()

    assert not await store.approvals.withdraw(run.id, [1], "Bob left.", later(9))
    assert not await store.approvals.withdraw(run.id, [], "Bob left.", later(9))
    assert not await store.approvals.withdraw(other.id, [1], "Bob left.", later(9))

    assert await store.deeds() == before


async def test_what_was_said_of_another_run_stays(store: Store) -> None:
    run, other = await proposed(store), await proposed(store, asked(stack="db-prod"))
    for it in (run, other):
        await store.approvals.review(said(it))

    assert not await store.approvals.withdraw(other.id, [1], "why", later(8))
    await store.approvals.propose(other.id, OTHER, IMAGE, later(9))

    assert [it.void for it in await store.approvals.reviews(run.id)] == [False]


async def test_a_ready_run_whose_approval_is_withdrawn_waits_for_people_again(
    store: Store,
) -> None:
    run = await approved(store)
    await store.record.promote(later(8))

    assert await store.approvals.withdraw(run.id, [1], "Bob left.", later(9))

    now = await store.archive.run(run.id)
    assert (now.state, now.approval) == (RunState.QUEUED, Approval.PENDING)
    assert now.subject_changed_at == run.subject_changed_at
    assert (await store.archive.occupancy(run.stack)).claim is None


async def test_a_run_that_nobody_agreed_to_in_time_is_discarded(
    store: Store, run: Run
) -> None:
    assert await judged(store, run, UNDECIDED)
    assert await store.approvals.expire(later(WEEK - 1)) == ()
    (over,) = await store.approvals.expire(later(WEEK))

    assert over == await store.archive.run(run.id)
    assert (over.id, over.state) == (run.id, RunState.DISCARDED)
    assert over.note == (
        "It was not approved in time. 1 of @platform has to. Send it again to have "
        "them asked once more."
    )
    assert Final(run=run.id) in await store.told()
    assert await store.approvals.expire(later(WEEK + 1)) == ()


async def test_only_what_waits_for_people_expires(store: Store) -> None:
    await approved(store)
    forever = replace(asked(stack="db-prod"), approval_expires=None)
    await store.record.submit(forever, later(0))

    assert await store.approvals.expire(later(9 * WEEK)) == ()


async def test_people_have_as_long_again_once_the_run_is_another(store: Store) -> None:
    run = await approved(store)

    for at in (later(WEEK - 1), later(2 * WEEK - 9)):
        subject = OTHER if at == later(WEEK - 1) else SUBJECT
        await store.approvals.propose(run.id, subject, IMAGE, at)

    now = await store.archive.run(run.id)
    assert now.approval_expires == later(3 * WEEK - 9)


async def test_a_pending_run_can_be_stopped(store: Store, run: Run) -> None:
    await store.record.ask_stop(run.id, run.actor, later(4))

    assert (await store.archive.run(run.id)).state is RunState.DISCARDED
    assert await store.approvals.pending() == ()


async def test_an_unknown_run_has_no_reviews(store: Store) -> None:
    unknown = RunId(99)

    assert await store.approvals.reviews(unknown) == ()
    with pytest.raises(LookupError):
        await store.approvals.propose(unknown, SUBJECT, IMAGE, later(1))


async def test_the_chain_stays_sound_whatever_becomes_of_approvals(
    store: Store,
) -> None:
    run = await approved(store)
    await store.approvals.propose(run.id, OTHER, IMAGE, later(9))
    await judged(store, run, REJECTED, subject=OTHER)

    verdict = await audit.verify(store.database)

    assert verdict.broken is None
    assert verdict.rows == len(await store.deeds())
