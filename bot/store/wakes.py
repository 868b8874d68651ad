"""Hearing that the record has changed."""

import asyncio
from collections.abc import AsyncGenerator

from bot.store.database import Database


class SqlWakes:
    """The port `Wakes` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heard(self) -> AsyncGenerator[None]:
        """Yield soon after each change that may let a run start, stop or be told."""
        woken = asyncio.Event()
        async with self._database.listening(woken):
            while True:
                await woken.wait()
                woken.clear()
                yield
