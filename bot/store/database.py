"""The database: one connection that writes, others that read."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Self

from sqlalchemy import Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
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
from sqlalchemy.pool import ConnectionPoolEntry

from bot.domain.errors import StoreUnavailable
from bot.store.migrations import migrate

_READERS: Final = 4
_SQLITE: Final = "sqlite"

_WRITER_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
_READER_PRAGMAS: Final = ("PRAGMA busy_timeout = 10000", "PRAGMA query_only = ON")


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
            async with database.write("open the database") as db:
                await db.run_sync(migrate)
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
    except (DatabaseError, InterfaceError, PoolTimeout, OSError) as error:
        raise StoreUnavailable(f"Could not {action}: {error}") from error


def _writer(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    if engine.dialect.name == _SQLITE:
        # A deferred transaction that reads and then writes fails at once when
        # another process wrote in between, whatever the busy timeout.
        _set_up(engine, _WRITER_PRAGMAS, begin="BEGIN IMMEDIATE")
    return engine


def _reader(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=_READERS, max_overflow=0)
    if engine.dialect.name == _SQLITE:
        _set_up(engine, _READER_PRAGMAS, begin="BEGIN")
    return engine


def _set_up(engine: AsyncEngine, pragmas: tuple[str, ...], *, begin: str) -> None:
    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver's own idea of when a transaction begins is switched off.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(
        engine.sync_engine,
        "begin",
        lambda connection: connection.exec_driver_sql(begin),
    )
