"""`Approvals`: what people say of a run, and what rules make of that."""

import asyncio
from dataclasses import replace

import pytest

from bot.domain.approval import (
    Decision,
    ReviewAnswer,
    counted,
)
from bot.domain.audit import Verb
from bot.domain.run import Approval, Reason, Run, RunState
from bot.domain.telling import (
    Final,
    Header,
    Reviewed,
    Waiting,
)
from bot.ports import DeliveryKey
from tests.contract.store.asking import (
    APPROVED,
    IMAGE,
    OTHER,
    REJECTED,
    SUBJECT,
    UNDECIDED,
    approved,
    asked,
    details,
    judged,
    proposed,
    said,
    verbs,
)
from tests.contract.store.opened import Store
from tests.contract.store.party import Party
from tests.support.builders import a_new_run, later


@pytest.fixture
async def run(store: Store) -> Run:
    run = await proposed(store)
    await store.told()
    return run


async def test_a_review_is_kept_told_and_on_the_record(store: Store, run: Run) -> None:
    given = said(run, note="looks right")

    assert await store.approvals.review(given) is ReviewAnswer.TAKEN

    (kept,) = await store.approvals.reviews(run.id)
    assert kept == replace(given, ordinal=1)
    told = Reviewed(actor=given.actor, decision=Decision.APPROVE, note="looks right")
    assert await store.told() == [told, Header(run=run.id), Waiting(run=run.id)]
    deed = (await store.deeds())[-1]
    assert (deed.verb, deed.actor, deed.run) == (Verb.APPROVED, given.actor, run.id)
    assert deed.detail == "looks right"


async def test_a_rejection_is_on_the_record_as_one(store: Store, run: Run) -> None:
    await store.approvals.review(said(run, decision=Decision.REJECT, note="why"))

    assert await details(store, Verb.REJECTED) == ["why"]
    assert await verbs(store) == [Verb.SUBMITTED, Verb.PROPOSED, Verb.REJECTED]


async def test_reviews_are_read_oldest_first_and_of_one_run(
    store: Store, run: Run
) -> None:
    other = await proposed(store, asked(stack="db-prod"))
    for it, by in ((run, "bob"), (other, "eve"), (run, "zoe"), (run, "bob")):
        await store.approvals.review(said(it, by=by))

    reviews = await store.approvals.reviews(run.id)

    assert [(it.ordinal, it.actor.name) for it in reviews] == [
        (1, "bob"),
        (3, "zoe"),
        (4, "bob"),
    ]
    assert [it.ordinal for it in counted(reviews, SUBJECT).current] == [3, 4]


async def test_a_review_of_something_else_is_not_taken(store: Store, run: Run) -> None:
    answer = await store.approvals.review(said(run, subject=OTHER))

    assert answer is ReviewAnswer.CHANGED
    assert await store.approvals.reviews(run.id) == ()
    assert await store.told() == []
    assert Verb.APPROVED not in await verbs(store)


async def test_a_review_of_a_run_that_is_not_proposed_yet_is_not_taken(
    store: Store,
) -> None:
    run = await store.record.submit(asked(), later(0))

    assert await store.approvals.review(said(run)) is ReviewAnswer.CHANGED


async def test_a_review_that_nobody_asked_for_is_not_taken(store: Store) -> None:
    free = await store.record.submit(a_new_run(stack="db-prod"), later(0))
    done = await approved(store)

    assert await store.approvals.review(said(free)) is ReviewAnswer.NOT_ASKED
    assert await store.approvals.review(said(done)) is ReviewAnswer.NOT_ASKED
    assert len(await store.approvals.reviews(done.id)) == 1


async def test_a_review_of_a_run_that_has_ended_is_not_taken(
    store: Store, run: Run
) -> None:
    await store.record.ask_stop(run.id, run.actor, later(4))

    assert await store.approvals.review(said(run)) is ReviewAnswer.OVER
    assert await store.approvals.reviews(run.id) == ()


async def test_a_review_acts_on_what_slack_delivered(store: Store, run: Run) -> None:
    click = DeliveryKey("click:1")
    a, b = await Party.joined(store, "a"), await Party.joined(store, "b")
    await a.record.first_seen(click, later(0))

    with a.record.answering(click):
        await store.approvals.review(said(run))

    assert not await b.record.first_seen(click, later(9_999))


async def test_a_run_that_all_rules_approve_of_may_start(
    store: Store, run: Run
) -> None:
    await store.approvals.review(said(run))

    assert await judged(store, run)

    now = await store.archive.run(run.id)
    assert (now.approval, now.state) == (Approval.APPROVED, RunState.QUEUED)
    assert now.approval_note == "2 of @platform agree."
    assert await details(store, Verb.JUDGED) == ["approved: 2 of @platform agree."]
    assert await store.approvals.pending() == ()
    await store.record.promote(later(9))
    started = await store.record.start(run.id, later(10))
    assert started is not None
    assert started.image_digest == IMAGE


