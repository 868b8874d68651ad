"""The database: one connection that writes, others that read."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final, Self

from sqlalchemy import Connection, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
)
from sqlalchemy.exc import (
    TimeoutError as PoolTimeout,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from bot.domain.errors import StoreUnavailable
from bot.store.migrations import migrate

_READERS: Final = 4
_SQLITE: Final = "sqlite"

_WRITER_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is redacted must not stay behind in the free parts of the file.
    "PRAGMA secure_delete = ON",
)
_READER_PRAGMAS: Final = ("PRAGMA busy_timeout = 10000", "PRAGMA query_only = ON")

_OUTAGES: Final = (DatabaseError, InterfaceError, PoolTimeout, OSError, sqlite3.Error)


class Database:
    """An open database, its tables up to date."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Open the database at *url*, such as `sqlite+aiosqlite:////data/x.db`.

        Brings its tables up to date first. Raises StoreUnavailable.
        """
        database = cls(_writer(url), _reader(url))
        try:
            with _translated("open the database"):
                await _try_to_connect(url)
            async with database.write("open the database") as db:
                await db.run_sync(migrate)
            await database.scrub()  # a crash may have come before it
            yield database
        finally:
            await database._close()

    @asynccontextmanager
    async def write(self, action: str) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that is committed when the body ends well.

        One at a time; *action* names it in StoreUnavailable.
        """
        with _translated(action):
            async with self._writer.begin() as db:
                yield db

    @asynccontextmanager
    async def read(self, action: str) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that sees one state of the database throughout."""
        with _translated(action):
            async with self._reader.begin() as db:
                yield db

    async def scrub(self) -> None:
        """Empty SQLite's log, which keeps what was overwritten in the tables.

        Waits for transactions that read; one that goes on for longer than the busy
        timeout leaves the log as it is until the next scrub.
        """
        if self._writer.dialect.name != _SQLITE:
            return
        with suppress(StoreUnavailable), _translated("empty the log"):
            async with self._writer.connect() as db:
                await db.run_sync(_empty_log)

    async def _close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()


def upsert(db: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's own insert, the one that knows `ON CONFLICT`."""
    if db.dialect.name == _SQLITE:
        return sqlite.insert(table)
    return postgresql.insert(table)


@contextmanager
def _translated(action: str) -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise  # a bug of ours: no later attempt would fare better
    except _OUTAGES as error:
        raise StoreUnavailable(f"Could not {action}: {error}") from error


def _writer(url: str) -> AsyncEngine:
    engine = _engine(url, pool_size=1)
    if engine.dialect.name == _SQLITE:
        # A deferred transaction that reads and then writes fails at once when
        # another process wrote in between, whatever the busy timeout.
        _set_up(engine, _WRITER_PRAGMAS, begin="BEGIN IMMEDIATE")
    return engine


def _reader(url: str) -> AsyncEngine:
    engine = _engine(url, pool_size=_READERS)
    if engine.dialect.name == _SQLITE:
        _set_up(engine, _READER_PRAGMAS, begin="BEGIN")
    return engine


def _engine(url: str, *, pool_size: int) -> AsyncEngine:
    # What is stored is not repeated by errors: they go into logs.
    return create_async_engine(
        url, pool_size=pool_size, max_overflow=0, hide_parameters=True
    )


async def _try_to_connect(url: str) -> None:
    # aiosqlite leaves a thread behind where it cannot connect, and that thread
    # may answer to an event loop that is closed by then.
    path = make_url(url).database
    if make_url(url).get_backend_name() == _SQLITE and path:
        await asyncio.to_thread(lambda: sqlite3.connect(path).close())


def _set_up(engine: AsyncEngine, pragmas: tuple[str, ...], *, begin: str) -> None:
    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver's own idea of when a transaction begins is switched off.
        connection.isolation_level = None
        try:
            _execute(connection, pragmas)
        except sqlite3.Error:
            connection.close()
            raise

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(
        engine.sync_engine, "begin", lambda opened: opened.exec_driver_sql(begin)
    )
    event.listen(engine.sync_engine, "handle_error", _keep_when_cancelled)


def _empty_log(connection: Connection) -> None:
    # Below SQLAlchemy, which would begin a transaction first.
    _execute(connection.connection, ("PRAGMA wal_checkpoint(TRUNCATE)",))


def _execute(
    connection: DBAPIConnection | PoolProxiedConnection, pragmas: tuple[str, ...]
) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(pragma)
    cursor.close()


def _keep_when_cancelled(context: ExceptionContext) -> None:
    # SQLAlchemy throws a connection away when a statement is cancelled. SQLite
    # keeps the lock of one that is closed with an open cursor until the cursor is
    # collected. The driver's thread ends the statement, so the rollback can follow.
    if isinstance(context.original_exception, asyncio.CancelledError):
        context.is_disconnect = False
