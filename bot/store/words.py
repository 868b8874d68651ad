"""What people said in threads, in SQL: the order of lock words, and what was read."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    RowMapping,
    exists,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed, Verb
from bot.domain.errors import LateWord, Refusal
from bot.domain.lock import EVERY, Hold
from bot.domain.people import Actor, ActorKind, ChannelId
from bot.domain.run import RunState, ThreadId
from bot.domain.sentences import minute
from bot.domain.stack import StackName
from bot.domain.telling import Notice, NoticeKind, Said
from bot.domain.words import ALL_MINE
from bot.ports.words import OpenThread
from bot.store import audit, heard
from bot.store.database import Database, upsert
from bot.store.notices import notify
from bot.store.outbox import post
from bot.store.rows import actor_values
from bot.store.tables import claims, holds, lock_words, runs, threads

#: so long after its end a run's thread may still get a word that counts
_OPEN: Final = timedelta(hours=24)
_UNFINISHED: Final = tuple(s.value for s in RunState if not s.is_terminal)


class SqlWords:
    """The port `Words` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, actor: Actor, stacks: Sequence[StackName], ts: str) -> None:
        """Note a word on the locks of *stacks*. Raises LateWord."""
        if not ts:
            return
        async with self._database.write("note a word on locks") as db:
            await _require_newest(db, actor, stacks, ts)
            for stack in sorted(set(stacks)):
                await _note(db, actor, stack, ts)

    async def ask_again(self, thread: ThreadId, said: Said, deed: Deed) -> None:
        """Ask in *thread* whether a word is still meant, with the audit row."""
        async with self._database.write("ask whether a word is still meant") as db:
            await audit.append(db, deed)
            await post(db, thread, (said,))
            await heard.acted(db)

    async def give_up(self, at: datetime) -> int:
        """Tell those who sent a command that died with whoever heard it."""
        # Looked for often, and hardly ever there.
        async with self._database.read("look for commands that nobody acts on") as db:
            if not await heard.has_orphans(db, at):
                return 0
        async with self._database.write("give commands up") as db:
            given_up = await heard.give_up(db, at)
            for orphan in given_up:
                sender = Actor(kind=ActorKind.PERSON, id=orphan.sent_by)
                why = f"{Refusal.UNAVAILABLE}: {orphan.command}"
                deed = Deed(verb=Verb.REFUSED, actor=sender, at=orphan.at, detail=why)
                await audit.append(db, deed)
                said = f"`{orphan.command}` of {minute(orphan.at)}"
                notice = Notice(kind=NoticeKind.UNDONE, stack="", reason=said)
                await notify(db, sender, notice)
            return len(given_up)

    async def open_threads(self, at: datetime) -> tuple[OpenThread, ...]:
        """Return those in which replies are read, newest first."""
        found = select(threads).where(
            threads.c.id.in_(_open(at - _OPEN)),
            threads.c.ts.is_not(None),
            threads.c.posted_in.is_(None),  # a direct message is no such thread
        )
        newest_first = found.order_by(threads.c.id.desc())
        async with self._database.read("look for open threads") as db:
            rows = (await db.execute(newest_first)).mappings().all()
        return tuple(map(_open_thread, rows))

    async def note_read(self, thread: ThreadId, ts: str) -> None:
        """Note that every reply up to *ts* was read."""
        before = or_(threads.c.seen_ts.is_(None), threads.c.seen_ts < ts)
        read = update(threads).where(threads.c.id == thread, before)
        async with self._database.write("note what was read") as db:
            await db.execute(read.values(seen_ts=ts))


async def require_newest(
    db: AsyncConnection, actor: Actor, changed: Iterable[Hold], ts: str
) -> None:
    """Raise LateWord where *actor* said a newer word than *ts* on one of *changed*.

    The rows stay locked until the transaction ends, so that a newer word waits.
    """
    if ts:
        await _require_newest(db, actor, [hold.stack for hold in changed], ts)


async def _require_newest(
    db: AsyncConnection, actor: Actor, stacks: Sequence[StackName], ts: str
) -> None:
    # `unlock all mine` counts for every stack, but a freeze is no stack's.
    named = {*stacks} if {*stacks} == {EVERY} else {*stacks, ALL_MINE}
    words = select(lock_words.c.stack, lock_words.c.ts)
    said = words.where(_by(actor), lock_words.c.stack.in_(named)).with_for_update()
    rows = await db.execute(said.order_by(lock_words.c.stack))
    newer = [stack for stack, newest in map(tuple, rows) if newest > ts]
    if newer:
        raise LateWord(f"{actor.id} said a newer word on {', '.join(newer)}")


async def _note(db: AsyncConnection, actor: Actor, stack: StackName, ts: str) -> None:
    row = upsert(db, lock_words).values(
        stack=stack, **actor_values("actor", actor), ts=ts
    )
    key = [column.name for column in lock_words.primary_key]
    new = {"ts": row.excluded.ts, "actor_name": row.excluded.actor_name}
    await db.execute(row.on_conflict_do_update(index_elements=key, set_=new))


def _by(actor: Actor) -> ColumnElement[bool]:
    return (
        (lock_words.c.actor_kind == actor.kind.value)
        & (lock_words.c.actor_id == actor.id)
        & (lock_words.c.actor_team == actor.team)
    )


def _open(since: datetime) -> CompoundSelect[int]:
    """Return the ids, each sort found by an index: most threads are long over."""
    # Slack's timestamps are all of one length, so they compare as texts do.
    is_new = threads.c.ts >= f"{since.timestamp():.6f}"
    claiming = select(claims.c.run).where(claims.c.run.is_not(None))
    is_of_run = exists().where(runs.c.thread == threads.c.id)
    return union(
        select(runs.c.thread).where(runs.c.state.in_(_UNFINISHED)),
        select(runs.c.thread).where(runs.c.ended_at >= since),
        select(runs.c.thread).where(runs.c.id.in_(claiming)),
        select(holds.c.thread).where(holds.c.thread.is_not(None)),
        select(threads.c.id).where(is_new, ~is_of_run),
    )


def _open_thread(row: RowMapping) -> OpenThread:
    places = [(row["channel"], row["ts"]), (row["fallback"], row["fallback_ts"])]
    return OpenThread(
        id=ThreadId(row["id"]),
        places=tuple((ChannelId(where), ts) for where, ts in places if where and ts),
        seen_ts=row["seen_ts"] or "",
    )
