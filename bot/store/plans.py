"""How a tracked run goes from its plan to what was confirmed."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition
from bot.domain.lock import EVERY, Hold, keeper
from bot.domain.people import HANDRAIL, Actor
from bot.domain.replica import Replica
from bot.domain.run import Run, RunState, check_transition
from bot.domain.telling import Confirmed, Header, Planned, Said
from bot.ports import Change, Ended, Plan
from bot.store import audit, locks, output
from bot.store.adoption import taken
from bot.store.database import wake
from bot.store.endings import end_run
from bot.store.moves import move
from bot.store.outbox import post
from bot.store.rows import actor_values, run_of
from bot.store.starts import room_for
from bot.store.tables import runs

_NOBODY = dict.fromkeys(f"confirmed_{part}" for part in ("kind", "id", "team", "name"))


async def planned(
    db: AsyncConnection, run: Run, plan: Plan, at: datetime, above: frozenset[str]
) -> Run:
    """Move a planning *run* to unconfirmed; one that was asked to stop has ended."""
    if run.stop_asked_by is not None:
        check_transition(run.id, run.state, RunState.UNCONFIRMED)
        stopped = Ended(state=RunState.STOPPED, actor=HANDRAIL)
        return await end_run(db, run, stopped, at, above=above)
    unconfirmed = await move(
        db,
        run,
        RunState.UNCONFIRMED,
        at,
        summary=plan.summary,
        plan_digest=plan.digest,
        owner=None,
        lost_since=None,
        concluded=None,
    )
    detail = f"plan {plan.digest}"
    deed = audit.deed_on(unconfirmed, Verb.PLANNED, HANDRAIL, at, detail)
    await audit.append(db, deed)
    await post(db, run.thread, (Header(run=run.id), Planned(run=run.id)))
    return unconfirmed


async def confirm(db: AsyncConnection, run: Run, actor: Actor, at: datetime) -> Run:
    """Note who confirmed an unconfirmed *run*; raises IllegalTransition otherwise."""
    if run.state is not RunState.UNCONFIRMED or run.confirmed_by is not None:
        raise IllegalTransition(f"run {run.id} waits for nobody's confirmation")
    noted = update(runs).where(runs.c.id == run.id)
    noted = noted.values(**actor_values("confirmed", actor)).returning(runs)
    confirmed = run_of((await db.execute(noted)).mappings().one())
    detail = f"plan {run.plan_digest}"
    deed = audit.deed_on(confirmed, Verb.CONFIRMED, actor, at, detail)
    await audit.append(db, deed)
    await post(db, run.thread, (Confirmed(actor=actor), Header(run=run.id)))
    wake(db, Change.RUNS)
    return confirmed


async def apply(
    db: AsyncConnection, run: Run, at: datetime, above: frozenset[str], replica: Replica
) -> Run | None:
    """Have *replica* move a confirmed *run* to applying.

    None where a hold keeps its confirmer by now, or where *replica* may not.
    """
    check_transition(run.id, run.state, RunState.APPLYING)
    if run.confirmed_by is None:
        raise IllegalTransition(f"run {run.id} was not confirmed")
    occupancy = await locks.occupancy_of(db, run.stack)
    hold = keeper(occupancy, run.confirmed_by, above=above)
    if hold is not None:
        await db.execute(update(runs).where(runs.c.id == run.id).values(_NOBODY))
        await post(db, run.thread, (Said(text=_kept_by(hold)), Header(run=run.id)))
        return None
    if run.engine not in {None, replica.engine} or not await room_for(db, replica):
        return None
    values = {**taken(run, replica), "applied_from": await output.position(db, run.id)}
    applying = await move(db, run, RunState.APPLYING, at, HANDRAIL, **values)
    await audit.append(db, audit.deed_on(applying, Verb.STARTED, HANDRAIL, at))
    await post(db, run.thread, (Header(run=run.id),))
    return applying


async def begin_applying(db: AsyncConnection, run: Run, at: datetime) -> None:
    """Note, once, that an applying *run* is about to change something."""
    if run.state is not RunState.APPLYING:
        raise IllegalTransition(f"run {run.id} is {run.state}, not applying")
    if run.applied_at is None:
        begun = update(runs).where(runs.c.id == run.id).values(applied_at=at)
        await db.execute(begun)
        await audit.append(db, audit.deed_on(run, Verb.PERFORMED, HANDRAIL, at))


def _kept_by(hold: Hold) -> str:
    who = hold.actor.name or hold.actor.id
    what = "every stack" if hold.stack == EVERY else hold.stack
    return (
        f"{who} took a hold on {what} before the plan was applied, so it waits "
        "unconfirmed again."
    )
