"""The database: one connection that writes, others that read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import (
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import Table, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain.errors import StoreUnavailable
from bot.ports import Change
from bot.store import postgres, sqlite
from bot.store.changes import Changes
from bot.store.line import Line
from bot.store.migrations import migrate
from bot.store.outages import translated

_READERS: Final = 4
_TURN_SECONDS: Final = 30
_FAREWELL_SECONDS: Final = 3.0
#: how long the fate of a commit is asked for that was not answered
_FATE_SECONDS: Final = 5.0
_SQLITE: Final = "sqlite"
#: the kinds of changes for which the transaction of a connection wakes who listens
_WAKES: Final = "handrail_wakes"

_Upsert = sqlite_dialect.Insert | postgresql.Insert


@dataclass(slots=True)
class _Ending:
    """How far a transaction has come."""

    number: int | None = None  #: on PostgreSQL, once all is said but the commit


class Database:
    """An open database, its tables up to date."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader
        self._turn = Line()
        self._writing: AsyncConnection | None = None
        self._is_sqlite = writer.dialect.name == _SQLITE
        self._listeners: set[Changes] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, patience: float = postgres.PATIENCE_SECONDS
    ) -> AsyncIterator[Self]:
        """Open the database at *url*, such as `sqlite+aiosqlite:////data/x.db`.

        Brings its tables up to date first. A server that does not answer for
        *patience* seconds is away. Raises StoreUnavailable.
        """
        database = cls(*_engines(url, patience))
        try:
            await database._bring_up_to_date(url)
            yield database
        finally:
            await database._close()

    @asynccontextmanager
    async def write(
        self, action: str, *, first: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that is committed when the body ends well.

        One at a time, whatever process it is in; *action* names it in
        StoreUnavailable. In this process *first* goes before those who wait: it is for
        what somebody looks at Slack for.
        """
        with translated(action):
            async with (
                self._alone(first=first) as db,
                self._answered() as ending,
                db.begin(),
            ):
                number = None if self._is_sqlite else await postgres.lock(db)
                changed: set[Change] = set()
                db.info[_WAKES] = changed
                yield db
                if changed and not self._is_sqlite:
                    await postgres.wake(db, changed)
                ending.number = number
        if changed:
            for changes in self._listeners:
                changes.add(changed)

    @asynccontextmanager
    async def read(self, action: str) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that sees one state of the database throughout."""
        with translated(action):
            async with self._reader.begin() as db:
                yield db

    @asynccontextmanager
    async def listening(self, changes: Changes) -> AsyncIterator[None]:
        """Add to *changes* after each transaction that wakes, while the body runs.

        Of whichever process on PostgreSQL, of this one on SQLite.
        """
        self._listeners.add(changes)
        others = nullcontext() if self._is_sqlite else self._hearing(changes)
        try:
            async with others:
                yield
        finally:
            self._listeners.discard(changes)

    async def scrub(self) -> None:
        """Empty SQLite's log, which keeps what was overwritten in the tables.

        Waits for transactions that read; one that goes on for longer than the busy
        timeout leaves the log as it is until the next scrub.
        """
        if not self._is_sqlite:
            return
        with suppress(StoreUnavailable), translated("empty the log"):
            async with self._alone() as db:
                await db.run_sync(sqlite.empty_log)

    async def _bring_up_to_date(self, url: str) -> None:
        if self._is_sqlite:
            with translated("open the database"):
                await sqlite.try_to_connect(url)
            async with self.write("open the database") as db:
                await db.run_sync(migrate)
            await self.scrub()  # a crash may have come before it
            return
        with translated("open the database"):
            async with postgres.migrator(url).begin() as db:
                await postgres.lock(db)
                await db.run_sync(migrate)

    @asynccontextmanager
    async def _alone(self, *, first: bool = False) -> AsyncIterator[AsyncConnection]:
        """Wait for the connection that writes.

        It stays open: to take it from a pool and to give it back takes longer than
        to write.
        """
        async with asyncio.timeout(_TURN_SECONDS):
            await self._turn.acquire(first=first)
        try:
            await self._drop_if_broken()
            if self._writing is None:
                self._writing = await self._writer.connect()
            yield self._writing
        finally:
            await self._end_turn()

    @asynccontextmanager
    async def _answered(self) -> AsyncIterator[_Ending]:
        """Find out what became of a commit that the server did not answer.

        To say of what was recorded that it was not would have it asked for again.
        """
        ending = _Ending()
        try:
            yield ending
        except (DBAPIError, OSError):
            number = ending.number
            if number is None or not await self._was_committed(number):
                raise

    async def _was_committed(self, number: int) -> bool:
        with suppress(TimeoutError):
            url = self._writer.url
            return await postgres.was_committed(url, number, _FATE_SECONDS)
        return False

    @asynccontextmanager
    async def _hearing(self, changes: Changes) -> AsyncIterator[None]:
        from bot.store.listening import listening  # noqa: PLC0415 - needs the extra

        engine = postgres.listener(self._writer.url)
        async with listening(engine, changes):
            yield

    async def _drop_if_broken(self) -> None:
        db = self._writing
        if db is None or self._is_sqlite or not await postgres.is_broken(db):
            return
        self._writing = None
        await db.invalidate()
        await db.close()

    async def _end_turn(self) -> None:
        try:
            db = self._writing
            if db is not None and (db.invalidated or db.in_transaction()):
                self._writing = None  # the next turn gets another one
                await db.close()
        finally:
            self._turn.release()

    async def _close(self) -> None:
        # A server that does not answer says no farewell either.
        within = None if self._is_sqlite else _FAREWELL_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                if self._writing is not None:
                    await self._writing.close()
                await self._reader.dispose()
                await self._writer.dispose()


def wake(db: AsyncConnection, change: Change) -> None:
    """Have those woken who listen, once the transaction of *db* is committed."""
    db.info[_WAKES].add(change)


def upsert(db: AsyncConnection, table: Table) -> _Upsert:
    """Return the dialect's own insert, the one that knows `ON CONFLICT`."""
    if db.dialect.name == _SQLITE:
        return sqlite_dialect.insert(table)
    return postgresql.insert(table)


def _engines(url: str, patience: float) -> tuple[AsyncEngine, AsyncEngine]:
    if make_url(url).get_backend_name() == _SQLITE:
        return sqlite.writer(url), sqlite.reader(url, _READERS)
    return (
        postgres.writer(url, patience),
        postgres.reader(url, _READERS, patience),
    )
