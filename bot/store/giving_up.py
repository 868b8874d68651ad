"""Letters that are given up, and the first messages that cannot be."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed, Verb
from bot.domain.people import HANDRAIL
from bot.domain.run import ThreadId
from bot.ports import Letter
from bot.store import audit
from bot.store.letters import PLACE_TS, Fate
from bot.store.moving import move_back
from bot.store.tables import audit as rows
from bot.store.tables import outbox, threads
from bot.store.tellings import FIRST, NOTICE, kind_of

#: until a first message that is refused is tried again
_PAUSE: Final = timedelta(hours=1)


async def give_up(
    db: AsyncConnection, letter: Letter, error: str, at: datetime, *, everywhere: bool
) -> None:
    """Deliver *letter* no more, with an audit row; *everywhere*: as the port says.

    A first message without which its thread has no place is tried again later.
    """
    thread = letter.thread
    kind = kind_of(letter.telling)
    deed = Deed(
        verb=Verb.UNDELIVERED,
        actor=HANDRAIL,
        at=at,
        stack=thread.stack,
        run=thread.run,
        detail=f"{kind}, letter {letter.id}: {error}",
    )
    if everywhere:
        await move_back(db, thread.id)
    same = outbox.c.id == letter.id
    if kind in FIRST - {NOTICE} and not await _has_place(db, thread.id):
        again = update(outbox).where(same).values(not_before=at + _PAUSE)
        await db.execute(again)
        if not await _is_on_record(db, deed):
            await audit.append(db, deed)
        return
    await audit.append(db, deed)
    await db.execute(update(outbox).where(same).values(fate=Fate.GIVEN_UP.value))


async def _has_place(db: AsyncConnection, thread: ThreadId) -> bool:
    place = select(PLACE_TS).where(threads.c.id == thread)
    return (await db.execute(place)).scalar_one() is not None


async def _is_on_record(db: AsyncConnection, deed: Deed) -> bool:
    same = select(rows.c.ordinal).where(
        rows.c.verb == deed.verb.value,
        rows.c.stack == deed.stack,
        rows.c.detail == deed.detail,
    )
    return (await db.execute(same.limit(1))).one_or_none() is not None
