"""SQLite as the record uses it: transactions as we begin them, durable, scrubbed."""

import asyncio
import sqlite3
from typing import Final

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from bot.store.one_trip import OneTripConnection, open_connection

_WRITER_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is redacted must not stay behind in the free parts of the file.
    "PRAGMA secure_delete = ON",
)
_READER_PRAGMAS: Final = ("PRAGMA busy_timeout = 10000", "PRAGMA query_only = ON")


def writer(url: str) -> AsyncEngine:
    """Return an engine with one connection, for transactions that write."""
    # A deferred transaction that reads and then writes fails at once when another
    # process wrote in between, whatever the busy timeout.
    return _engine(url, 1, _WRITER_PRAGMAS, begin="BEGIN IMMEDIATE")


def reader(url: str, connections: int) -> AsyncEngine:
    """Return an engine whose transactions see one state, and change nothing."""
    return _engine(url, connections, _READER_PRAGMAS, begin="BEGIN")


async def try_to_connect(url: str) -> None:
    """Raise what stands in the way of connecting."""
    # aiosqlite leaves a thread behind where it cannot connect, and that thread
    # may answer to an event loop that is closed by then.
    path = make_url(url).database
    if path:
        await asyncio.to_thread(lambda: sqlite3.connect(path).close())


def empty_log(connection: Connection) -> None:
    """Empty the log, once the transactions that read it are over."""
    # Below SQLAlchemy, which would begin a transaction first.
    _execute(connection.connection, ("PRAGMA wal_checkpoint(TRUNCATE)",))


def _engine(
    url: str, connections: int, pragmas: tuple[str, ...], *, begin: str
) -> AsyncEngine:
    path = make_url(url).database or ":memory:"
    engine = create_async_engine(
        url,
        async_creator=lambda: open_connection(path),
        pool_size=connections,
        max_overflow=0,
        # What is stored is not repeated by errors: they go into logs.
        hide_parameters=True,
    )
    _set_up(engine, pragmas, begin)
    return engine


def _set_up(engine: AsyncEngine, pragmas: tuple[str, ...], begin: str) -> None:
    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver's own idea of when a transaction begins is switched off.
        connection.isolation_level = None
        try:
            _execute(connection, pragmas)
        except BaseException:  # also where whoever waits for it was cancelled
            connection.close()
            raise

    def begun(opened: Connection) -> None:
        driver = opened.connection.driver_connection
        assert isinstance(driver, OneTripConnection)  # noqa: S101 (for mypy)
        driver.begin_with_next(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
    event.listen(engine.sync_engine, "handle_error", _keep_when_cancelled)


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
