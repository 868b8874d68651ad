"""What is promised where the record is kept in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from bot.domain.errors import StoreUnavailable
from bot.domain.run import RunId, ThreadId
from bot.domain.telling import Said
from bot.store import audit
from bot.store.audit import Verdict
from bot.store.database import Database
from bot.store.tables import deliveries, threads
from tests.contract.store.opened import Store
from tests.support.builders import NOON, a_new_run, later
from tests.support.postgres import Postgres


@pytest.fixture
async def url(postgres_server: Postgres) -> AsyncIterator[str]:
    async with postgres_server.database() as address:
        yield address


def a_thread(stack: str) -> dict[str, str]:
    return {"channel": "C1", "stack": stack}


async def stacks(database: Database) -> list[str]:
    async with database.read("look") as db:
        return list((await db.execute(select(threads.c.stack))).scalars())


async def test_processes_that_start_at_once_make_the_tables_once(
    postgres_server: Postgres,
) -> None:
    async def start(url: str) -> None:
        async with Store.open(url) as store:
            await store.record.submit(a_new_run(), later(0))

    async with postgres_server.empty_database() as url:
        await asyncio.gather(*(start(url) for _ in range(4)))

        async with Store.open(url) as store:
            assert await audit.verify(store.database) == Verdict(sound=4, broken=None)


async def test_a_server_that_is_not_there_is_unavailable(
    postgres_server: Postgres,
) -> None:
    away = postgres_server.url("x").replace(str(postgres_server.folder), "/nowhere")

    with pytest.raises(StoreUnavailable, match="Could not open the database"):
        async with Database.open(away):
            pass


async def test_a_database_that_is_not_there_is_unavailable(
    postgres_server: Postgres,
) -> None:
    with pytest.raises(StoreUnavailable, match='"missing" does not exist'):
        async with Database.open(postgres_server.url("missing")):
            pass


async def test_a_server_that_comes_back_is_found_again(
    postgres_server: Postgres, url: str, store: Store
) -> None:
    await store.record.submit(a_new_run(), later(0))
    await store.archive.run(RunId(1))
    await postgres_server.disconnect(url)

    with suppress(StoreUnavailable):  # as far as is known it is connected
        await store.record.submit(a_new_run(), later(1))
    await store.archive.run(RunId(1))
    await store.record.submit(a_new_run(), later(2))

    assert len(await store.archive.last_runs(None, 9)) in {2, 3}
    assert (await audit.verify(store.database)).broken is None


async def test_a_server_that_goes_away_in_a_transaction_leaves_nothing_of_it(
    postgres_server: Postgres, url: str, store: Store
) -> None:
    async def write() -> None:
        async with store.database.write("try") as db:
            await db.execute(insert(threads).values(a_thread("a")))
            await postgres_server.disconnect(url)

    with pytest.raises(StoreUnavailable, match="Could not try"):
        await write()

    assert await stacks(store.database) == []
    async with store.database.write("go on") as db:
        await db.execute(insert(threads).values(a_thread("b")))
    assert await stacks(store.database) == ["b"]


async def test_a_writer_waits_for_that_of_another_process(url: str) -> None:
    order = []
    async with Store.open(url) as one, Store.open(url) as other:
        waits = asyncio.Event()

        async def write() -> None:
            waits.set()
            async with other.database.write("second"):
                order.append("second")

        async with one.database.write("first") as db:
            task = asyncio.create_task(write())
            await waits.wait()
            # Long enough for the other one to be at the lock.
            await db.execute(text("SELECT pg_sleep(0.2)"))
            order.append("first")
        await task

    assert order == ["first", "second"]


async def test_a_body_that_fails_or_is_cancelled_leaves_nothing(store: Store) -> None:
    written = asyncio.Event()

    async def write_for_ever() -> None:
        async with store.database.write("hang") as db:
            await db.execute(insert(threads).values(a_thread("a")))
            written.set()
            await asyncio.Event().wait()

    async def fail() -> None:
        async with store.database.write("fail") as db:
            await db.execute(insert(threads).values(a_thread("b")))
            raise KeyError

    task = asyncio.create_task(write_for_ever())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(KeyError):
        await fail()

    assert await stacks(store.database) == []


async def test_the_next_writer_goes_on_after_cancelled_ones(store: Store) -> None:
    record = store.record
    tasks = [asyncio.create_task(record.submit(a_new_run(), NOON)) for _ in range(20)]
    await record.submit(a_new_run(), NOON)
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    await record.submit(a_new_run(), NOON)

    recorded = 2 + sum(not isinstance(one, BaseException) for one in outcomes)
    verdict = await audit.verify(store.database)
    assert verdict.broken is None
    assert verdict.sound >= recorded


async def test_a_statement_that_is_cancelled_leaves_the_writer_free(
    store: Store,
) -> None:
    started = asyncio.Event()

    async def write() -> None:
        async with store.database.write("sleep") as db:
            await db.execute(insert(threads).values(a_thread("a")))
            started.set()
            await db.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(write())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.database.write("go on") as db:
        await db.execute(insert(threads).values(a_thread("c")))

    assert await stacks(store.database) == ["c"]


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable):
        async with store.database.read("cheat") as db:
            await db.execute(insert(threads).values(a_thread("a")))


async def test_a_reader_sees_one_state_throughout(store: Store) -> None:
    async with store.database.read("look") as db:
        before = (await db.execute(select(threads.c.stack))).scalars().all()
        async with store.database.write("add") as other:
            await other.execute(insert(threads).values(a_thread("a")))
        after = (await db.execute(select(threads.c.stack))).scalars().all()

    assert before == after == []


async def test_a_letter_to_no_thread_is_a_bug_and_not_an_outage(store: Store) -> None:
    with pytest.raises(IntegrityError):
        await store.record.tell(ThreadId(9), [Said(text="x")])


async def test_an_error_of_the_database_does_not_say_what_was_to_be_stored(
    store: Store,
) -> None:
    async def note() -> None:
        async with store.database.write("try") as db:
            await db.execute(insert(deliveries).values(key="hunter2", at=NOON))

    await note()
    with pytest.raises(IntegrityError) as broken:
        await note()

    assert "INSERT INTO deliveries" in str(broken.value)
    assert "hunter2" not in str(broken.value)
