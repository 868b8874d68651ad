"""How a run leaves the queue and goes on until it performs."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition
from bot.domain.lock import keeper
from bot.domain.people import HANDRAIL
from bot.domain.replica import Replica
from bot.domain.run import Run, RunState, check_transition
from bot.domain.telling import Header, Waiting
from bot.store import audit, locks
from bot.store.adoption import free_slots, taken
from bot.store.drains import is_drained
from bot.store.moves import move
from bot.store.outbox import post, post_again
from bot.store.queue import next_runs, pass_on, post_waiting
from bot.store.rows import Value, run_of
from bot.store.tables import runs

_STEPS = (RunState.INITIALIZING, RunState.PERFORMING, RunState.PLANNING)


async def promote(
    db: AsyncConnection, at: datetime, above: frozenset[str]
) -> tuple[Run, ...]:
    """Claim every free stack for the run whose turn it is."""
    promoted = [await _promote(db, run, at) for run in await next_runs(db, above)]
    ready = tuple(run for run in promoted if run is not None)
    if ready:
        await post_waiting(db, {run.stack for run in ready})
    return ready


async def ready_runs(db: AsyncConnection, replica: Replica) -> tuple[Run, ...]:
    """Return the runs that *replica* may start or go on with now, oldest first."""
    ready = (runs.c.state == RunState.READY.value) & ~runs.c.outside
    unconfirmed = runs.c.state == RunState.UNCONFIRMED.value
    confirmed = unconfirmed & runs.c.confirmed_kind.is_not(None)
    # What its plan left behind is on the engine that made it.
    at_home = or_(runs.c.engine.is_(None), runs.c.engine == replica.engine)
    found = select(runs).where(ready | (confirmed & at_home)).order_by(runs.c.id)
    room = await room_for(db, replica)
    return tuple(map(run_of, (await db.execute(found.limit(room))).mappings()))


async def room_for(db: AsyncConnection, replica: Replica) -> int:
    """Return how many runs *replica* may start: none while Handrail is drained."""
    return 0 if await is_drained(db) else await free_slots(db, replica)


async def start(
    db: AsyncConnection, run: Run, at: datetime, above: frozenset[str], replica: Replica
) -> Run | None:
    """Have *replica* move a ready *run* to preparing.

    None where a hold says that it is queued again, or where there is no room.
    """
    if await gives_way(db, run, at, above) or not await room_for(db, replica):
        return None
    started = await move(
        db, run, RunState.PREPARING, at, HANDRAIL, **taken(run, replica)
    )
    await audit.append(db, audit.deed_on(started, Verb.STARTED, HANDRAIL, at))
    await post(db, started.thread, (Header(run=run.id),))
    return started


async def gives_way(
    db: AsyncConnection, run: Run, at: datetime, above: frozenset[str]
) -> bool:
    """Put a ready *run* back into the queue if a hold does not admit it by now."""
    occupancy = await locks.occupancy_of(db, run.stack)
    if keeper(occupancy, run.actor, above=above) is None:
        return False
    await requeue(db, run, at, above)
    return True


async def requeue(
    db: AsyncConnection,
    run: Run,
    at: datetime,
    above: frozenset[str],
    **values: Value,
) -> None:
    """Put a ready *run* back into the queue, set *values*, and free its stack."""
    await move(db, run, RunState.QUEUED, at, HANDRAIL, started_at=None, **values)
    await locks.release_claim(db, run.id)
    await post(db, run.thread, (Header(run=run.id),))
    await pass_on(db, (run.stack,), above)


async def advance(
    db: AsyncConnection, run: Run, to: RunState, at: datetime
) -> Run | None:
    """Move an active *run* one step on; None when somebody asked to stop it."""
    check_transition(run.id, run.state, to)
    if to not in _STEPS:
        raise IllegalTransition(f"run {run.id}: {to} is not a step of an active run")
    if run.stop_asked_by is not None:
        return None
    moved = await move(db, run, to, at)
    if to is RunState.PERFORMING:
        await audit.append(db, audit.deed_on(moved, Verb.PERFORMED, HANDRAIL, at))
    await post(db, moved.thread, (Header(run=run.id),))
    return moved


async def _promote(db: AsyncConnection, run: Run, at: datetime) -> Run | None:
    if await locks.take_claim(db, run, at) is None:
        return None
    ready = await move(db, run, RunState.READY, at, started_at=at)
    await post(db, run.thread, (Header(run=run.id),))
    await post_again(db, run.thread, Waiting(run=run.id))
    return ready
