"""The verbs of holds, each within one transaction of the record."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed, Verb
from bot.domain.lock import EVERY, Hold
from bot.domain.people import HANDRAIL, Actor, ActorKind, UserId
from bot.domain.run import RunId, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import (
    Card,
    Expired,
    Header,
    Held,
    Notice,
    NoticeKind,
    Released,
    Stolen,
    Telling,
)
from bot.ports import HoldAnswer
from bot.store import audit, locks
from bot.store.notices import grant_wishes, newest_thread, notify, wish
from bot.store.outbox import post
from bot.store.queue import pass_on, post_waiting
from bot.store.rows import hold_of
from bot.store.tables import holds, runs, threads

_UNFINISHED = tuple(state.value for state in RunState if not state.is_terminal)


async def hold(db: AsyncConnection, wanted: Sequence[Hold]) -> HoldAnswer:
    """Take or renew all of *wanted*, or return who has one of them."""
    return await _take(db, wanted, Verb.HELD)


async def freeze(db: AsyncConnection, wanted: Hold) -> HoldAnswer:
    """Take the hold on every stack, or return who has it."""
    return await _take(db, (wanted,), Verb.FROZEN)


async def extend(
    db: AsyncConnection, held: Hold, until: datetime | None, at: datetime
) -> bool:
    """Let exactly *held* last until *until*; False if it is not in force."""
    extended = await locks.extend_hold(db, held, until, at)
    if extended is None:
        return False
    await _note_taken(db, (extended,), extended, Verb.HELD, at)
    return True


async def release_holds(
    db: AsyncConnection,
    held: Sequence[Hold],
    actor: Actor,
    reason: str,
    at: datetime,
    thread: ThreadId | None,
    above: frozenset[str],
) -> bool:
    """Release exactly *held*; False, and nothing, if one is not in force."""
    released = await _locked(db, locks.any_of(held))
    if not held or len(released) < len({hold.stack for hold in held}):
        return False
    for hold in released:
        await locks.release_hold(db, hold)
    await audit.append(db, _release_of(released, actor, reason, at))
    line = Released(holds=released, actor=actor, reason=reason)
    first = next(hold for hold in released if hold.stack == held[0].stack)
    await _tell(db, line, thread or first.thread, released)
    for hold in released:
        if not hold.actor.is_same(actor):
            await _tell_holder(db, NoticeKind.RELEASED, hold, actor, reason)
    await pass_on(db, _stacks(released), above)
    return True


async def steal(
    db: AsyncConnection, held: Hold, wanted: Hold, above: frozenset[str]
) -> bool:
    """Put *wanted* in the place of exactly *held*; False if it is not in force."""
    before = await _locked(db, locks.exactly(held))
    if not before or not await locks.replace_hold(db, held, wanted):
        return False
    detail = f"the hold of {held.actor.id}: {wanted.reason}"
    await audit.append(
        db, _deed(Verb.STOLEN, wanted.actor, wanted.since, before, detail)
    )
    line = Stolen(held=before[0], wanted=wanted)
    await _tell(db, line, wanted.thread or before[0].thread, before)
    if not held.actor.is_same(wanted.actor):
        kind, reason = NoticeKind.STOLEN, wanted.reason
        await _tell_holder(db, kind, before[0], wanted.actor, reason)
    await pass_on(db, _stacks(before), above)
    return True


async def expire(
    db: AsyncConnection, at: datetime, above: frozenset[str]
) -> tuple[Hold, ...]:
    """Release what has come to its end, and return it.

    Each is an audit row and a line of its own: other hands took them elsewhere.
    """
    over = await _locked(db, holds.c.until <= at)
    for hold in over:
        await locks.release_hold(db, hold)
        await audit.append(db, _release_of((hold,), HANDRAIL, "", at, Verb.EXPIRED))
    for hold in over:
        await _tell(db, Expired(hold=hold), hold.thread, (hold,))
    if over:
        await pass_on(db, _stacks(over), above)
    return over


async def remind(db: AsyncConnection, at: datetime, *, before: timedelta) -> int:
    """Tell holders directly, once, whose holds end within *before*."""
    soon = (holds.c.until <= at + before) & (holds.c.until > at)
    due = [
        hold
        for hold in await _locked(db, soon & holds.c.reminded_at.is_(None))
        # Who holds for less than that knows the end already.
        if _is_persons(hold) and hold.until and hold.until - hold.since > before
    ]
    for hold in due:
        reminded = update(holds).where(locks.exactly(hold))
        await db.execute(reminded.values(reminded_at=at))
        await _tell_holder(db, NoticeKind.ENDS_SOON, hold)
    return len(due)


async def ask_holders(db: AsyncConnection, at: datetime, *, after: timedelta) -> int:
    """Ask holders directly whose holds have no end whether they need them."""
    asked_at = func.coalesce(holds.c.asked_at, holds.c.since)
    endless = holds.c.until.is_(None) & (asked_at <= at - after)
    due = [hold for hold in await _locked(db, endless) if _is_persons(hold)]
    for hold in due:
        asked = update(holds).where(locks.exactly(hold))
        await db.execute(asked.values(asked_at=at))
        await _tell_holder(db, NoticeKind.STILL_NEEDED, hold)
    return len(due)


async def report_holder(
    db: AsyncConnection, held: Hold, admins: Sequence[UserId], at: datetime
) -> bool:
    """Tell *admins* directly, once, that the holder is deactivated."""
    unreported = locks.exactly(held) & holds.c.reported_at.is_(None)
    reported = update(holds).where(unreported).values(reported_at=at)
    row = (await db.execute(reported.returning(holds))).mappings().one_or_none()
    if row is None:
        return False
    notice = Notice(kind=NoticeKind.HOLDER_GONE, stack=held.stack, hold=hold_of(row))
    for admin in admins:
        await notify(db, Actor(kind=ActorKind.PERSON, id=admin), notice)
    return True


async def notify_when_free(
    db: AsyncConnection,
    stack: StackName,
    actor: Actor,
    at: datetime,
    above: frozenset[str],
) -> None:
    """Tell *actor* directly, once, when they could run something on *stack*.

    That is at once where it became free between their asking and now.
    """
    await wish(db, stack, actor, at)
    asked = Deed(verb=Verb.NOTIFY_ASKED, actor=actor, at=at, stack=stack)
    await audit.append(db, asked)
    await grant_wishes(db, (stack,), above)


async def _take(db: AsyncConnection, wanted: Sequence[Hold], verb: Verb) -> HoldAnswer:
    stacks = _stacks(wanted)
    async with db.begin_nested() as attempt:
        taken = await locks.take_holds(db, wanted)
        if len(taken) < len(stacks):
            others = await locks.others_holds(db, stacks, wanted[0].actor)
            await attempt.rollback()
            return HoldAnswer(taken=False, holds=others)
    first = wanted[0]
    lead = next(hold for hold in taken if hold.stack == first.stack)
    await _note_taken(db, taken, lead, verb, first.since)
    return HoldAnswer(taken=True, holds=taken)


async def _note_taken(
    db: AsyncConnection, taken: Sequence[Hold], lead: Hold, verb: Verb, at: datetime
) -> None:
    detail = _until(lead.until) + lead.reason
    await audit.append(db, _deed(verb, lead.actor, at, taken, detail))
    await _tell(db, Held(holds=tuple(taken)), lead.thread, taken)
    await post_waiting(db, _stacks(taken))


async def _locked(db: AsyncConnection, which: ColumnElement[bool]) -> tuple[Hold, ...]:
    # Locked in one order, so that two hands never wait for each other.
    found = select(holds).where(which).order_by(holds.c.stack).with_for_update()
    return tuple(map(hold_of, (await db.execute(found)).mappings().all()))


async def _tell(
    db: AsyncConnection,
    line: Telling,
    thread: ThreadId | None,
    changed: Sequence[Hold],
) -> None:
    """Tell *line* in *thread*, and anew whatever shows one of the *changed* holds.

    Without a thread it is told in the newest one of their stacks, if there is one.
    """
    thread = thread or await newest_thread(db, _stacks(changed))
    if thread is not None:
        await post(db, thread, (line, await _first(db, thread)))
    for hold in changed:
        if hold.thread is not None and hold.thread != thread:
            await post(db, hold.thread, (await _first(db, hold.thread),))
    unfinished = select(runs.c.id, runs.c.thread)
    unfinished = unfinished.where(runs.c.state.in_(_UNFINISHED))
    stacks = _stacks(changed)
    if EVERY not in stacks:
        unfinished = unfinished.where(runs.c.stack.in_(stacks))
    # Sorted here: for the order SQLite would read every run that the stack ever had.
    for run, of_run in sorted(map(tuple, await db.execute(unfinished))):
        await post(db, of_run, (Header(run=RunId(run)),))


async def _first(db: AsyncConnection, thread: ThreadId) -> Header | Card:
    about = (
        select(threads.c.stack, runs.c.id)
        .outerjoin(runs, runs.c.thread == threads.c.id)
        .where(threads.c.id == thread)
    )
    stack, run = (await db.execute(about)).one()
    return Card(stack=stack) if run is None else Header(run=run)


async def _tell_holder(
    db: AsyncConnection,
    kind: NoticeKind,
    hold: Hold,
    actor: Actor | None = None,
    reason: str = "",
) -> None:
    notice = Notice(kind=kind, stack=hold.stack, hold=hold, actor=actor, reason=reason)
    await notify(db, hold.actor, notice)


def _release_of(
    released: Sequence[Hold],
    actor: Actor,
    reason: str,
    at: datetime,
    verb: Verb = Verb.RELEASED,
) -> Deed:
    others = (hold.actor for hold in released if not hold.actor.is_same(actor))
    holders = sorted({other.id for other in others})
    detail = f"the hold of {', '.join(holders)}: {reason}" if holders else reason
    return _deed(verb, actor, at, released, detail.removesuffix(": "))


def _deed(
    verb: Verb, actor: Actor, at: datetime, changed: Sequence[Hold], detail: str
) -> Deed:
    named = ", ".join(sorted(_stacks(changed)))
    return Deed(verb=verb, actor=actor, at=at, stack=named, detail=detail)


def _until(end: datetime | None) -> str:
    return "" if end is None else f"until {end:%Y-%m-%d %H:%M} UTC: "


def _stacks(changed: Sequence[Hold]) -> set[StackName]:
    return {hold.stack for hold in changed}


def _is_persons(hold: Hold) -> bool:
    return hold.actor.kind is ActorKind.PERSON
