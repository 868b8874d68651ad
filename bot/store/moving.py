"""Threads that go on elsewhere, and back where they began."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.people import ChannelId
from bot.domain.run import ThreadId
from bot.domain.telling import Move
from bot.ports import Thread
from bot.store.tables import threads

#: what is changed in place is posted anew in another place
_NOT_POSTED = {"header_ts": None, "tail_ts": None, "waiting_ts": None}


async def move_thread(
    db: AsyncConnection, thread: Thread, to: ChannelId, why: str
) -> None:
    """Let *thread* go on in *to*, where its first message is not posted yet."""
    # In its own channel only the first message is another: nothing else was tried.
    tried = int(thread.channel != to)
    known = why if tried else func.coalesce(threads.c.refused, why)
    moved = update(threads).where(threads.c.id == thread.id)
    await db.execute(
        moved.values(
            fallback=to,
            fallback_ts=None,
            refused=known,
            moves=func.coalesce(threads.c.moves, 0) + tried,
            **_NOT_POSTED,
        )
    )


async def move_back(db: AsyncConnection, thread: ThreadId) -> None:
    """Let a thread go on where it began."""
    back = update(threads).where(threads.c.id == thread)
    await db.execute(
        back.values(
            fallback=None, fallback_ts=None, refused=None, moves=None, **_NOT_POSTED
        )
    )


async def move_of(db: AsyncConnection, thread: Thread, to: ChannelId, why: str) -> Move:
    """Return what is to be told of the move of *thread* to *to*."""
    began = select(threads.c.channel).where(threads.c.id == thread.id)
    left = (await db.execute(began)).scalar_one()
    return Move(run=thread.run, left=left, to=to, why=why)
