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
from bot.ports import Change
from bot.sandbox.server import PATIENCE
from bot.store import postgres
from bot.store.changes import EVERY
from bot.store.database import wake
from bot.store.drains import SqlDrains
from bot.store.wakes import SqlWakes
from tests.contract.store.asking import (
    IMAGE,
    REJECTED,
    SUBJECT,
    UNDECIDED,
    asked,
    judged,
    proposed,
)
from tests.contract.store.asking import said as of
from tests.contract.store.opened import LOST, Store
from tests.contract.store.party import Party
from tests.support.builders import a_hold, a_new_run, an_actor, later
from tests.support.postgres import Postgres

Deed = Callable[[Store], Awaitable[object]]

RUNS, LETTERS = {Change.RUNS}, {Change.LETTERS}
#: a change that what is tested here does not make, but where it hides something
MARK = Change.SECRETS


class Heard(Protocol):
    """Tells the kinds of changes that are heard of next, none where it takes long."""

    async def __call__(self) -> frozenset[Change]: ...


@asynccontextmanager
async def listening(store: Store) -> AsyncIterator[Heard]:
    """Listen to what changes from now on."""
    wakes: asyncio.Queue[frozenset[Change]] = asyncio.Queue()

    async def listen() -> None:
        async with aclosing(SqlWakes(store.database).heard()) as kinds:
            async for kind in kinds:
                wakes.put_nowait(kind)

    async def heard() -> frozenset[Change]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await wakes.get()
        except TimeoutError:
            return frozenset()

    task = asyncio.create_task(listen())
    if await is_sqlite(store):
        await asyncio.sleep(0)  # it listens by now
    else:
        assert await heard() == EVERY  # it listens by now, and may have missed any
    yield heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def is_sqlite(store: Store) -> bool:
    async with store.database.read("ask which database it is") as db:
        return db.dialect.name == "sqlite"


async def heard_by_now(store: Store, heard: Heard) -> frozenset[Change]:
    """Return what is heard of all that was changed before.

    By a mark that is changed last. PostgreSQL tells of changes in their order, and of
    its own ones whoever heard of them when they were made.
    """
    async with store.database.write("make a mark") as db:
        if db.dialect.name == "sqlite":
            wake(db, MARK)
        else:
            await postgres.wake(db, {MARK})
    kinds: frozenset[Change] = frozenset()
    while MARK not in kinds:
        more = await heard()
        assert more
        kinds |= more
    return kinds - {MARK}


async def ended(store: Store) -> None:
    await store.record.end((await store.archive.active_runs())[0].id, LOST, later(9))


async def carded(store: Store) -> None:
    await store.record.open_card(a_new_run().stack, a_new_run().channel)


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


DEEDS: dict[str, tuple[Deed, set[Change]]] = {
    "submitted": (
        lambda store: store.record.submit(a_new_run(), later(9)),
        RUNS | LETTERS,
    ),
    "ended": (ended, RUNS | LETTERS),
    "released": (released, RUNS),  # a hold without a thread
    "stopped": (stopped, RUNS | LETTERS),
    "hidden": (hidden, {Change.SECRETS}),
    "said": (said, LETTERS),
    "carded": (carded, LETTERS),
    "left": (left, {Change.OWNERS}),
    "handed over": (lambda store: store.record.hand_over(later(9)), {Change.OWNERS}),
    "drained": (lambda store: SqlDrains(store.database).drain("root", later(9)), RUNS),
}


@pytest.fixture
async def busy(store: Store) -> Store:
    await store.record.hold([a_hold(stack="db-prod")])
    await store.run_in(RunState.INITIALIZING)
    return store


@pytest.mark.parametrize(("deed", "kinds"), DEEDS.values(), ids=DEEDS)
async def test_each_change_is_heard_of(
    busy: Store, deed: Deed, kinds: set[Change]
) -> None:
    async with listening(busy) as heard:
        await deed(busy)

        assert await heard() == kinds


async def test_a_confirmation_is_heard_of(store: Store) -> None:
    run = await store.unconfirmed()
    async with listening(store) as heard:
        await store.record.confirm(run.id, an_actor(), later(9))

        assert await heard() == RUNS | LETTERS


async def test_what_becomes_of_an_approval_is_heard_of(store: Store) -> None:
    run = await store.record.submit(asked(), later(0))
    async with listening(store) as heard:
        for deed in (
            lambda: store.approvals.propose(run.id, SUBJECT, IMAGE, later(1)),
            lambda: store.approvals.review(of(run)),
            lambda: judged(store, run),
            lambda: store.approvals.withdraw(run.id, [1], "why", later(7)),
            lambda: judged(store, run, REJECTED),
        ):
            assert await deed()
            assert Change.RUNS in await heard()
            await heard_by_now(store, heard)


async def test_that_a_run_waits_on_wakes_nobody_to_judge_it_again(store: Store) -> None:
    run = await proposed(store)
    async with listening(store) as heard:
        assert await judged(store, run, UNDECIDED)
        assert await heard_by_now(store, heard) == LETTERS
        assert await judged(store, run, UNDECIDED)
        assert await store.approvals.propose(run.id, SUBJECT, IMAGE, later(9))

        assert not await heard_by_now(store, heard)


async def test_the_end_of_a_hold_is_heard_of(store: Store) -> None:
    await store.record.hold([a_hold(until=later(60))])
    async with listening(store) as heard:
        await store.record.expire(later(61))

        assert Change.RUNS in await heard()


async def test_what_changes_nothing_for_others_is_not_heard_of(busy: Store) -> None:
    run = (await busy.archive.active_runs())[0]
    await busy.record.append_output(run.id, b"x", position=1, limit=99)
    async with listening(busy) as heard:
        await busy.record.append_output(run.id, b"y", position=2, limit=99)
        await busy.record.promote(later(9))
        await busy.record.renew([run.id], later(9))

        assert not await heard_by_now(busy, heard)


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
            await heard_by_now(other, heard)
