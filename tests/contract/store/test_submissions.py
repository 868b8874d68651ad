"""What the record promises of requests that come again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import IdempotencyConflict, QueueFull
from bot.domain.lock import EVERY
from bot.domain.people import api_actor
from bot.domain.run import Run, RunState
from bot.domain.telling import Echo, Header, Waiting
from bot.ports import Idempotency, NewRun
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import FINISHED, Store
from tests.contract.store.test_record_redaction import everything
from tests.support.builders import (
    a_hold,
    a_new_run,
    an_actor,
    an_announced_run,
    later,
)

REQUEST = Idempotency(key="build-7", digest="a" * 64)


def asked(request: Idempotency = REQUEST, *, key: str = "ci") -> NewRun:
    return replace(an_announced_run(key=key), idempotency=request)


async def test_a_request_that_comes_again_is_the_run_that_it_became(
    store: Store,
) -> None:
    first = await store.record.submit(asked(), later(0))
    told, deeds = await store.told(), await store.deeds()

    again = await store.record.submit(asked(), later(5))

    assert again == first
    assert await store.deeds() == deeds
    assert (len(told), await store.told()) == (2, [])


async def test_a_request_that_comes_again_is_told_how_its_run_is_now(
    store: Store,
) -> None:
    run = await store.record.submit(asked(), later(0))
    await store.record.promote(later(1))
    await store.record.begin(run.id, later(2))
    over = await store.record.end(run.id, FINISHED, later(3))

    assert await store.record.submit(asked(), later(5)) == over
    assert await store.archive.granted(api_actor("ci"), REQUEST) == over


async def test_a_key_with_another_request_is_a_conflict(store: Store) -> None:
    await store.record.submit(asked(), later(0))
    other = replace(REQUEST, digest="b" * 64)

    with pytest.raises(IdempotencyConflict):
        await store.record.submit(asked(other), later(1))
    with pytest.raises(IdempotencyConflict):
        await store.archive.granted(api_actor("ci"), other)

    assert len(await store.archive.last_runs(None, 9)) == 1


@pytest.mark.parametrize(
    "new",
    [
        replace(asked(), command="make -p hunter22"),
        replace(asked(), apply="make -p hunter22"),
    ],
)
async def test_a_request_whose_command_was_redacted_is_not_known_any_more(
    store: Store, new: NewRun
) -> None:
    run = await store.record.submit(new, later(0))
    await redacted(store, run, "hunter22")

    with pytest.raises(IdempotencyConflict):
        await store.record.submit(new, later(6))
    with pytest.raises(IdempotencyConflict):
        await store.archive.granted(api_actor("ci"), REQUEST)

    assert REQUEST.digest not in await everything(store)


async def test_a_request_whose_command_stays_is_known_after_a_redaction(
    store: Store,
) -> None:
    run = await store.record.submit(asked(), later(0))
    await redacted(store, run, "hunter22")

    assert await store.record.submit(asked(), later(6)) == run


async def redacted(store: Store, run: Run, words: str) -> None:
    hide = Masks((Secret("redacted", words.encode()),))
    await store.record.redact(run.id, hide, an_actor(), later(5), why="a reply")


async def test_a_request_is_forgotten_thirty_days_later_with_the_next(
    store: Store,
) -> None:
    month = timedelta(days=30).total_seconds()
    first = await store.record.submit(asked(), later(0))
    other = replace(REQUEST, key="build-8")

    await store.record.submit(asked(other), later(month))
    assert await store.record.submit(asked(), later(month)) == first
    await store.record.submit(asked(replace(REQUEST, key="9")), later(month + 1))

    assert (await store.record.submit(asked(), later(month + 2))).id != first.id
    assert await store.archive.granted(api_actor("ci"), other) is not None


async def test_two_callers_may_use_the_same_key(store: Store) -> None:
    first = await store.record.submit(asked(), later(0))

    second = await store.record.submit(asked(key="other"), later(1))

    assert second.id != first.id
    assert await store.archive.granted(api_actor("third"), REQUEST) is None


async def test_of_fifty_requests_at_once_one_becomes_a_run(store: Store) -> None:
    runs = await asyncio.gather(
        *(store.record.submit(asked(), later(0)) for _ in range(50))
    )

    assert len({run.id for run in runs}) == 1
    assert len(await store.archive.last_runs(None, 9)) == 1


async def test_a_run_that_can_start_at_once_is_not_told_to_wait(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))

    assert await store.told() == [Header(run=run.id), Echo(run=run.id)]


async def claimed(store: Store) -> Run:
    return await store.run_in(RunState.PERFORMING)


async def held(store: Store) -> None:
    await store.record.hold([a_hold(by="bob")])


async def queued(store: Store) -> Run:
    return await store.record.submit(a_new_run(), later(0))


@pytest.mark.parametrize("block", [claimed, held, queued])
async def test_a_run_that_has_to_wait_is_told_so_with_its_first_messages(
    store: Store, block: Callable[[Store], Awaitable[object]]
) -> None:
    await block(store)
    await store.told()

    run = await store.record.submit(a_new_run(), later(6))

    assert await store.told() == [
        Header(run=run.id),
        Echo(run=run.id),
        Waiting(run=run.id),
    ]


async def test_a_repeated_run_names_the_one_it_repeats(store: Store) -> None:
    first = await store.finished()

    again = await store.record.submit(replace(a_new_run(), again=first.id), later(20))

    assert (await store.archive.run(again.id)).again == first.id


async def test_a_queue_has_an_end_for_each_stack(store: Store) -> None:
    first = await store.record.submit(asked(), later(0))
    for _ in range(99):
        await store.record.submit(a_new_run(), later(0))
    deeds = await store.deeds()

    with pytest.raises(QueueFull, match="net-prod"):
        await store.record.submit(a_new_run(), later(1))

    assert await store.deeds() == deeds
    assert await store.record.submit(asked(), later(1)) == first
    await store.record.submit(a_new_run(stack="db-prod"), later(1))
    await store.record.ask_stop(first.id, an_actor(), later(2))
    await store.record.submit(a_new_run(), later(3))


async def test_the_first_twenty_of_each_queue_are_told_when_it_moves(
    store: Store,
) -> None:
    runs = [await store.record.submit(a_new_run(), later(0)) for _ in range(22)]
    other = await store.record.submit(a_new_run(stack="db-prod"), later(0))
    await store.told()

    await store.record.freeze(a_hold(stack=EVERY, by="ada"))

    told = [one for one in await store.told() if isinstance(one, Waiting)]
    assert told == [Waiting(run=run.id) for run in (*runs[:20], other)]
