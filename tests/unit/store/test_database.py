"""What every transaction promises."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from bot.domain.errors import StoreUnavailable
from bot.domain.run import ThreadId
from bot.domain.telling import Said
from bot.store.database import Database
from bot.store.record import SqlRecord
from bot.store.tables import deliveries, threads
from tests.support.builders import NOON, a_new_run


def a_thread(stack: str) -> dict[str, str]:
    return {"channel": "C1", "stack": stack}


async def stacks(database: Database) -> list[str]:
    async with database.read("look") as db:
        return list((await db.execute(select(threads.c.stack))).scalars())


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)],
)
async def test_what_is_committed_survives_a_power_cut(
    database: Database, pragma: str, value: str | int
) -> None:
    async with database.write("look") as db:
        assert (await db.execute(text(f"PRAGMA {pragma}"))).scalar_one() == value


async def test_an_error_of_the_database_does_not_say_what_was_to_be_stored(
    database: Database,
) -> None:
    async with database.write("get the table out of the way") as db:
        await db.execute(text("ALTER TABLE threads RENAME TO elsewhere"))

    with pytest.raises(StoreUnavailable, match="Could not try") as away:
        async with database.write("try") as db:
            await db.execute(insert(threads).values(a_thread("hunter2")))

    assert "INSERT INTO threads" in str(away.value)
    assert "hunter2" not in str(away.value)
    assert "hunter2" not in repr(away.value.__cause__)


def in_files(url: str, words: bytes) -> bool:
    """Tell whether *words* stand anywhere in the database's files."""
    path = Path(url.partition(":///")[2])
    files = path.parent.glob(f"{path.name}*")
    return any(words in file.read_bytes() for file in files)


@pytest.mark.parametrize("size", [30, 300, 9_000])
async def test_what_is_overwritten_is_in_no_file_once_it_is_scrubbed(
    database: Database, url: str, size: int
) -> None:
    async with database.write("fill") as db:
        for number in range(50):
            stack = f"{number} " + "hunter2 " * (size // 8)
            await db.execute(insert(threads).values(a_thread(stack)))
    async with database.read("hold the log open for a moment"):
        assert in_files(url, b"hunter2 ")

    async with database.write("overwrite") as db:
        await db.execute(update(threads).values(stack="*****"))
    assert in_files(url, b"hunter2 ")
    await database.scrub()

    assert not in_files(url, b"hunter2 ")
    assert set(await stacks(database)) == {"*****"}


async def test_what_a_crash_left_unscrubbed_is_scrubbed_at_the_next_start(
    database: Database, url: str
) -> None:
    async with database.write("fill") as db:
        await db.execute(insert(threads).values(a_thread("hunter2 ")))
    await database.scrub()
    async with database.write("overwrite") as db:
        await db.execute(update(threads).values(stack="*****"))
    assert in_files(url, b"hunter2 ")

    async with Database.open(url):
        assert not in_files(url, b"hunter2 ")


async def test_a_body_that_fails_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.write("fail") as db:
            await db.execute(insert(threads).values(a_thread("a")))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert await stacks(database) == []


async def test_a_body_that_is_cancelled_leaves_nothing(database: Database) -> None:
    written = asyncio.Event()

    async def write_for_ever() -> None:
        async with database.write("hang") as db:
            await db.execute(insert(threads).values(a_thread("a")))
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_for_ever())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await stacks(database) == []


async def test_the_next_writer_goes_on_after_cancelled_ones(
    database: Database,
) -> None:
    record = SqlRecord(database)
    tasks = [asyncio.create_task(record.submit(a_new_run(), NOON)) for _ in range(20)]
    await record.submit(a_new_run(), NOON)
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    run = await record.submit(a_new_run(), NOON)

    recorded = 1 + sum(not isinstance(one, BaseException) for one in outcomes)
    assert run.id > recorded
    async with database.read("look") as db:
        count = text("SELECT count(*) = max(ordinal) FROM audit")
        assert (await db.execute(count)).scalar_one() == 1


async def test_a_statement_that_is_cancelled_leaves_the_writer_free(
    database: Database,
) -> None:
    sent = asyncio.Event()

    async def write() -> None:
        async with database.write("add two") as db:
            await db.execute(insert(threads).values(a_thread("a")))
            assert db.sync_connection is not None
            event.listen(
                db.sync_connection, "before_cursor_execute", lambda *_: sent.set()
            )
            added = insert(threads).values(a_thread("b")).returning(threads.c.id)
            await db.execute(added)

    task = asyncio.create_task(write())
    await sent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write("go on") as db:
        await db.execute(insert(threads).values(a_thread("c")))

    assert await stacks(database) == ["c"]


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        async with database.read("cheat") as db:
            await db.execute(insert(threads).values(a_thread("a")))


async def test_a_reader_sees_one_state_throughout(database: Database) -> None:
    async with database.read("look") as db:
        before = (await db.execute(select(threads.c.stack))).scalars().all()
        async with database.write("add") as other:
            await other.execute(insert(threads).values(a_thread("a")))
        after = (await db.execute(select(threads.c.stack))).scalars().all()

    assert before == after == []


async def test_a_database_that_cannot_be_opened_is_unavailable(
    tmp_path: Path,
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/missing/handrail.db"

    with pytest.raises(StoreUnavailable, match="Could not open the database") as raised:
        async with Database.open(url):
            pass

    assert isinstance(raised.value.__cause__, sqlite3.OperationalError)


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "handrail.db").write_bytes(b"not a database" * 1000)

    with pytest.raises(StoreUnavailable):
        async with Database.open(f"sqlite+aiosqlite:///{tmp_path}/handrail.db"):
            pass


async def test_a_letter_to_no_thread_is_a_bug_and_not_an_outage(
    database: Database,
) -> None:
    with pytest.raises(IntegrityError):
        await SqlRecord(database).tell(ThreadId(9), [Said(text="x")])


async def test_a_time_without_a_zone_is_a_bug(database: Database) -> None:
    with pytest.raises(Exception, match="a time without a zone"):
        async with database.write("note") as db:
            await db.execute(
                insert(deliveries).values(key="x", at=NOON.replace(tzinfo=None))
            )
