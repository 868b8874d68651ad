"""What the record promises of runs."""

import asyncio

import pytest

from bot.domain.audit import Deed, Verb
from bot.domain.errors import IllegalTransition
from bot.domain.people import HANDRAIL
from bot.domain.run import RunId, RunState
from bot.domain.telling import Card, Echo, Final, Header, Said, StopAsked, Tail
from bot.ports import DeliveryKey, Ended, Progress, StopAnswer
from tests.contract.store.opened import FINISHED, LOST, Store
from tests.support.builders import CHANNEL, STACK, a_hold, a_new_run, an_actor, later

ACTIVE = (RunState.PREPARING, RunState.INITIALIZING, RunState.PERFORMING)


async def test_a_delivery_is_first_seen_once(store: Store) -> None:
    key = DeliveryKey("Ev1")

    seen = [await store.record.first_seen(key, later(i)) for i in range(3)]

    assert seen == [True, False, False]


async def test_of_fifty_deliveries_at_once_one_is_the_first(store: Store) -> None:
    key = DeliveryKey("Ev1")

    seen = await asyncio.gather(
        *(store.record.first_seen(key, later(0)) for _ in range(50))
    )

    assert seen.count(True) == 1


async def test_a_delivery_stays_seen_after_the_database_was_closed(url: str) -> None:
    key = DeliveryKey("Ev1")
    async with Store.open(url) as store:
        await store.record.first_seen(key, later(0))

    async with Store.open(url) as store:
        assert not await store.record.first_seen(key, later(1))


async def test_a_submitted_run_is_queued_as_it_was_written(store: Store) -> None:
    new = a_new_run("echo 'a  b'\n", by="bob", skip_init=True)

    run = await store.record.submit(new, later(0))

    assert run.id == 1
    assert (run.stack, run.command, run.skip_init) == (STACK, "echo 'a  b'\n", True)
    assert run.actor == an_actor("bob")
    assert (run.state, run.state_since, run.created_at) == (
        RunState.QUEUED,
        later(0),
        later(0),
    )
    assert await store.archive.run(run.id) == run


async def test_run_ids_ascend_from_one(store: Store) -> None:
    ids = [(await store.record.submit(a_new_run(), later(0))).id for _ in range(3)]

    assert ids == [1, 2, 3]


async def test_a_submitted_run_has_a_first_transition_by_its_actor(
    store: Store,
) -> None:
    run = await store.record.submit(a_new_run(by="bob"), later(0))

    first, *others = await store.archive.transitions(run.id)

    assert (first.ordinal, first.from_state, first.to_state) == (
        1,
        None,
        RunState.QUEUED,
    )
    assert (first.actor, first.at) == (an_actor("bob"), later(0))
    assert others == []


@pytest.mark.parametrize(
    ("skip_init", "detail"),
    [(False, "terraform plan"), (True, "--no-init -- terraform plan")],
)
async def test_the_audit_row_of_a_submission_has_the_command(
    store: Store, skip_init: bool, detail: str
) -> None:
    new = a_new_run("terraform plan", skip_init=skip_init)

    run = await store.record.submit(new, later(0))

    assert await store.deeds() == [
        Deed(
            verb=Verb.SUBMITTED,
            actor=new.actor,
            at=later(0),
            stack=STACK,
            run=run.id,
            detail=detail,
        )
    ]


async def test_a_submission_tells_the_header_then_the_echo(store: Store) -> None:
    run = await store.record.submit(a_new_run(remarks=("quotes",)), later(0))

    assert await store.told() == [
        Header(run=run.id),
        Echo(run=run.id, remarks=("quotes",)),
    ]


async def test_a_submission_opens_a_thread_that_is_not_posted_yet(
    store: Store,
) -> None:
    run = await store.record.submit(a_new_run(), later(0))

    thread = await store.archive.thread(run.thread)

    assert (thread.channel, thread.ts, thread.run) == (CHANNEL, None, run.id)


async def test_a_refusal_is_an_audit_row(store: Store) -> None:
    deed = Deed(verb=Verb.REFUSED, actor=an_actor(), at=later(0), detail="held")

    await store.record.refuse(deed)

    assert await store.deeds() == [deed]


async def test_a_card_opens_a_thread_without_a_run(store: Store) -> None:
    thread = await store.record.open_card(STACK, CHANNEL)

    assert await store.archive.thread(thread.id) == thread
    assert (thread.stack, thread.run, thread.ts) == (STACK, None, None)
    assert await store.told() == [Card(stack=STACK)]


async def test_who_opened_a_card_is_in_the_audit(store: Store) -> None:
    deed = Deed(verb=Verb.CARD_OPENED, actor=an_actor(), at=later(0), stack=STACK)

    await store.record.open_card(STACK, CHANNEL, deed)

    assert await store.deeds() == [deed]


