"""What the archive promises."""

import pytest

from bot.domain.lock import Occupancy
from bot.domain.run import RunId, RunState, ThreadId
from bot.domain.stack import StackName
from tests.contract.store.opened import UNPROVEN, Store
from tests.support.builders import CHANNEL, STACK, a_new_run, an_actor, later


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
