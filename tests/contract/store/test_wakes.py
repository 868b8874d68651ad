"""`Wakes`: a change is heard of soon, by whichever replica."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Protocol

import pytest

from bot.domain.errors import StoreUnavailable
from bot.domain.run import RunState
from bot.domain.telling import Said
from bot.store.drains import SqlDrains
from bot.store.wakes import SqlWakes
from tests.contract.store.opened import LOST, Store
from tests.contract.store.party import Party
from tests.support.builders import a_hold, a_new_run, an_actor, later
from tests.support.postgres import Postgres

Change = Callable[[Store], Awaitable[object]]


class Heard(Protocol):
    """Tells whether a change is heard of in time."""

    async def __call__(self, within: float = 5) -> bool: ...


@asynccontextmanager
async def listening(store: Store) -> AsyncIterator[Heard]:
    """Listen, once what was said before is over."""
    event = asyncio.Event()

    async def listen() -> None:
        async with aclosing(SqlWakes(store.database).heard()) as wakes:
            async for _ in wakes:
                event.set()

    async def heard(within: float = 5) -> bool:
        try:
            async with asyncio.timeout(within):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    task = asyncio.create_task(listen())
    while not await heard(0.1):  # it listens by now
        await store.record.open_card(a_new_run().stack, a_new_run().channel)
    await settled(heard)
    yield heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def settled(heard: Heard) -> None:
    """Hear what is still on its way."""
    while await heard(0.3):
        pass


async def ended(store: Store) -> None:
    await store.record.end((await store.archive.active_runs())[0].id, LOST, later(9))


async def released(store: Store) -> None:
    await store.record.release_holds(
        await store.archive.holds(), an_actor(), "", later(9), None
    )


async def stopped(store: Store) -> None:
    run = (await store.archive.active_runs())[0]
    await store.record.ask_stop(run.id, an_actor(), later(9))


async def hidden(store: Store) -> None:
    run = (await store.archive.active_runs())[0]
    await store.record.hide_later(run.id, b"sealed")


async def said(store: Store) -> None:
    run = (await store.archive.active_runs())[0]
    await store.record.tell(run.thread, [Said(text="x")])


async def left(store: Store) -> None:
    await (await Party.joined(store, "b")).replicas.leave(later(9))


CHANGES: dict[str, Change] = {
    "submitted": lambda store: store.record.submit(a_new_run(), later(9)),
    "ended": ended,
    "released": released,
    "stopped": stopped,
    "hidden": hidden,
    "said": said,
    "left": left,
    "handed over": lambda store: store.record.hand_over(later(9)),
    "drained": lambda store: SqlDrains(store.database).drain("root", later(9)),
}


@pytest.fixture
async def busy(store: Store) -> Store:
    await store.record.hold([a_hold(stack="db-prod")])
    await store.run_in(RunState.INITIALIZING)
    return store


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_each_change_is_heard_of(busy: Store, change: Change) -> None:
    async with listening(busy) as heard:
        await change(busy)

        assert await heard()


async def test_what_changes_nothing_for_others_is_not_heard_of(busy: Store) -> None:
    run = (await busy.archive.active_runs())[0]
    await busy.record.append_output(run.id, b"x", position=1, limit=99)
    async with listening(busy) as heard:
        await busy.record.append_output(run.id, b"y", position=2, limit=99)
        await busy.record.promote(later(9))
        await busy.record.renew([run.id], later(9))

        assert not await heard(0.3)


async def test_a_change_is_heard_of_within_50_ms(busy: Store) -> None:
    run = (await busy.archive.active_runs())[0]
    lags = []
    async with listening(busy) as heard:
        for _ in range(20):
            await busy.record.tell(run.thread, [Said(text="x")])
            committed = time.perf_counter()
            assert await heard()
            lags.append(time.perf_counter() - committed)

    assert sorted(lags)[len(lags) // 2] < 0.05


async def test_several_changes_may_be_heard_of_as_one(busy: Store) -> None:
    run = (await busy.archive.active_runs())[0]
    async with listening(busy) as heard:
        for _ in range(5):
            await busy.record.tell(run.thread, [Said(text="x")])

        assert await heard()


async def test_what_another_replica_changes_is_heard_of(
    postgres_server: Postgres,
) -> None:
    async with (
        postgres_server.database() as url,
        Store.open(url) as one,
        Store.open(url) as other,
        listening(one) as heard,
    ):
        await other.record.submit(a_new_run(), later(0))

        assert await heard()


async def test_what_was_missed_while_the_server_was_away_is_heard_of_once_it_is_back(
    postgres_server: Postgres,
) -> None:
    async with (
        postgres_server.database() as url,
        Store.open(url) as one,
        Store.open(url) as other,
        listening(one) as heard,
    ):
        for _ in range(2):
            await postgres_server.disconnect(url)
            with suppress(StoreUnavailable):  # as far as it knows it is connected
                await other.record.submit(a_new_run(), later(0))
            await other.record.submit(a_new_run(), later(0))

            assert await heard()
            await settled(heard)