async def test_a_run_goes_through_its_states_by_the_hand_of_handrail(
    store: Store,
) -> None:
    run = await store.finished()

    steps = await store.archive.transitions(run.id)

    assert [(step.ordinal, step.from_state, step.to_state) for step in steps] == [
        (1, None, RunState.QUEUED),
        (2, RunState.QUEUED, RunState.READY),
        (3, RunState.READY, RunState.PREPARING),
        (4, RunState.PREPARING, RunState.INITIALIZING),
        (5, RunState.INITIALIZING, RunState.PERFORMING),
        (6, RunState.PERFORMING, RunState.FINISHED),
    ]
    assert {step.actor for step in steps[1:]} == {HANDRAIL}


async def test_the_way_of_a_run_is_audited(store: Store) -> None:
    await store.finished()

    assert [deed.verb for deed in await store.deeds()] == [
        Verb.SUBMITTED,
        Verb.STARTED,
        Verb.PERFORMED,
        Verb.ENDED,
    ]


async def test_a_run_is_started_once_however_many_hands_try(store: Store) -> None:
    run = await store.run_in(RunState.READY)

    outcomes = await asyncio.gather(
        *(store.record.start(run.id, later(2)) for _ in range(10)),
        return_exceptions=True,
    )

    lost = [one for one in outcomes if isinstance(one, IllegalTransition)]
    assert len(lost) == 9
    assert len(await store.archive.transitions(run.id)) == 3


async def test_a_queued_run_cannot_be_started(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))

    with pytest.raises(IllegalTransition):
        await store.record.start(run.id, later(1))

    assert await store.archive.run(run.id) == run


async def test_a_hold_taken_meanwhile_sends_a_ready_run_back(store: Store) -> None:
    run = await store.run_in(RunState.READY)
    await store.record.hold([a_hold(by="bob", thread=run.thread)])

    assert await store.record.start(run.id, later(2)) is None

    back = await store.archive.run(run.id)
    assert back.state is RunState.QUEUED
    assert (await store.archive.occupancy(STACK)).claim is None


async def test_a_hold_of_ones_own_lets_a_ready_run_start(store: Store) -> None:
    run = await store.run_in(RunState.READY)
    await store.record.hold([a_hold(by="ann", thread=run.thread)])

    started = await store.record.start(run.id, later(2))

    assert started is not None
    assert started.state is RunState.PREPARING


@pytest.mark.parametrize("to", [RunState.FINISHED, RunState.STOPPED])
async def test_a_run_does_not_advance_to_its_end(store: Store, to: RunState) -> None:
    run = await store.run_in(
        RunState.PERFORMING if to is RunState.FINISHED else RunState.INITIALIZING
    )

    with pytest.raises(IllegalTransition):
        await store.record.advance(run.id, to, later(9))

    assert await store.archive.run(run.id) == run


async def test_a_run_without_init_goes_from_preparing_to_performing(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PREPARING)

    moved = await store.record.advance(run.id, RunState.PERFORMING, later(5))

    assert moved is not None
    assert (moved.state, moved.state_since) == (RunState.PERFORMING, later(5))


async def test_progress_leaves_what_it_does_not_name_as_it_is(store: Store) -> None:
    run = await store.run_in(RunState.PREPARING)
    await store.told()

    await store.record.note_progress(run.id, Progress(commit="c0ffee"))
    await store.record.note_progress(run.id, Progress(container="abc"))

    known = await store.archive.run(run.id)
    assert (known.commit, known.container, known.image_digest) == (
        "c0ffee",
        "abc",
        None,
    )
    assert await store.told() == [Header(run=run.id)]


