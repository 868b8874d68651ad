"""A connection to PostgreSQL that hears of what other connections committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from asyncpg import (
    Connection,
    InterfaceError,
    PostgresError,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.changes import EVERY, Changes, of_text
from bot.store.postgres import CHANNEL

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 1.0
#: how often a silent connection is asked whether it lives, and how long it may take
_ASK_SECONDS: Final = 5.0

_OUTAGES: Final = (DBAPIError, PostgresError, InterfaceError, OSError)


@asynccontextmanager
async def listening(engine: AsyncEngine, changes: Changes) -> AsyncIterator[None]:
    """Add to *changes* soon after each transaction that wakes, while the body runs.

    A connection that breaks is replaced, however long that takes; then anything
    may have changed, because something may have been missed.
    """
    task = asyncio.create_task(_listen(engine, changes), name="listen")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _listen(engine: AsyncEngine, changes: Changes) -> None:
    while True:
        try:
            await _hear(engine, changes)
        except _OUTAGES as away:
            log.warning("wakes not heard", error=str(away))
        await asyncio.sleep(_PAUSE_SECONDS)


async def _hear(engine: AsyncEngine, changes: Changes) -> None:
    """Listen until the connection breaks."""
    async with engine.connect() as db:
        # Below SQLAlchemy, which knows nothing of what a server says by itself.
        driver = (await db.get_raw_connection()).driver_connection
        assert isinstance(driver, Connection)  # noqa: S101 (for mypy)
        try:
            await driver.add_listener(
                CHANNEL, lambda *told: changes.add(of_text(str(told[-1])))
            )
            changes.add(EVERY)
            await _until_it_breaks(driver)
        finally:
            # Nobody else may have it: it would go on listening.
            await db.invalidate()


async def _until_it_breaks(driver: Connection) -> None:
    broken = asyncio.Event()
    driver.add_termination_listener(lambda _: broken.set())
    while not broken.is_set():
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                await broken.wait()
        except TimeoutError:
            await driver.execute("SELECT 1", timeout=_ASK_SECONDS)
