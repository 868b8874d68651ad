"""A copy of the whole record in one file, taken while the bot runs, and put back."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import HandrailError
from bot.store import audit, postgres
from bot.store.copying import copy_rows, filled
from bot.store.database import Database
from bot.store.draft import FileRefused, drafted
from bot.store.migrations import newest, versions
from bot.store.outages import translated
from bot.store.tables import duties, replicas

_BUSY_SECONDS: Final = 10
_VERSION: Final = "SELECT version_num FROM alembic_version"
#: what SQLite says of the file itself; anything else is trouble with the disk
_NO_RECORD: Final = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
#: they tell of processes, which are others by then
_OF_PROCESSES: Final = (replicas, duties)


class NotEmpty(HandrailError):
    """There is a record where one was to be put."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What became of a copy of the record."""

    rows: int  #: of the audit chain
    broken: int | None  #: where the chain breaks in the record itself; None: nowhere


async def back_up(url: str, file: Path) -> Copied:
    """Copy the record at *url*, as it is at one moment, into *file*.

    That is an SQLite database whatever the record is kept in. Raises FileRefused and
    StoreUnavailable, and then there is no *file*.
    """
    with drafted(file) as draft, translated("back up the record"):
        if make_url(url).get_backend_name() == "sqlite":
            source = Path(make_url(url).database or "")
            await asyncio.to_thread(_copy, source, draft)
            await asyncio.to_thread(_check, draft)
        else:
            await _copy_from_postgresql(url, draft)
        copied = await _verified(draft)
        await asyncio.to_thread(_check, draft)
        return copied


async def restore(file: Path, url: str) -> Copied:
    """Put the record in *file* into the database at *url*, all of it or nothing.

    A database of either kind that has no record yet; a file of an earlier version is
    brought up to date on the way. Raises FileRefused, NotEmpty and StoreUnavailable.
    """
    with TemporaryDirectory(prefix="handrail-restore-") as folder:
        draft = Path(folder, "record.db")
        await asyncio.to_thread(_copy_of_backup, file, draft)
        async with (
            Database.open(_address(draft)) as record,
            Database.open(url) as database,
        ):
            async with (
                record.read("read the backup") as here,
                database.write("restore the record") as there,
            ):
                await _ensure_empty(there)
                await copy_rows(here, there, but=_OF_PROCESSES)
            return await _chain_of(database)


def _copy(source: Path, draft: Path) -> None:
    with (
        closing(sqlite3.connect(source, timeout=_BUSY_SECONDS)) as there,
        closing(sqlite3.connect(draft)) as here,
    ):
        # In one step, which sees one state and keeps nobody from writing.
        there.backup(here)
        _be_one_file(here)


def _copy_of_backup(file: Path, draft: Path) -> None:
    try:
        file.open("rb").close()
        _copy(file, draft)
        _check(draft)
    except OSError as error:
        raise FileRefused(f"{file} cannot be read: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise FileRefused(_why_not(file, draft, error)) from error
    if _version(draft) not in versions():
        raise FileRefused(
            f"{file} is no backup, or one of a later Handrail. Use that to restore it."
        )


def _why_not(file: Path, draft: Path, error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_RECORD:
        return f"{file} is no backup: {error}."
    return (
        f"{file} could not be copied to {draft.parent.parent} first: {error}. Make "
        "room there, or name a folder that has some in TMPDIR."
    )


def _check(draft: Path) -> None:
    with closing(sqlite3.connect(draft)) as here:
        (found,) = here.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise FileRefused(f"The copy is damaged, as the record must be: {found}.")


def _be_one_file(here: sqlite3.Connection) -> None:
    here.execute("PRAGMA journal_mode = DELETE")


def _version(draft: Path) -> str:
    with closing(sqlite3.connect(draft)) as here:
        try:
            found = here.execute(_VERSION).fetchone()
        except sqlite3.OperationalError:  # it has no such table
            return ""
    return str(found[0]) if found else ""


async def _copy_from_postgresql(url: str, draft: Path) -> None:
    engine = postgres.reader(url, 1)
    try:
        async with (
            Database.open(_address(draft)) as copy,
            engine.begin() as here,
            copy.write("write the backup") as there,
        ):
            await _ensure_newest(here)
            await copy_rows(here, there)
    finally:
        await engine.dispose()


async def _ensure_newest(db: AsyncConnection) -> None:
    is_there = await db.execute(text("SELECT to_regclass('alembic_version')"))
    version = ""
    if is_there.scalar_one() is not None:
        version = str((await db.execute(text(_VERSION))).scalar_one())
    if version != newest():
        raise FileRefused(
            "The database is not that of this version of Handrail. Start this version "
            "on it once, then back it up."
        )


async def _verified(draft: Path) -> Copied:
    # The copy of a record that this version has not been started on yet stays as it
    # is: to verify it is to bring it up to date, as restoring it does.
    if _version(draft) != newest():
        return Copied(rows=0, broken=None)
    async with Database.open(_address(draft)) as copy:
        copied = await _chain_of(copy)
    with closing(sqlite3.connect(draft)) as here:
        _be_one_file(here)
    return copied


async def _chain_of(database: Database) -> Copied:
    verdict = await audit.verify(database)
    return Copied(rows=verdict.rows, broken=verdict.broken)


async def _ensure_empty(db: AsyncConnection) -> None:
    table = await filled(db)
    if table is not None:
        raise NotEmpty(
            "There is a record in the database already. Name an empty one in "
            f"HANDRAIL_DATABASE_URL or HANDRAIL_DATA_DIR (rows in `{table}`)."
        )


def _address(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file.absolute()}"
