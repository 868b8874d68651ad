"""The messages as the record has them, to be held against Slack."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.run import RunId
from bot.domain.telling import Header
from bot.domain.witness import Finding, KeptEnd, KeptMessage, KeptThread, Witnessed
from bot.store.database import Database
from bot.store.tables import audit, messages, outbox, runs, threads
from bot.store.tellings import FINAL, kind_of

_AT_ONCE: Final = 500
#: what a run's thread begins with
_FIRST: Final = kind_of(Header(run=RunId(0)))


class SqlKeptMessages:
    """The port `KeptMessages` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def channels(self) -> tuple[str, ...]:
        """Return every channel in which something was told, by their ids."""
        async with self._database.read("look for channels") as db:
            found = await db.execute(select(threads.c.channel).distinct())
            elsewhere = await db.execute(select(threads.c.fallback).distinct())
            named = {*found.scalars(), *elsewhere.scalars()}
            # A direct message is a person's, and nobody else may read it.
            return tuple(sorted(it for it in named if it and it[0] in "CG"))

    async def kept(self, channel: str, since: str) -> Mapping[int, KeptThread]:
        """Return the threads from *since* (a `ts`) on, by their own numbers."""
        async with self._database.read("read what was told in a channel") as db:
            told = await _told(db, channel)
            threads_there = (await db.execute(_threads_in(channel))).all()
        kept = (_thread(row, channel, told.get(row.id, {})) for row in threads_there)
        by_number = zip((row.id for row in threads_there), kept, strict=True)
        return {
            number: thread
            for number, thread in by_number
            if any(float(root) >= float(since) for root in thread.roots)
        }

    async def thread(
        self, channel: str, number: int | None, roots: Collection[str]
    ) -> KeptThread | None:
        """Return the thread of that *number*, or with one of those *roots*, as it is.

        Only what it has in *channel*.
        """
        begun = or_(threads.c.ts.in_(roots), threads.c.fallback_ts.in_(roots))
        which = begun if number is None else threads.c.id == number
        async with self._database.read("read what was told in a thread") as db:
            row = (await db.execute(_threads_in(channel).where(which))).first()
            if row is None:
                return None
            told = await _told(db, channel, row.id)
            return _thread(row, channel, told.get(row.id, {}))

    async def untold(self, channel: str) -> Sequence[Finding]:
        """Return the runs that no message tells of, nor one on its way."""
        async with self._database.read("look for runs that nobody was told of") as db:
            return [
                Finding(what=f"run {run} on {stack}", why="no message tells of it")
                for run, stack in await db.execute(_untold_in(channel))
            ]

    async def ended(self, since: datetime, until: datetime) -> Sequence[KeptEnd]:
        """Return the newest audit row of each run's end that says so.

        Of the runs that were submitted from *since* on, and had ended by *until*; but
        for those of which there is an audit row that they could not be told.
        """
        async with self._database.read("look for the ends of runs") as db:
            rows = (await db.execute(_ends(since, until))).all()
        return [
            KeptEnd(
                ordinal=row.ordinal,
                run=row.run,
                stack=row.stack,
                channels=frozenset(filter(None, (row.channel, row.fallback))),
            )
            for row in rows
        ]

    async def rows(self, ordinals: Iterable[int]) -> Mapping[int, Witnessed]:
        """Return the audit rows of those ordinals that there are."""
        wanted = sorted(set(ordinals))
        found: dict[int, Witnessed] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            rows = select(audit.c.ordinal, audit.c.hash, audit.c.run)
            async with self._database.read("read what is vouched for") as db:
                for row in await db.execute(rows.where(audit.c.ordinal.in_(some))):
                    found[row.ordinal] = Witnessed(hash=row.hash, run=row.run)
        return found


async def _told(
    db: AsyncConnection, channel: str, number: int | None = None
) -> dict[int, dict[str, str | None]]:
    """Return the digests of a channel's messages by their `ts`, by their threads.

    None of those that were delivered before what they show was kept.
    """
    told: dict[int, dict[str, str | None]] = defaultdict(dict)
    of_letters = select(outbox.c.thread, outbox.c.message_ts, null()).where(
        outbox.c.message_ts.is_not(None), outbox.c.thread.in_(_numbers_in(channel))
    )
    noted = select(messages.c.thread, messages.c.ts, messages.c.digest)
    noted = noted.where(messages.c.channel == channel)
    if number is not None:
        of_letters = of_letters.where(outbox.c.thread == number)
        noted = noted.where(messages.c.thread == number)
    for rows in (of_letters, noted):
        for thread, ts, digest in await db.execute(rows):
            told[thread][ts] = digest
    return told


def _thread(
    row: Row[*tuple[object, ...]], channel: str, told: Mapping[str, str | None]
) -> KeptThread:
    places = ((row.channel, row.ts), (row.fallback, row.fallback_ts))
    roots = tuple(ts for where, ts in places if where == channel and ts)
    # Of before, too: the messages that are changed in place, and no letter's alone.
    older = dict.fromkeys(filter(None, (*roots, row.tail_ts, row.waiting_ts)))
    known: dict[str, str | None] = {**older, **told}
    return KeptThread(
        run=row.run,
        stack=row.stack,
        roots=roots,
        messages=tuple(KeptMessage(ts=ts, digest=it) for ts, it in known.items()),
    )


def _threads_in(channel: str) -> Select[*tuple[object, ...]]:
    return (
        select(threads, runs.c.id.label("run"))
        .outerjoin(runs, runs.c.thread == threads.c.id)
        .where(threads.c.id.in_(_numbers_in(channel)))
    )


def _numbers_in(channel: str) -> Select[tuple[int]]:
    there = or_(threads.c.channel == channel, threads.c.fallback == channel)
    return select(threads.c.id).where(there)


def _ends(since: datetime, until: datetime) -> Select[*tuple[object, ...]]:
    other = audit.alias()

    def has(verb: Verb, *more: ColumnElement[bool]) -> ColumnElement[bool]:
        is_one = (other.c.run == audit.c.run) & (other.c.verb == verb.value)
        return select(other.c.ordinal).where(is_one, *more).exists()

    columns = (audit.c.ordinal, audit.c.run, audit.c.stack)
    return (
        select(*columns, threads.c.channel, threads.c.fallback)
        .outerjoin(runs, runs.c.id == audit.c.run)
        .outerjoin(threads, threads.c.id == runs.c.thread)
        .where(
            audit.c.verb == Verb.ENDED.value,
            audit.c.run.is_not(None),
            audit.c.at <= until,
            ~has(Verb.ENDED, other.c.ordinal > audit.c.ordinal),
            ~has(Verb.SUBMITTED, other.c.at < since),
            ~has(Verb.UNDELIVERED, other.c.detail.startswith(f"{FINAL}, letter ")),
        )
        .order_by(audit.c.ordinal)
    )


def _untold_in(channel: str) -> Select[*tuple[object, ...]]:
    of_thread = messages.c.thread == threads.c.id
    on_its_way = and_(
        outbox.c.thread == threads.c.id,
        outbox.c.kind == _FIRST,
        outbox.c.fate.is_(None),
    )
    return (
        select(runs.c.id, runs.c.stack)
        .join(threads, threads.c.id == runs.c.thread)
        .where(
            func.coalesce(threads.c.fallback, threads.c.channel) == channel,
            threads.c.ts.is_(None),
            ~select(messages.c.ts).where(of_thread).exists(),
            ~select(outbox.c.id).where(on_its_way).exists(),
        )
        .order_by(runs.c.id)
    )
