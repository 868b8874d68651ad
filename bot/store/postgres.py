"""PostgreSQL as the record uses it."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from sqlalchemy import URL, String, bindparam, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.ports import Change
from bot.store.changes import to_text

#: what the lock is called that every transaction takes which writes
_WRITER: Final = 0x48616E6472

_SETTINGS: Final = {
    "application_name": "handrail",
    # Who hangs in a transaction keeps all others from writing.
    "idle_in_transaction_session_timeout": "20s",
    # Compiling takes longer than any query of ours.
    "jit": "off",
}
#: how long a server may take to answer before it counts as away
PATIENCE_SECONDS: Final = 15.0
#: as long as SQLite is busy
_TURN: Final = "10s"
#: for the tables of a big record, while others wait to bring them up to date too
_MIGRATION: Final = "1h"

#: on which it is said that something was committed that others wait for
CHANNEL: Final = "handrail"
_WAKE: Final = select(func.pg_notify(CHANNEL, bindparam("kinds", type_=String)))
_CONNECT_SECONDS: Final = 10.0
_LOCK: Final = select(func.pg_advisory_xact_lock(_WRITER), func.txid_current())
_ASK_AGAIN_SECONDS: Final = 0.2
_IN_PROGRESS: Final = "in progress"
_COMMITTED: Final = "committed"


def writer(url: str, patience: float) -> AsyncEngine:
    """Return an engine with one connection, for transactions that write.

    A server that does not answer for *patience* seconds is away.
    """
    return create_async_engine(
        url,
        pool_size=1,
        max_overflow=0,
        # What is stored is not repeated by errors: they go into logs.
        hide_parameters=True,
        connect_args=_arguments(_TURN, patience),
    )


def reader(
    url: str, connections: int, patience: float = PATIENCE_SECONDS
) -> AsyncEngine:
    """Return an engine whose transactions see one state, and change nothing."""
    return create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        # A server that went away and came back costs nobody an error.
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=_arguments(_TURN, patience),
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )


def listener(url: URL) -> AsyncEngine:
    """Return an engine for a connection of its own, outside of any transaction."""
    return create_async_engine(
        url,
        poolclass=NullPool,
        connect_args=_arguments(_TURN, _CONNECT_SECONDS),
        isolation_level="AUTOCOMMIT",
    )


def migrator(url: str) -> AsyncEngine:
    """Return an engine for one transaction, however long that takes."""
    return create_async_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_arguments(_MIGRATION, None),
    )


async def is_broken(db: AsyncConnection) -> bool:
    """Tell whether the server has ended the connection, as far as is known here."""
    driver = (await db.get_raw_connection()).driver_connection
    return driver is None or bool(driver.is_closed())


async def wake(db: AsyncConnection, kinds: Iterable[Change]) -> None:
    """Have those woken who listen, when the transaction of *db* is committed."""
    await db.execute(_WAKE, {"kinds": to_text(kinds)})


async def lock(db: AsyncConnection) -> int:
    """Wait until the transaction of *db* is the only one that writes.

    Returns its number, by which `was_committed` knows it.

    The audit chain has one end and a queue one head, so writers could only wait for
    each other, or fail as deadlocks and at serialization. With one lock they wait in
    order, as they do for SQLite's, and see all that was committed before. It ends
    with its transaction; what a stack is claimed by is a row.
    """
    number: int = (await db.execute(_LOCK)).one()[1]
    return number


async def was_committed(url: URL, number: int, within: float) -> bool:
    """Ask, by another connection, whether a transaction was committed.

    One that is still going on is waited for. Raises TimeoutError where that is not
    known *within* so many seconds.
    """
    status = select(func.txid_status(number))
    async with asyncio.timeout(within):
        while True:
            with suppress(DBAPIError, OSError):
                async with listener(url).connect() as db:
                    known = (await db.execute(status)).scalar_one()
                if known != _IN_PROGRESS:
                    return bool(known == _COMMITTED)
            await asyncio.sleep(_ASK_AGAIN_SECONDS)


def _arguments(turn: str, patience: float | None) -> dict[str, object]:
    return {
        "timeout": min(patience or _CONNECT_SECONDS, _CONNECT_SECONDS),
        "command_timeout": patience,
        "server_settings": {**_SETTINGS, "lock_timeout": turn},
    }