async def test_an_end_keeps_how_the_run_ended(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    ended = Ended(state=RunState.FINISHED, actor=HANDRAIL, exit_code=0, note="slow")

    over = await store.record.end(run.id, ended, later(9))

    assert (over.state, over.exit_code, over.note) == (RunState.FINISHED, 0, "slow")
    assert (over.ended_at, over.state_since) == (later(9), later(9))
    assert await store.archive.run(run.id) == over


@pytest.mark.parametrize(
    ("ended", "detail"), [(FINISHED, "finished, exit code 0"), (LOST, "failed (lost)")]
)
async def test_the_audit_row_of_an_end_says_how(
    store: Store, ended: Ended, detail: str
) -> None:
    run = await store.run_in(RunState.PERFORMING)

    await store.record.end(run.id, ended, later(9))

    assert (await store.deeds())[-1].detail == detail


async def test_an_end_without_output_is_told_without_a_tail(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.told()

    await store.record.end(run.id, FINISHED, later(9), [Said(text="partial")])

    assert await store.told() == [
        Said(text="partial"),
        Header(run=run.id),
        Final(run=run.id),
    ]


async def test_an_end_with_output_is_told_with_a_last_tail(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.append_output(run.id, b"done\n", position=0, limit=100)
    await store.told()

    await store.record.end(run.id, FINISHED, later(9))

    assert await store.told() == [
        Header(run=run.id),
        Tail(run=run.id),
        Final(run=run.id),
    ]


async def test_a_run_ends_once(store: Store) -> None:
    run = await store.finished()
    told = await store.told()

    with pytest.raises(IllegalTransition):
        await store.record.end(run.id, LOST, later(10))

    assert told[-1] == Final(run=run.id)
    assert await store.told() == []
    assert await store.archive.run(run.id) == run


async def test_an_unknown_run_is_a_lookup_error(store: Store) -> None:
    with pytest.raises(LookupError):
        await store.record.start(RunId(7), later(0))


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.READY])
async def test_a_stop_discards_a_run_that_has_not_begun(
    store: Store, state: RunState
) -> None:
    run = await store.run_in(state)
    await store.told()

    answer = await store.record.ask_stop(run.id, an_actor("bob"), later(5))

    over = await store.archive.run(run.id)
    last = (await store.archive.transitions(run.id))[-1]
    assert answer is StopAnswer.DISCARDED
    assert (over.state, over.ended_at) == (RunState.DISCARDED, later(5))
    assert over.stop_asked_by == last.actor == an_actor("bob")
    assert await store.told() == [Header(run=run.id), Final(run=run.id)]
    assert [deed.verb for deed in await store.deeds()][-2:] == [
        Verb.STOP_ASKED,
        Verb.ENDED,
    ]


async def test_a_discarded_ready_run_leaves_its_stack_to_the_next(
    store: Store,
) -> None:
    first = await store.run_in(RunState.READY)
    second = await store.record.submit(a_new_run(), later(2))

    await store.record.ask_stop(first.id, an_actor(), later(3))

    assert [run.id for run in await store.record.promote(later(4))] == [second.id]


@pytest.mark.parametrize("state", ACTIVE[:2])
async def test_a_stop_marks_a_run_that_has_not_performed(
    store: Store, state: RunState
) -> None:
    run = await store.run_in(state)
    await store.told()

    answer = await store.record.ask_stop(run.id, an_actor("bob"), later(5))

    marked = await store.archive.run(run.id)
    assert answer is StopAnswer.ASKED
    assert (marked.state, marked.stop_asked_by) == (state, an_actor("bob"))
    assert await store.told() == [
        StopAsked(actor=an_actor("bob")),
        Header(run=run.id),
    ]


async def test_a_second_stop_changes_nothing(store: Store) -> None:
    run = await store.run_in(RunState.PREPARING)
    await store.record.ask_stop(run.id, an_actor("bob"), later(5))
    await store.told()
    deeds = await store.deeds()

    answer = await store.record.ask_stop(run.id, an_actor("cat"), later(6))

    assert answer is StopAnswer.ASKED
    assert (await store.archive.run(run.id)).stop_asked_by == an_actor("bob")
    assert await store.told() == []
    assert await store.deeds() == deeds


@pytest.mark.parametrize("to", [RunState.INITIALIZING, RunState.PERFORMING])
async def test_a_run_that_is_asked_to_stop_does_not_advance(
    store: Store, to: RunState
) -> None:
    run = await store.run_in(RunState.PREPARING)
    await store.record.ask_stop(run.id, an_actor(), later(5))
    before = await store.archive.run(run.id)
    await store.told()

    assert await store.record.advance(run.id, to, later(6)) is None
    assert await store.archive.run(run.id) == before
    assert await store.told() == []


async def test_a_performing_run_cannot_be_asked_to_stop(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)

    answer = await store.record.ask_stop(run.id, an_actor(), later(9))

    assert answer is StopAnswer.TOO_LATE
    assert await store.archive.run(run.id) == run


async def test_a_run_that_is_over_cannot_be_asked_to_stop(store: Store) -> None:
    run = await store.finished()

    answer = await store.record.ask_stop(run.id, an_actor(), later(10))

    assert answer is StopAnswer.OVER
    assert await store.archive.run(run.id) == run


async def test_a_stop_and_the_step_to_performing_never_both_win(store: Store) -> None:
    runs = [
        await store.run_in(RunState.INITIALIZING, a_new_run(stack=f"stack-{i}"))
        for i in range(10)
    ]

    for run in runs:
        answer, moved = await asyncio.gather(
            store.record.ask_stop(run.id, an_actor(), later(9)),
            store.record.advance(run.id, RunState.PERFORMING, later(9)),
        )

        assert (answer is StopAnswer.ASKED) == (moved is None)
