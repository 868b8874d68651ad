"""What is promised while PostgreSQL is cut off, silent, or in other hands."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, nullcontext

import pytest
from sqlalchemy import make_url, text

from bot.domain.errors import StoreUnavailable
from bot.domain.run import RunId
from bot.store.database import Database
from bot.store.wakes import SqlWakes
from tests.contract.store.opened import Store
from tests.support.builders import a_new_run, later
from tests.support.postgres import Postgres
from tests.support.proxies import Proxy, proxied, to_socket

PATIENCE = 0.5
#: what the library takes besides to let a connection go
LET_GO = 2.5


@pytest.fixture
async def url(postgres_server: Postgres) -> AsyncIterator[str]:
    async with postgres_server.database() as address:
        yield address


@pytest.fixture
async def proxy(postgres_server: Postgres) -> AsyncIterator[Proxy]:
    async with proxied(to_socket(postgres_server.folder / ".s.PGSQL.5432")) as way:
        yield way


@pytest.fixture
async def store(url: str, proxy: Proxy) -> AsyncIterator[Store]:
    """Return a store that reaches its server by way of the proxy."""
    async with Store.open(through(proxy, url), patience=PATIENCE) as opened:
        yield opened
        proxy.mend()


def through(proxy: Proxy, url: str) -> str:
    name = make_url(url).database
    return f"postgresql+asyncpg://postgres@127.0.0.1:{proxy.port}/{name}"


async def test_a_server_that_is_cut_off_and_comes_back_is_found_again(
    proxy: Proxy, store: Store
) -> None:
    await store.record.submit(a_new_run(), later(0))
    proxy.cut()
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="Could not record a run"):
            await store.record.submit(a_new_run(), later(1))
        with pytest.raises(StoreUnavailable, match="Could not read runs"):
            await store.archive.run(RunId(1))

    proxy.mend()

    await store.record.submit(a_new_run(), later(2))
    assert len(await store.archive.last_runs(None, 9)) == 2


async def test_a_server_that_falls_silent_is_away_soon_and_found_again(
    proxy: Proxy, store: Store
) -> None:
    await store.record.submit(a_new_run(), later(0))
    proxy.stall()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="no answer in time"):
        await store.record.submit(a_new_run(), later(1))
    with pytest.raises(StoreUnavailable, match="no answer in time"):
        await store.archive.run(RunId(1))
    took = time.monotonic() - began

    proxy.mend()

    await store.record.submit(a_new_run(), later(2))
    assert (await store.archive.run(RunId(2))).id == 2
    assert took < 2 * (PATIENCE + LET_GO)


async def test_what_was_written_when_the_server_fell_silent_is_not_there(
    proxy: Proxy, store: Store
) -> None:
    async def write() -> None:
        async with store.database.write("try") as db:
            await db.execute(text("INSERT INTO threads (channel, stack) VALUES (1, 2)"))
            proxy.stall()
            await db.execute(text("INSERT INTO threads (channel, stack) VALUES (3, 4)"))

    with pytest.raises(StoreUnavailable, match="Could not try"):
        await write()
    proxy.mend()

    run = await store.record.submit(a_new_run(), later(0))
    threads = text("SELECT count(*) FROM threads")
    async with store.database.read("count") as db:
        assert (await db.execute(threads)).scalar_one() == 1
    assert run.id == 1


@pytest.mark.parametrize(
    ("cut_after", "is_kept"), [(0.5, False), (1.5, True)], ids=["before", "behind"]
)
async def test_what_became_of_a_commit_that_was_not_answered_is_found_out(
    proxy: Proxy, url: str, cut_after: float, is_kept: bool
) -> None:
    async def write() -> None:
        async with patient.database.write("try") as db:
            await db.execute(text("INSERT INTO threads (channel, stack) VALUES (1, 2)"))
            proxy.delay = 1.0  # on the way to the server, and on the way back
            asyncio.get_running_loop().call_later(cut_after, proxy.cut)
            asyncio.get_running_loop().call_later(cut_after + 1, proxy.mend)

    async with Store.open(through(proxy, url), patience=5) as patient:
        with nullcontext() if is_kept else pytest.raises(StoreUnavailable):
            await write()

        count = text("SELECT count(*) FROM threads")
        async with patient.database.read("count") as db:
            assert (await db.execute(count)).scalar_one() == int(is_kept)
        await patient.record.submit(a_new_run(), later(0))


async def test_who_hangs_in_a_transaction_keeps_nobody_for_ever(
    proxy: Proxy, store: Store, url: str
) -> None:
    async def hang() -> None:
        async with store.database.write("hang") as db:
            limit = text("SHOW idle_in_transaction_session_timeout")
            assert (await db.execute(limit)).scalar_one() == "20s"
            await db.execute(text("SET idle_in_transaction_session_timeout = '1s'"))
            proxy.stall()  # neither its commit nor its end arrives

            await other.record.submit(a_new_run(), later(0))

    async with Store.open(url) as other:
        with pytest.raises(StoreUnavailable):
            await hang()


async def test_a_listener_that_is_cut_off_hears_again(
    proxy: Proxy, store: Store, url: str
) -> None:
    woken = asyncio.Event()

    async def listen() -> None:
        async with aclosing(SqlWakes(store.database).heard()) as wakes:
            async for _ in wakes:
                woken.set()

    task = asyncio.create_task(listen())
    async with Store.open(url) as other, asyncio.timeout(20):
        for interrupt in (proxy.cut, proxy.stall):
            await woken.wait()
            interrupt()
            await other.record.submit(a_new_run(), later(0))
            woken.clear()
            proxy.mend()
            await woken.wait()
            woken.clear()
            await other.record.submit(a_new_run(), later(0))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_store_whose_server_is_silent_is_closed_in_time(
    proxy: Proxy, url: str
) -> None:
    async with Database.open(through(proxy, url), patience=PATIENCE) as database:
        async with database.write("begin"):
            pass
        proxy.stall()
        began = time.monotonic()

    assert time.monotonic() - began < 4


async def test_a_migration_waits_for_whoever_writes(
    postgres_server: Postgres, url: str
) -> None:
    opened = asyncio.Event()

    async def open_too() -> None:
        async with Store.open(url):
            opened.set()

    async with Store.open(url) as store:
        async with store.database.write("hold the lock") as db:
            task = asyncio.create_task(open_too())
            await db.execute(text("SELECT pg_sleep(0.5)"))
            assert not opened.is_set()
        await task

    assert opened.is_set()
