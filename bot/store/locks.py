"""Claims of runs and holds of people: each taken and released in one statement."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lock import Claim, Hold
from bot.domain.run import Run, RunId
from bot.domain.stack import StackName
from bot.store.database import upsert
from bot.store.rows import actor_values, claim_of, hold_of
from bot.store.tables import claims, holds


async def take_claim(db: AsyncConnection, run: Run, at: datetime) -> Claim | None:
    """Claim the stack of *run* for it; None when another run has it."""
    first = upsert(db, claims).values(stack=run.stack, run=run.id, fence=1, since=at)
    statement = first.on_conflict_do_update(
        index_elements=[claims.c.stack],
        set_={"run": run.id, "fence": claims.c.fence + 1, "since": at},
        where=claims.c.run.is_(None),
    ).returning(claims)
    row = (await db.execute(statement)).mappings().one_or_none()
    return None if row is None else claim_of(row)


async def release_claim(db: AsyncConnection, run: RunId) -> bool:
    """Release what *run* claimed, and nothing else; False if it has no claim."""
    statement = (
        update(claims)
        .where(claims.c.run == run)
        .values(run=None, since=None)
        .returning(claims.c.stack)
    )
    return (await db.execute(statement)).one_or_none() is not None


async def has_claim(db: AsyncConnection, run: RunId) -> bool:
    """Tell whether *run* has its stack."""
    statement = select(claims.c.stack).where(claims.c.run == run)
    return (await db.execute(statement)).one_or_none() is not None


async def claim_on(db: AsyncConnection, stack: StackName) -> Claim | None:
    """Return the claim on *stack*."""
    statement = select(claims).where(claims.c.stack == stack, claims.c.run.is_not(None))
    row = (await db.execute(statement)).mappings().one_or_none()
    return None if row is None else claim_of(row)


async def take_hold(db: AsyncConnection, wanted: Hold) -> Hold:
    """Take a hold unless there is one, and return the hold in force."""
    # The update changes nothing: it makes the conflicting row come back from
    # RETURNING, so one statement both asks and answers.
    statement = (
        upsert(db, holds)
        .values(
            stack=wanted.stack,
            **actor_values("actor", wanted.actor),
            reason=wanted.reason,
            since=wanted.since,
        )
        .on_conflict_do_update(
            index_elements=[holds.c.stack], set_={"stack": wanted.stack}
        )
        .returning(holds)
    )
    return hold_of((await db.execute(statement)).mappings().one())


async def release_hold(db: AsyncConnection, hold: Hold) -> bool:
    """Release exactly *hold*; False if it is no longer in force."""
    statement = (
        delete(holds)
        .where(
            holds.c.stack == hold.stack,
            holds.c.actor_kind == hold.actor.kind.value,
            holds.c.actor_id == hold.actor.id,
            holds.c.actor_team == hold.actor.team,
            holds.c.since == hold.since,
        )
        .returning(holds.c.stack)
    )
    return (await db.execute(statement)).one_or_none() is not None


async def hold_on(db: AsyncConnection, stack: StackName) -> Hold | None:
    """Return the hold on *stack*."""
    statement = select(holds).where(holds.c.stack == stack)
    row = (await db.execute(statement)).mappings().one_or_none()
    return None if row is None else hold_of(row)


async def all_holds(db: AsyncConnection) -> dict[StackName, Hold]:
    """Return every hold in force, by its stack."""
    rows = (await db.execute(select(holds))).mappings()
    return {hold.stack: hold for hold in map(hold_of, rows)}
