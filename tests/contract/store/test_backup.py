"""A copy of the record: of one moment, whole, and put back into either database."""

import asyncio
import resource
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.domain.policy import Ruling
from bot.domain.run import RunState
from bot.store import audit
from bot.store.backup import Copied, NotEmpty, back_up, restore
from bot.store.database import Database
from bot.store.draft import FileRefused
from bot.store.tables import duties, metadata, replicas
from tests.contract.store.asking import approved, asked, proposed, said
from tests.contract.store.opened import Store
from tests.support.builders import a_deploy, a_hold, a_new_run, later

PLENTY = 10_000_000


async def rows_of(url: str) -> dict[str, list[object]]:
    """Return every row of every table that a backup is to bring back."""
    async with Database.open(url) as database, database.read("look") as db:
        return {
            table.name: [
                tuple(row)
                for row in await db.execute(select(table).order_by(*table.primary_key))
            ]
            for table in metadata.sorted_tables
            if table not in (replicas, duties)
        }


async def fill(store: Store) -> None:
    """Have something in every corner of the record."""
    run = await store.run_in(RunState.PERFORMING, a_new_run(stack="a"))
    output = bytes(range(256)) * 2000
    await store.record.append_output(run.id, output, position=9, limit=PLENTY)
    await store.unconfirmed(a_deploy(stack="b"))
    await store.performing_outside()
    await store.record.hold([a_hold()])
    await store.finished(a_new_run(stack="d"))
    await approved(store, asked(stack="p"))
    await store.approvals.keep_sample("p", {"n": 1}, Ruling(policy="p"), later(9))
    await store.told()


@asynccontextmanager
async def an_empty_database(
    kind: str, request: pytest.FixtureRequest, folder: Path
) -> AsyncIterator[str]:
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder}/restored.db"
        return
    server = request.getfixturevalue("postgres_server")
    async with server.empty_database() as address:
        yield address


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
async def test_what_is_backed_up_is_restored_into_either_database(
    store: Store, url: str, tmp_path: Path, request: pytest.FixtureRequest, into: str
) -> None:
    await fill(store)
    file = tmp_path / "copy"

    copied = await back_up(url, file)

    assert copied.broken is None
    assert copied.rows == len(await store.deeds())
    async with an_empty_database(into, request, tmp_path) as empty:
        assert await restore(file, empty) == copied
        assert await rows_of(empty) == await rows_of(url)
        async with Store.open(empty) as restored:
            new = await restored.record.submit(a_new_run(stack="e"), later(99))
            assert new.id == (await store.archive.last_runs(None, 1))[0].id + 1
            asked_again = await proposed(restored, asked(stack="p"))
            await restored.approvals.review(said(asked_again))
            (review,) = await restored.approvals.reviews(asked_again.id)
            assert review.ordinal == 2
            assert (await audit.verify(restored.database)).broken is None


async def test_a_backup_is_one_file_for_its_owner_alone(
    store: Store, url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    await back_up(url, folder / "copy")

    assert [file.name for file in folder.iterdir()] == ["copy"]
    assert stat.S_IMODE((folder / "copy").stat().st_mode) == 0o600


async def test_a_backup_is_of_one_moment_while_others_write(
    store: Store, url: str, tmp_path: Path
) -> None:
    done = asyncio.Event()

    async def keep_writing() -> None:
        while not done.is_set():
            await store.finished(a_new_run(stack="w"))

    await fill(store)
    writing = asyncio.create_task(keep_writing())
    copied = [await back_up(url, tmp_path / f"copy{number}") for number in range(3)]
    done.set()
    await writing

    assert [one.broken for one in copied] == [None] * 3
    assert copied[0].rows < copied[2].rows < len(await store.deeds())
    with closing(sqlite3.connect(tmp_path / "copy2")) as copy:
        assert copy.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_a_file_that_is_there_is_not_overwritten(
    store: Store, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "copy"
    file.write_text("precious")

    with pytest.raises(FileRefused, match="already"):
        await back_up(url, file)

    assert file.read_text() == "precious"


async def test_a_backup_that_fails_leaves_no_file(
    store: Store, url: str, tmp_path: Path
) -> None:
    await fill(store)
    folder = tmp_path / "backups"
    folder.mkdir()
    backing_up = asyncio.create_task(back_up(url, folder / "copy"))
    await asyncio.sleep(0)
    backing_up.cancel()

    with pytest.raises(asyncio.CancelledError):
        await backing_up

    assert list(folder.iterdir()) == []


async def test_a_database_with_a_record_is_not_restored_into(
    store: Store, url: str, tmp_path: Path
) -> None:
    await fill(store)
    await back_up(url, tmp_path / "copy")
    before = await rows_of(url)

    with pytest.raises(NotEmpty, match="Name an empty one"):
        await restore(tmp_path / "copy", url)

    assert await rows_of(url) == before


@pytest.mark.parametrize("content", [b"", b"nonsense" * 1000])
async def test_what_is_no_backup_is_not_restored(
    url: str, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "copy"
    file.write_bytes(content)

    with pytest.raises(FileRefused, match="is no backup"):
        await restore(file, url)


async def test_a_full_disk_is_not_blamed_on_the_backup(
    store: Store, url: str, tmp_path: Path
) -> None:
    await fill(store)
    file = tmp_path / "copy"
    await back_up(url, file)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(FileRefused, match="could not be copied") as refused:
            await restore(file, f"sqlite+aiosqlite:///{tmp_path}/restored.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "TMPDIR" in str(refused.value)


async def test_a_backup_that_was_cut_short_is_not_restored(
    store: Store, url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await fill(store)
    file = tmp_path / "copy"
    await back_up(url, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    async with an_empty_database("sqlite", request, tmp_path) as empty:
        with pytest.raises(FileRefused):
            await restore(file, empty)


async def test_a_backup_of_a_later_handrail_is_not_restored(
    store: Store, url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "copy"
    await back_up(url, file)
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
        copy.commit()

    async with an_empty_database("sqlite", request, tmp_path) as empty:
        with pytest.raises(FileRefused, match="a later Handrail"):
            await restore(file, empty)


async def test_a_chain_that_is_broken_in_the_record_is_told_and_backed_up(
    store: Store, url: str, tmp_path: Path
) -> None:
    await fill(store)
    async with store.database.write("tamper") as db:
        for statement in _OPENED[db.dialect.name]:
            await db.execute(text(statement))
        await db.execute(text("UPDATE audit SET detail = 'rm' WHERE ordinal = 2"))

    copied = await back_up(url, tmp_path / "copy")

    assert copied == Copied(rows=len(await store.deeds()), broken=2)


_OPENED = {
    "sqlite": ("DROP TRIGGER audit_refuses_update",),
    "postgresql": ("DROP TRIGGER audit_refuses_update ON audit",),
}