async def test_a_run_that_a_rule_rejects_fails(store: Store, run: Run) -> None:
    behind = await store.record.submit(a_new_run(by="eve"), later(2))
    await store.approvals.review(said(run, decision=Decision.REJECT))

    assert await judged(store, run, REJECTED)

    over = await store.archive.run(run.id)
    assert (over.state, over.reason) == (RunState.FAILED, Reason.REJECTED)
    assert over.note == "No. Bob says why."
    assert Final(run=run.id) in await store.told()
    assert (await verbs(store))[-2:] == [Verb.JUDGED, Verb.ENDED]
    assert await store.approvals.pending() == ()
    assert [ready.id for ready in await store.record.promote(later(9))] == [behind.id]


async def test_an_undecided_run_says_who_has_to_agree_once(
    store: Store, run: Run
) -> None:
    assert await judged(store, run, UNDECIDED)
    told = await store.told()
    assert await judged(store, run, UNDECIDED)

    now = await store.archive.run(run.id)
    assert (now.approval, now.approval_note) == (Approval.PENDING, UNDECIDED.notes[0])
    assert told == [Header(run=run.id), Waiting(run=run.id)]
    assert await store.told() == []
    assert await details(store, Verb.JUDGED) == ["undecided: 1 of @platform has to."]


async def test_a_review_that_comes_while_a_run_is_judged_is_not_lost(
    store: Store, run: Run
) -> None:
    await store.approvals.review(said(run))
    seen = await store.approvals.reviews(run.id)
    await store.approvals.review(said(run, by="zoe", decision=Decision.REJECT))
    before = await store.deeds()

    for judgment in (APPROVED, REJECTED, UNDECIDED):
        assert not await judged(store, run, judgment, seen=seen)

    assert await store.deeds() == before
    assert (await store.archive.run(run.id)).approval is Approval.PENDING
    assert await judged(store, run)


async def test_a_judgment_of_one_subject_never_approves_another(
    store: Store, run: Run
) -> None:
    seen = await store.approvals.reviews(run.id)
    await store.approvals.propose(run.id, OTHER, IMAGE, later(4))

    assert not await judged(store, run, seen=seen)
    assert not await judged(store, run, seen=seen, subject=None)
    assert await judged(store, run, seen=seen, subject=OTHER)


async def test_a_judgment_by_a_review_that_was_withdrawn_does_not_count(
    store: Store, run: Run
) -> None:
    await store.approvals.review(said(run))
    seen = await store.approvals.reviews(run.id)
    await store.approvals.withdraw(run.id, [1], "Bob left.", later(5))

    assert not await judged(store, run, seen=seen)
    assert (await store.archive.run(run.id)).approval is Approval.PENDING


async def test_only_a_run_that_waits_is_judged(store: Store) -> None:
    free = await store.record.submit(a_new_run(stack="db-prod"), later(0))
    done = await approved(store)

    assert not await judged(store, free, REJECTED, subject=None)
    assert not await judged(store, done, REJECTED)
    await store.record.ask_stop(done.id, done.actor, later(8))
    assert not await judged(store, done)


async def test_a_run_can_be_judged_before_it_is_proposed(store: Store) -> None:
    run = await store.record.submit(asked(), later(0))

    assert await judged(store, run, REJECTED, subject=None)


async def test_two_replicas_that_judge_at_once_do_so_once(url: str) -> None:
    async with Store.open(url) as a, Store.open(url) as b:
        run = await proposed(a)
        await a.approvals.review(said(run))
        seen = await a.approvals.reviews(run.id)

        both = await asyncio.gather(
            *(judged(store, run, REJECTED, seen=seen) for store in (a, b))
        )

        assert sorted(both) == [False, True]
        assert await details(a, Verb.ENDED) == ["failed (rejected)"]


async def test_one_of_a_review_and_a_judgment_at_once_sees_the_other(url: str) -> None:
    async with Store.open(url) as a, Store.open(url) as b:
        for number in range(8):
            run = await proposed(a, asked(stack=f"stack-{number}"))
            no = said(run, decision=Decision.REJECT)

            answer, is_approved = await asyncio.gather(
                b.approvals.review(no), judged(a, run, seen=())
            )

            taken = answer is ReviewAnswer.TAKEN
            assert taken is not is_approved
            assert len(await a.approvals.reviews(run.id)) == taken
