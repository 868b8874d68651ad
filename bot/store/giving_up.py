"""Letters that are given up, and the first messages that cannot be."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed, Verb
from bot.domain.people import HANDRAIL
from bot.domain.run import ThreadId
from bot.ports import Letter, LetterId
from bot.store import audit, messages
from bot.store.letters import PLACE_TS, Fate
from bot.store.moving import move_back
from bot.store.tables import audit as rows
from bot.store.tables import outbox, threads
from bot.store.tellings import FIRST, NOTICE, TAIL, WAITING, kind_of

#: until a first message that is refused is tried again
_PAUSE: Final = timedelta(hours=1)


async def give_up(
    db: AsyncConnection, letter: Letter, error: str, at: datetime, *, everywhere: bool
) -> None:
    """Deliver *letter* no more, with an audit row; *everywhere*: as the port says.

    A first message without which its thread has no place is tried again later.
    """
    kind = kind_of(letter.telling)
    thread = letter.thread.id
    if everywhere:
        await move_back(db, thread)
    if kind not in FIRST - {NOTICE}:
        await _end(db, letter, (letter.id, kind), error, at)
    elif not await _has_place(db, thread):
        await _put_off(db, letter, error, at)
    else:
        # Where a thread moved, its first message there came for the sake of another.
        moved_for = await _before(db, letter) if everywhere else None
        await _end(db, letter, moved_for or (letter.id, kind), error, at)


async def _end(
    db: AsyncConnection,
    letter: Letter,
    missed: tuple[LetterId, str],
    error: str,
    at: datetime,
) -> None:
    number, kind = missed
    both = update(outbox).where(outbox.c.id.in_({letter.id, number}))
    await db.execute(both.values(fate=Fate.GIVEN_UP.value, stands_for=None))
    if letter.revision:
        await messages.blank(db, outbox.c.id == letter.id)
    if kind not in {TAIL, WAITING}:  # what comes next in their place says it all
        await audit.append(db, _deed(letter, f"{kind}, letter {number}: {error}", at))


async def _put_off(
    db: AsyncConnection, letter: Letter, error: str, at: datetime
) -> None:
    same = update(outbox).where(outbox.c.id == letter.id)
    await db.execute(same.values(not_before=at + _PAUSE))
    detail = f"{kind_of(letter.telling)}, letter {letter.id}: {error}"
    deed = _deed(letter, detail, at)
    if not await _is_on_record(db, deed):
        await audit.append(db, deed)


def _deed(letter: Letter, detail: str, at: datetime) -> Deed:
    return Deed(
        verb=Verb.UNDELIVERED,
        actor=HANDRAIL,
        at=at,
        stack=letter.thread.stack,
        run=letter.thread.run,
        detail=detail,
    )


async def _before(db: AsyncConnection, letter: Letter) -> tuple[LetterId, str] | None:
    oldest = (
        select(outbox.c.id, outbox.c.kind)
        .where(
            outbox.c.thread == letter.thread.id,
            outbox.c.fate.is_(None),
            outbox.c.id < letter.id,
            outbox.c.message_ts.is_(None),
        )
        .order_by(outbox.c.id)
    )
    row = (await db.execute(oldest.limit(1))).one_or_none()
    return row and (LetterId(row.id), row.kind)


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
