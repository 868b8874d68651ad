"""Letters: tellings that are stored and not yet delivered."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    case,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.people import ChannelId, UserId
from bot.domain.run import ThreadId
from bot.domain.telling import Card, Header, Move, Notice, NoticeKind, Telling
from bot.ports import Change, Hide, Letter, LetterId, Shown, Thread
from bot.store import messages
from bot.store.database import Database, upsert, wake
from bot.store.giving_up import give_up
from bot.store.letters import CLOSING, NEXT, Fate, letter_of
from bot.store.moving import move_of, move_thread
from bot.store.places import places
from bot.store.rows import Value
from bot.store.tables import outbox, threads
from bot.store.tellings import (
    FIRST,
    OF_HOLDS,
    REPLACED,
    TAIL,
    WAITING,
    hidden,
    kind_of,
    to_text,
)

_Letters = Select[*tuple[object, ...]]


async def post(
    db: AsyncConnection,
    thread: ThreadId,
    tellings: Sequence[Telling],
    *,
    redacted: bool = False,
) -> None:
    """Put *tellings* into the outbox, in order.

    One that is told in place adds nothing while another of its kind still stands
    for it. *redacted* ones take the place of what must no longer be read.
    """
    for telling in tellings:
        kind = kind_of(telling)
        letter = upsert(db, outbox).values(
            thread=thread,
            kind=kind,
            telling=to_text(telling),
            stands_for=kind if kind in REPLACED else None,
            attempts=0,
            error="",
            revision=int(redacted),
        )
        place = [outbox.c.thread, outbox.c.stands_for]
        if redacted:
            of_kind = (outbox.c.thread == thread) & (outbox.c.kind == kind)
            await messages.blank(db, of_kind)
            more = {"revision": outbox.c.revision + 1}
            letter = letter.on_conflict_do_update(index_elements=place, set_=more)
        else:
            letter = letter.on_conflict_do_nothing(index_elements=place)
        await db.execute(letter)
        if kind != TAIL:  # told so often that whoever delivers looks for it
            wake(db, Change.LETTERS)


async def post_again(db: AsyncConnection, thread: ThreadId, telling: Telling) -> None:
    """Put *telling* into the outbox if one of its kind was told in *thread* before."""
    of_kind = (outbox.c.thread == thread) & (outbox.c.kind == kind_of(telling))
    told = await db.execute(select(outbox.c.id).where(of_kind).limit(1))
    if told.one_or_none() is not None:
        await post(db, thread, (telling,))


async def redact_letters(db: AsyncConnection, thread: ThreadId, hide: Hide) -> int:
    """Hide in every letter of *thread*, and put back those that were delivered.

    Returns in how many places of them something was hidden.
    """
    return await _redact(db, outbox.c.thread == thread, hide)


async def redact_holds_letters(
    db: AsyncConnection, stacks: Sequence[str], thread: ThreadId, hide: Hide
) -> int:
    """Hide in the letters of other threads than *thread* that tell of holds.

    Of those on *stacks*, as `redact_letters` does.
    """
    names = [
        outbox.c.telling.contains(json.dumps({"stack": stack})[1:-1], autoescape=True)
        for stack in stacks
    ]
    elsewhere = outbox.c.kind.in_(OF_HOLDS) & (outbox.c.thread != thread)
    return await _redact(db, elsewhere & or_(*names), hide)


async def _redact(db: AsyncConnection, which: ColumnElement[bool], hide: Hide) -> int:
    letters = select(outbox).where(which).order_by(outbox.c.id)
    changed = 0
    for row in (await db.execute(letters)).mappings().all():
        telling, error = hidden(row["telling"], hide), hide.text(row["error"])
        if (telling, error) == (row["telling"], row["error"]):
            continue
        same = outbox.c.id == row["id"]
        values = {"telling": telling, "error": error}
        await db.execute(update(outbox).where(same).values(values))
        changed += places(row["telling"], telling)
        if telling != row["telling"]:
            await put_back(db, same)
    return changed


async def put_back(db: AsyncConnection, letters: ColumnElement[bool]) -> None:
    """Have *letters* delivered again, into the messages that they became.

    One that is on its way may show what was there before, so it comes again too.
    One that was given up, or that became no message, stays where it is.
    """
    became_one = outbox.c.message_ts.is_not(None)
    delivered = (outbox.c.fate == Fate.DELIVERED.value) & became_one
    again = {"fate": None, "attempts": 0, "not_before": None, "error": ""}
    revised = update(outbox).values(revision=outbox.c.revision + 1)
    await db.execute(revised.where(letters, outbox.c.fate.is_(None)))
    await db.execute(revised.where(letters, delivered).values(again))
    await messages.blank(db, letters)


class SqlOutbox:
    """The port `Outbox` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, at: datetime) -> tuple[Letter, ...]:
        """Return the next letter of each thread whose time has come, oldest first.

        A letter is returned again until its fate is noted.
        """
        return await self._read(NEXT, at)

    async def closing(self, at: datetime) -> tuple[Letter, ...]:
        """Return the final messages that only what is told in place stands before.

        They may go first: nobody sees in which order messages are changed.
        """
        return await self._read(CLOSING, at)

    async def delivered(
        self,
        letter: Letter,
        message_ts: str | None,
        channel: ChannelId | None = None,
        *,
        shown: Shown | None = None,
    ) -> None:
        """Note a delivery, the message it became, in *channel*, and what that shows.

        A letter that was redacted meanwhile stays due, to change that message. What
        another process noted first stays so.
        """
        is_same = outbox.c.revision == letter.revision
        fate = case((is_same, Fate.DELIVERED.value), else_=null())
        noted = _set(letter, fate=fate, message_ts=message_ts)
        async with self._database.write("note a delivery") as db:
            if not await _is_first(db, noted):
                return
            if message_ts is not None:
                await _note_place(db, letter, message_ts, channel)
            if message_ts is not None and shown is not None:
                place = channel or letter.thread.channel
                await messages.note(db, letter, (place, message_ts), shown)

    async def postpone(
        self, letter: Letter, until: datetime, error: str, *, counts: bool = True
    ) -> None:
        """Note a failed attempt; the thread waits until *until*.

        One that does not count, because Slack was away, is the first at most: Slack
        may have taken the letter.
        """
        before = outbox.c.attempts
        now = before + 1 if counts else case((before > 0, before), else_=1)
        attempt = _set(letter, not_before=until, error=error).values(attempts=now)
        async with self._database.write("postpone a letter") as db:
            await db.execute(attempt)

    async def move(
        self,
        letter: Letter,
        to: ChannelId,
        why: str,
        *,
        admins: Sequence[UserId],
    ) -> None:
        """Let the thread of *letter*, and *letter* with it, go on in *to*.

        It begins there with a first message of its own; *admins* are told directly.
        Where *to* is the thread's own channel, only its first message is another.
        """
        again = _set(letter, not_before=None, error=why).values(
            attempts=outbox.c.attempts + 1
        )
        async with self._database.write("move a thread") as db:
            if not await _is_first(db, again):
                return
            await move_thread(db, letter.thread, to, why)
            if kind_of(letter.telling) not in FIRST:
                await post(db, letter.thread.id, (_first_of(letter.thread),))
            told = await move_of(db, letter.thread, to, why)
            for admin in admins:
                await _notify(db, admin, letter.thread, told)

    async def give_up(
        self, letter: Letter, error: str, at: datetime, *, everywhere: bool = False
    ) -> None:
        """Note, with an audit row, that a letter will never be delivered, and why.

        Where it was refused *everywhere*, the rest of its thread is tried where
        that began. A first message that its thread cannot do without is tried again
        an hour later.
        """
        async with self._database.write("give up a letter") as db:
            if await _is_first(db, _set(letter, error=error)):
                await give_up(db, letter, error, at, everywhere=everywhere)

    async def _read(self, letters: _Letters, at: datetime) -> tuple[Letter, ...]:
        due = letters.where(
            or_(outbox.c.not_before.is_(None), outbox.c.not_before <= at)
        )
        async with self._database.read("read the outbox") as db:
            rows = (await db.execute(due)).mappings().all()
        await self._hand_out([row["letter"] for row in rows if row["stands_for"]])
        return tuple(map(letter_of, rows))

    async def _hand_out(self, letters: Sequence[LetterId]) -> None:
        # From here on the letter may have been rendered: what is told in place
        # later needs a letter of its own, or its news could be lost.
        if not letters:
            return
        async with self._database.write("hand out letters") as db:
            await db.execute(
                update(outbox).where(outbox.c.id.in_(letters)).values(stands_for=None)
            )


