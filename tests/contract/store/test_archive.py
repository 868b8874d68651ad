"""What the archive promises."""

from dataclasses import replace

import pytest

from bot.domain.lock import EVERY, Occupancy
from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, RunId, RunState, RunType, ThreadId
from bot.domain.stack import StackName
from bot.domain.state_lock import StateLock
from bot.ports import Ended, RunQuery
from tests.contract.store.opened import UNPROVEN, Store
from tests.support.builders import (
    CHANNEL,
    STACK,
    a_deploy,
    a_hold,
    a_new_run,
    an_actor,
    an_announced_run,
    later,
)


async def test_a_run_that_is_not_recorded_is_a_lookup_error(store: Store) -> None:
    with pytest.raises(LookupError):
        await store.archive.run(RunId(1))


async def test_a_thread_that_is_not_recorded_is_a_lookup_error(store: Store) -> None:
    with pytest.raises(LookupError):
        await store.archive.thread(ThreadId(1))


async def test_a_stack_that_nobody_has_is_free(store: Store) -> None:
    assert await store.archive.occupancy(STACK) == Occupancy()


async def test_the_queue_of_a_stack_is_oldest_first(store: Store) -> None:
    await store.run_in(RunState.READY)
    first = await store.record.submit(a_new_run("one"), later(2))
    await store.record.submit(a_new_run(stack="db-prod"), later(3))
    second = await store.record.submit(a_new_run("two"), later(4))

    assert await store.archive.queue(STACK) == (first, second)


async def test_the_last_runs_are_newest_first(store: Store) -> None:
    runs = [
        await store.record.submit(a_new_run(stack=stack), later(0))
        for stack in ("a", "b", "a", "a")
    ]

    of_all = await store.archive.last_runs(None, 3)
    of_one = await store.archive.last_runs(StackName("a"), 2)

    assert of_all == (runs[3], runs[2], runs[1])
    assert of_one == (runs[3], runs[2])


async def test_active_runs_are_those_that_may_have_a_container(store: Store) -> None:
    steps = (
        RunState.QUEUED,
        RunState.READY,
        RunState.PREPARING,
        RunState.INITIALIZING,
        RunState.PERFORMING,
    )
    runs = [await store.run_in(step, a_new_run(stack=step)) for step in reversed(steps)]
    await store.finished(a_new_run(stack="over"))

    assert await store.archive.active_runs() == tuple(runs[:3])


async def test_a_thread_is_found_by_its_first_message(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    (header,) = await store.outbox.due(later(0))
    await store.outbox.delivered(header, "1700.5")

    found = await store.archive.thread_at(CHANNEL, "1700.5")

    assert found == await store.archive.thread(run.thread)
    assert found is not None
    assert (found.run, found.ts) == (run.id, "1700.5")


async def test_a_message_that_begins_no_thread_finds_none(store: Store) -> None:
    await store.record.submit(a_new_run(), later(0))

    assert await store.archive.thread_at(CHANNEL, "1700.5") is None


async def test_a_run_reads_as_it_was_written_in_every_field(store: Store) -> None:
    run = await store.run_in(RunState.INITIALIZING, a_new_run(skip_init=True))
    await store.record.ask_stop(run.id, an_actor("bob"), later(7))

    over = await store.record.end(run.id, UNPROVEN, later(9))

    assert await store.archive.run(run.id) == over
    assert (over.reason, over.stop_asked_by) == (UNPROVEN.reason, an_actor("bob"))


async def test_a_state_lock_reads_as_the_run_ran_into_it(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    lock = StateLock(id="6638e5aa", path="net/prod", who="ann@pc", created="today")
    ended = Ended(
        state=RunState.FAILED,
        actor=HANDRAIL,
        reason=Reason.EXIT_CODE,
        exit_code=1,
        state_lock=lock,
    )

    over = await store.record.end(run.id, ended, later(9))

    assert over.state_lock == lock
    assert await store.archive.run(run.id) == over


async def test_every_hold_in_force_is_listed_by_its_stack(store: Store) -> None:
    freeze = a_hold(stack=EVERY, by="ada", reason="incident", until=later(60))
    await store.record.hold([a_hold(stack="b"), a_hold(stack="a")])
    await store.record.freeze(freeze)

    assert await store.archive.holds() == (
        freeze,
        a_hold(stack="a"),
        a_hold(stack="b"),
    )
    assert await store.archive.occupancy(StackName("c")) == Occupancy(freeze=freeze)


async def history(store: Store) -> None:
    """Record runs 1 to 5, of different kinds."""
    await store.record.submit(a_new_run(stack="a"), later(0))
    await store.record.submit(a_new_run(stack="b", by="bob"), later(10))
    await store.record.submit(a_deploy(stack="a"), later(20))
    await store.record.submit(an_announced_run(stack="c"), later(30))
    await store.finished(a_new_run(stack="d"))


STACKS = frozenset({StackName("a"), StackName("b")})
#: what is asked for, and the runs that are found
QUERIES: tuple[tuple[RunQuery, list[int]], ...] = (
    (RunQuery(), [5, 4, 3, 2, 1]),
    (RunQuery(stacks=STACKS), [3, 2, 1]),
    (RunQuery(stacks=frozenset()), []),
    (RunQuery(type=RunType.TRACKED), [4, 3]),
    (RunQuery(state=RunState.FINISHED), [5]),
    (RunQuery(actor="U0BOB"), [2]),
    (RunQuery(actor="ci"), [4]),
    (RunQuery(since=later(10)), [4, 3, 2]),
    (RunQuery(until=later(10)), [5, 1]),
    (RunQuery(since=later(10), until=later(30)), [3, 2]),
    (RunQuery(stacks=STACKS, type=RunType.TASK, actor="U0ANN"), [1]),
    (RunQuery(limit=2), [5, 4]),
    (RunQuery(limit=2, before=RunId(4)), [3, 2]),
    (RunQuery(before=RunId(1)), []),
)


@pytest.mark.parametrize(("query", "found"), QUERIES)
async def test_the_history_answers_what_is_asked(
    store: Store, query: RunQuery, found: list[int]
) -> None:
    await history(store)

    assert [run.id for run in await store.archive.runs(query)] == found


async def test_the_pages_of_the_history_are_the_whole_of_it(store: Store) -> None:
    await history(store)
    query, pages = RunQuery(limit=2), []
    while page := await store.archive.runs(query):
        pages.append([run.id for run in page])
        query = replace(query, before=page[-1].id)

    assert pages == [[5, 4], [3, 2], [1]]
