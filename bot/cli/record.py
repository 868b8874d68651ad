"""The record as the command line opens it, whether the bot runs or not."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.domain.errors import StoreUnavailable
from bot.settings import stored_at
from bot.store.database import Database


def with_record(use: Callable[[Database], Awaitable[None]]) -> None:
    """Have *use* work on the database that the settings name; none is made."""
    url = stored_at(os.environ)
    ensure_there(url)

    async def opened() -> None:
        async with Database.open(url) as database:
            await use(database)

    asyncio.run(opened())


def ensure_there(url: str) -> None:
    """Raise StoreUnavailable where SQLite would make a new database at *url*."""
    path = Path(url.partition(":///")[2])
    if url.startswith("sqlite") and not path.exists():
        raise StoreUnavailable(
            f"There is no database at {path}. Set HANDRAIL_DATA_DIR or "
            "HANDRAIL_DATABASE_URL as the bot has it."
        )
