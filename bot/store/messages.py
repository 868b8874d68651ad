"""The messages that stand in Slack, as they were sent last."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.people import ChannelId
from bot.ports import Letter, Shown
from bot.store.database import upsert
from bot.store.tables import messages


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


async def _forget(db: AsyncConnection, channel: ChannelId, ts: str) -> None:
    here = (messages.c.channel == channel) & (messages.c.ts == ts)
    await db.execute(delete(messages).where(here))
