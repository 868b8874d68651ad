"""What is to be hidden in what a run goes on to print, as it reaches its owner."""

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.run import RunId
from bot.store.tables import sealed_words


async def keep(db: AsyncConnection, run: RunId, sealed: bytes) -> None:
    """Keep *sealed* for whoever drives *run*."""
    await db.execute(insert(sealed_words).values(run=run, sealed=sealed))


async def kept(
    db: AsyncConnection, run: RunId, after: int
) -> tuple[tuple[int, bytes], ...]:
    """Return what was kept of *run* behind the piece numbered *after*, numbered."""
    pieces = select(sealed_words.c.id, sealed_words.c.sealed)
    newer = (sealed_words.c.run == run) & (sealed_words.c.id > after)
    rows = await db.execute(pieces.where(newer).order_by(sealed_words.c.id))
    return tuple((row.id, row.sealed) for row in rows)


async def forget(db: AsyncConnection, run: RunId) -> None:
    """Forget what was kept of *run*: it prints nothing any more."""
    await db.execute(delete(sealed_words).where(sealed_words.c.run == run))
