"""Whose runs are: taken by a replica, fenced, given up, and out of its sight."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.errors import Superseded
from bot.domain.people import HANDRAIL, Actor
from bot.domain.replica import REPLICA_LEASE, Replica
from bot.domain.run import ACTIVE, Run, RunId
from bot.domain.telling import Header, Said
from bot.ports import Change
from bot.store import audit
from bot.store.database import wake
from bot.store.endings import settle_run
from bot.store.leases import lease_time
from bot.store.moves import active, fetch
from bot.store.outbox import post
from bot.store.rows import Value, run_of
from bot.store.tables import replicas, runs

_OUT_OF_SIGHT: Final = "Its container could not be asked for;"
_IN_SIGHT: Final = "The container of this run is followed again."


async def ensure_owned(db: AsyncConnection, run: Run) -> None:
    """Raise Superseded where *run* has another owner or epoch by now."""
    query = select(runs.c.owner, runs.c.epoch).where(runs.c.id == run.id)
    row = (await db.execute(query.with_for_update())).one_or_none()
    if row is None or (row.owner, row.epoch) != (run.owner, run.epoch):
        raise Superseded(f"run {run.id} is no longer driven as of epoch {run.epoch}")


def taken(run: Run, replica: Replica) -> dict[str, Value]:
    """Return the columns of *run* once *replica* has taken it."""
    return {"owner": replica.id, "epoch": run.epoch + 1, "engine": replica.engine}


async def free_slots(db: AsyncConnection, replica: Replica) -> int:
    """Return how many more runs may be active on the engine of *replica*."""
    same = runs.c.engine == replica.engine
    count = select(func.count()).select_from(runs).where(active(), same)
    return max(replica.slots - (await db.execute(count)).scalar_one(), 0)


async def adopt(
    db: AsyncConnection, replica: Replica, at: datetime, driven: Collection[RunId]
) -> tuple[Run, ...]:
    """Have *replica* own the active runs that nobody drives, and return them."""
    lost = await adoptable(db, replica, at, driven)
    return tuple([await _adopt(db, run, replica, at) for run in lost])


async def adoptable(
    db: AsyncConnection, replica: Replica, at: datetime, driven: Collection[RunId]
) -> tuple[Run, ...]:
    """Return the active runs that nobody drives and *replica* can follow.

    Where nobody could be heard of, as while the database was away, those who were
    have a lease's time to be heard of again.
    """
    mine = runs.c.owner == replica.id
    now = await lease_time(db, at)
    patient = await _has_been_heard(db, replica, now)
    theirs = _is_driven(now) if patient else _is_known()
    nobodys = or_(
        runs.c.owner.is_(None),
        ~mine & ~theirs,
        mine & runs.c.id.not_in(driven),
    )
    reachable = or_(runs.c.engine.is_(None), runs.c.engine == replica.engine)
    found = select(runs).where(active(), nobodys, reachable)
    rows = await db.execute(found.order_by(runs.c.id))
    return tuple(map(run_of, rows.mappings()))


async def hand_over(db: AsyncConnection, replica: Replica) -> None:
    """Have *replica* own no run any more."""
    own = update(runs).where(runs.c.owner == replica.id)
    await db.execute(own.values(owner=None))
    wake(db, Change.OWNERS)


async def lose_sight(
    db: AsyncConnection, run: Run, why: str, at: datetime, replica: Replica
) -> bool:
    """Tell, once, that the container of *run* cannot be asked for.

    False, too, where another replica drives it, or may take it up, that is alive.
    """
    if run.state not in ACTIVE or run.outside or run.lost_since is not None:
        return False
    if run.owner != replica.id and await _is_in_reach(db, run, replica, at):
        return False
    lost = update(runs).where(runs.c.id == run.id).values(lost_since=at)
    await db.execute(lost)
    deed = audit.deed_on(run, Verb.OUT_OF_SIGHT, HANDRAIL, at, why)
    await audit.append(db, deed)
    line = Said(text=_unseen(run, why))
    await post(db, run.thread, (line, Header(run=run.id)))
    return True


async def regain_sight(db: AsyncConnection, run: Run, at: datetime) -> None:
    """Tell that the container of *run* is followed again, if that was in doubt."""
    if run.state not in ACTIVE or run.outside or run.lost_since is None:
        return
    found = update(runs).where(runs.c.id == run.id).values(lost_since=None)
    await db.execute(found)
    await audit.append(db, audit.deed_on(run, Verb.IN_SIGHT_AGAIN, HANDRAIL, at))
    await post(db, run.thread, (Said(text=_IN_SIGHT), Header(run=run.id)))


async def settle(
    db: AsyncConnection,
    run: Run,
    actor: Actor,
    reason: str,
    at: datetime,
    above: frozenset[str],
) -> bool:
    """End a *run* that is out of sight, and release its stack; False if it is not."""
    if run.state not in ACTIVE or run.lost_since is None:
        return False
    return await settle_run(db, run, _OUT_OF_SIGHT, actor, reason, at, above=above)


async def _adopt(db: AsyncConnection, run: Run, replica: Replica, at: datetime) -> Run:
    own = update(runs).where(runs.c.id == run.id).values(taken(run, replica))
    await db.execute(own)
    detail = f"by {replica.id}, from {run.owner or 'nobody'}"
    deed = audit.deed_on(run, Verb.ADOPTED, HANDRAIL, at, detail)
    await audit.append(db, deed)
    return await fetch(db, run.id)


async def _has_been_heard(db: AsyncConnection, replica: Replica, now: datetime) -> bool:
    """Tell whether *replica* has been heard of without a break for a lease."""
    unbroken = (replicas.c.lease > now) & (replicas.c.since <= now - REPLICA_LEASE)
    own = select(replicas.c.id).where(replicas.c.id == replica.id, unbroken)
    return (await db.execute(own)).one_or_none() is not None


def _is_known() -> ColumnElement[bool]:
    known = select(replicas.c.id)
    return and_(runs.c.owner.is_not(None), runs.c.owner.in_(known))


def _is_driven(now: datetime) -> ColumnElement[bool]:
    living = select(replicas.c.id).where(replicas.c.lease > now)
    return and_(runs.c.owner.is_not(None), runs.c.owner.in_(living))


async def _is_in_reach(
    db: AsyncConnection, run: Run, replica: Replica, at: datetime
) -> bool:
    near = (replicas.c.id == run.owner) | (replicas.c.engine == run.engine)
    found = select(replicas.c.id).where(near).limit(1)
    now = await lease_time(db, at)
    if await _has_been_heard(db, replica, now):
        found = found.where(replicas.c.lease > now)
    return (await db.execute(found)).one_or_none() is not None


def _unseen(run: Run, why: str) -> str:
    return (
        f"{why.rstrip('.')}. {run.stack} stays busy, because its command may still be "
        "running. Handrail goes on trying; once the command is certainly over, an "
        "admin releases the stack with the reply `release: reason`."
    )
