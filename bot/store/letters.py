"""The letters of the outbox as whoever delivers them reads them."""

from dataclasses import replace
from enum import StrEnum
from typing import Final

from sqlalchemy import RowMapping, and_, case, func, or_, select

from bot.domain.people import ChannelId
from bot.ports import Letter, LetterId, Moved, Thread
from bot.store.rows import thread_of
from bot.store.tables import messages, outbox, runs, threads
from bot.store.tellings import FINAL, FIRST, REPLACED, TAIL, WAITING, from_text


class Fate(StrEnum):
    """What became of a letter."""

    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


#: by which message a thread is found where it goes on now; none before it is posted
PLACE_TS: Final = case(
    (threads.c.fallback.is_not(None), threads.c.fallback_ts), else_=threads.c.ts
)

# A thread that is not in its channel yet can only be told its first message.
_OLDEST: Final = (
    select(func.min(outbox.c.id))
    .join(threads, threads.c.id == outbox.c.thread)
    .where(
        outbox.c.fate.is_(None),
        or_(PLACE_TS.is_not(None), outbox.c.kind.in_(FIRST)),
    )
    .group_by(outbox.c.thread)
)

_LETTERS: Final = (
    select(
        outbox.c.id.label("letter"),
        outbox.c.kind,
        outbox.c.telling,
        outbox.c.attempts,
        outbox.c.stands_for,
        outbox.c.revision,
        outbox.c.message_ts,
        threads,
        runs.c.id.label("run"),
        messages.c.channel.label("message_channel"),
    )
    .join(threads, threads.c.id == outbox.c.thread)
    .outerjoin(runs, runs.c.thread == threads.c.id)
    .outerjoin(
        messages,
        and_(
            messages.c.thread == outbox.c.thread, messages.c.ts == outbox.c.message_ts
        ),
    )
    .order_by(outbox.c.id)
)

#: the next letter of each thread
NEXT: Final = _LETTERS.where(outbox.c.id.in_(_OLDEST))

_before = outbox.alias("before")

#: what in a thread stands before only what is told in place, and ends it
CLOSING: Final = _LETTERS.where(
    outbox.c.fate.is_(None),
    outbox.c.kind == FINAL,
    PLACE_TS.is_not(None),
    ~select(_before.c.id)
    .where(
        _before.c.thread == outbox.c.thread,
        _before.c.fate.is_(None),
        _before.c.id < outbox.c.id,
        _before.c.kind.not_in(REPLACED),
    )
    .exists(),
)


def letter_of(row: RowMapping) -> Letter:
    """Return the letter of a row of `NEXT` or `CLOSING`."""
    return Letter(
        id=LetterId(row["letter"]),
        thread=_place(row),
        telling=from_text(row["kind"], row["telling"], row["run"]),
        attempts=row["attempts"],
        message_ts=_message_ts(row),
        revision=row["revision"],
        moved=_moved(row),
    )


def _place(row: RowMapping) -> Thread:
    thread = thread_of(row)
    began = replace(thread, channel=row["posted_in"] or row["channel"], ts=row["ts"])
    if row["fallback"] is None:
        return began
    if row["revision"] and row["message_channel"] == began.channel:
        return began  # what is to be changed was posted before the thread moved
    channel = ChannelId(row["fallback"])
    return replace(thread, channel=channel, ts=row["fallback_ts"])


def _message_ts(row: RowMapping) -> str | None:
    ts: str | None = row["message_ts"]
    if row["kind"] in FIRST:
        first = row["fallback_ts"] if row["fallback"] else row["ts"]
        ts = row["header_ts"] or first
    elif row["kind"] == TAIL:
        ts = row["tail_ts"]
    elif row["kind"] == WAITING:
        ts = row["waiting_ts"] or ts
    return ts


def _moved(row: RowMapping) -> Moved | None:
    if row["fallback"] is None:
        return None
    return Moved(
        channel=ChannelId(row["channel"]), why=row["refused"], tried=row["moves"] or 0
    )
