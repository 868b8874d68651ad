"""The messages that stand in Slack, as they were sent last."""

from typing import Final

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.people import ChannelId
from bot.ports import Letter, Shown
from bot.store.database import upsert
from bot.store.tables import messages, outbox

#: the digest of a message until it shows what is left of it
REDACTED: Final = ""


async def note(
    db: AsyncConnection, letter: Letter, place: tuple[ChannelId, str], shown: Shown
) -> None:
    """Keep what the message at *place* shows since *letter* was delivered.

    What Handrail deleted itself is kept no more; what somebody else deleted is, so
    that it is missed.
    """
    channel, ts = place
    if shown.replaced is not None:
        await _forget(db, channel, shown.replaced)
    if not shown.digest:
        await _forget(db, channel, ts)
        return
    told = {"letter": letter.id, "digest": shown.digest, "at": shown.at}
    row = upsert(db, messages).values(
        channel=channel, ts=ts, thread=letter.thread.id, **told
    )
    kept = [messages.c.channel, messages.c.ts]
    await db.execute(row.on_conflict_do_update(index_elements=kept, set_=told))


async def blank(db: AsyncConnection, letters: ColumnElement[bool]) -> None:
    """Keep no digest of the messages of *letters*, in which something was redacted.

    It would let that be guessed. What they show next is kept as ever.
    """
    these = select(outbox.c.id).where(letters)
    there = select(outbox.c.thread).where(letters)
    of_these = messages.c.thread.in_(there) & messages.c.letter.in_(these)
    await db.execute(update(messages).where(of_these).values(digest=REDACTED))


async def _forget(db: AsyncConnection, channel: ChannelId, ts: str) -> None:
    here = (messages.c.channel == channel) & (messages.c.ts == ts)
    await db.execute(delete(messages).where(here))
