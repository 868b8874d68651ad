"""SQLite's driver with one trip to its thread per statement.

The driver itself makes four: for a cursor, the statement, its rows and the end of the
cursor. SQLAlchemy reads every row at once, so nothing is gained by going back.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Self

from aiosqlite import Connection

_Parameters = Sequence[object]
_Row = tuple[object, ...]
_Run = Callable[[sqlite3.Connection], sqlite3.Cursor]

#: rows that the driver fetches at a time where it is asked to; never here
_CHUNK: Final = 64


def open_connection(path: str) -> "OneTripConnection":
    """Return a connection to the database in *path*, to be awaited."""
    connector = partial(sqlite3.connect, path, check_same_thread=False)
    connection = OneTripConnection(connector, _CHUNK)
    # As SQLAlchemy does: a connection that was left behind must not keep the process.
    connection._thread.daemon = True  # noqa: SLF001 (the driver has no other way)
    return connection


class OneTripConnection(Connection):
    """A connection whose cursors are done when their statement is."""

    _begin = ""
    _may_be_open = True

    def begin_with_next(self, statement: str) -> None:
        """Have *statement* begin a transaction just before the next statement."""
        self._begin = statement

    def cursor(self) -> "OneTripCursor":  # type: ignore[override]  # SQLAlchemy awaits it
        """Return a cursor, which is one of SQLite only while it executes."""
        return OneTripCursor(self)

    async def run(self, run: _Run, keep: Callable[[sqlite3.Cursor], None]) -> None:
        """Run a statement in the driver's thread, and *keep* there what came of it."""
        # Known before the thread is: a statement that nobody waits for any more is
        # executed all the same.
        begin, self._begin = self._begin, ""
        self._may_be_open = True
        await self._execute(self._do, begin, run, keep)  # type: ignore[no-untyped-call]

    async def commit(self) -> None:
        """Commit the transaction, if a statement has begun it."""
        self._begin = ""
        if self._may_be_open:
            await super().commit()
            self._may_be_open = False

    async def rollback(self) -> None:
        """Roll the transaction back, if a statement has begun it."""
        self._begin = ""
        if self._may_be_open:
            await super().rollback()
            self._may_be_open = False

    def _do(
        self, begin: str, run: _Run, keep: Callable[[sqlite3.Cursor], None]
    ) -> None:
        if begin:
            self._conn.execute(begin)
        cursor = run(self._conn)
        try:
            keep(cursor)
        finally:
            cursor.close()


class OneTripCursor:
    """What SQLAlchemy needs of an asynchronous driver's cursor."""

    def __init__(self, connection: OneTripConnection) -> None:
        self._connection = connection
        self._rows: list[_Row] = []
        self.description: Sequence[_Row] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        """Return the cursor: there is nothing to open."""
        return self

    async def execute(self, operation: str, parameters: _Parameters = ()) -> None:
        """Execute a statement, and fetch its rows."""
        await self._connection.run(
            lambda sqlite: sqlite.execute(operation, parameters), self._keep
        )

    async def executemany(
        self, operation: str, parameters: Iterable[_Parameters]
    ) -> None:
        """Execute a statement for each of *parameters*."""
        await self._connection.run(
            lambda sqlite: sqlite.executemany(operation, parameters), self._keep
        )

    async def fetchall(self) -> list[_Row]:
        """Return the rows, which are here already."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Do nothing: the cursor of SQLite was closed when it had executed."""

    def _keep(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall()
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