def _set(letter: Letter, **values: Value) -> Update:
    row = update(outbox).where(outbox.c.id == letter.id, outbox.c.fate.is_(None))
    return row.values(stands_for=None, **values)


async def _is_first(db: AsyncConnection, noted: Update) -> bool:
    """Note what became of a letter; False where its fate was known already."""
    found = await db.execute(noted.returning(outbox.c.id))
    return found.one_or_none() is not None


async def _note_place(
    db: AsyncConnection, letter: Letter, ts: str, channel: ChannelId | None
) -> None:
    thread = update(threads).where(threads.c.id == letter.thread.id)
    kind = kind_of(letter.telling)
    if kind in FIRST:
        await _note_first(db, letter, ts, channel)
    elif kind == TAIL:
        await db.execute(thread.values(tail_ts=ts))
    elif kind == WAITING:
        await db.execute(thread.values(waiting_ts=ts))


async def _note_first(
    db: AsyncConnection, letter: Letter, ts: str, channel: ChannelId | None
) -> None:
    thread = update(threads).where(threads.c.id == letter.thread.id)
    if letter.thread.ts is not None:
        if ts not in (letter.thread.ts, letter.message_ts):
            await db.execute(thread.values(header_ts=ts))
    elif letter.moved is not None:
        there = channel or letter.thread.channel
        await db.execute(thread.values(fallback=there, fallback_ts=ts))
    else:
        first = thread.where(threads.c.ts.is_(None))
        elsewhere = None if channel == letter.thread.channel else channel
        await db.execute(first.values(ts=ts, posted_in=elsewhere))


async def _notify(db: AsyncConnection, to: UserId, thread: Thread, move: Move) -> None:
    notice = Notice(kind=NoticeKind.MOVED, stack=thread.stack, move=move)
    if await _was_told(db, to, notice):
        return
    row = insert(threads).values(channel=to, stack=thread.stack)
    own = (await db.execute(row.returning(threads.c.id))).scalar_one()
    await post(db, ThreadId(own), (notice,))


async def _was_told(db: AsyncConnection, to: UserId, notice: Notice) -> bool:
    same = (
        select(outbox.c.id)
        .join(threads, threads.c.id == outbox.c.thread)
        .where(
            outbox.c.kind == kind_of(notice),
            outbox.c.telling == to_text(notice),
            threads.c.channel == to,
        )
    )
    return (await db.execute(same.limit(1))).one_or_none() is not None


def _first_of(thread: Thread) -> Telling:
    return Card(stack=thread.stack) if thread.run is None else Header(run=thread.run)
