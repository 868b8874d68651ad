"""Hearing that the record has changed."""

from collections.abc import AsyncGenerator

from bot.ports import Change
from bot.store.changes import Changes
from bot.store.database import Database


class SqlWakes:
    """The port `Wakes` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heard(self) -> AsyncGenerator[frozenset[Change]]:
        """Yield soon after each change what kinds of it there were."""
        changes = Changes()
        async with self._database.listening(changes):
            while True:
                yield await changes.next()
