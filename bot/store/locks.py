"""Claims of runs and holds of people: each taken and released in one statement."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lock import EVERY, LEASE, Claim, Hold, Locks, Occupancy
from bot.domain.people import Actor
from bot.domain.run import Run, RunId
from bot.domain.stack import StackName
from bot.store.database import upsert
from bot.store.rows import actor_values, claim_of, hold_of
from bot.store.tables import claims, holds

_Insert = Callable[[Table], sqlite.Insert | postgresql.Insert]
_INSERTS: Final[Mapping[str, _Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def _claiming(insert: _Insert) -> Executable:
    first = insert(claims).values(
        stack=bindparam("stack"),
        run=bindparam("run"),
        fence=1,
        since=bindparam("since"),
        lease=bindparam("lease"),
    )
    new = first.excluded
    return first.on_conflict_do_update(
        index_elements=[claims.c.stack],
        set_={
            "run": new.run,
            "fence": claims.c.fence + 1,
            "since": new.since,
            "lease": new.lease,
        },
        where=claims.c.run.is_(None),
    ).returning(claims)


# Made once: to make them anew takes as long as to have them executed.
_CLAIMING: Final = {name: _claiming(insert) for name, insert in _INSERTS.items()}
_RELEASING: Final = (
    update(claims)
    .where(claims.c.run == bindparam("released"))
    .values(run=None, since=None, lease=None)
    .returning(claims.c.stack)
)


async def take_claim(db: AsyncConnection, run: Run, at: datetime) -> Claim | None:
    """Claim the stack of *run* for it; None when another run has it."""
    taken = {"stack": run.stack, "run": run.id, "since": at, "lease": at + LEASE}
    found = await db.execute(_CLAIMING[db.dialect.name], taken)
    row = found.mappings().one_or_none()
    return None if row is None else claim_of(row)


async def release_claim(db: AsyncConnection, run: RunId) -> bool:
    """Release what *run* claimed, and nothing else; False if it has no claim."""
    found = await db.execute(_RELEASING, {"released": run})
    return found.one_or_none() is not None


async def renew_claims(
    db: AsyncConnection, runs: Sequence[RunId], at: datetime
) -> None:
    """Believe in *runs* for one more lease."""
    renewed = update(claims).where(claims.c.run.in_(runs)).values(lease=at + LEASE)
    await db.execute(renewed)


async def claim_by(db: AsyncConnection, run: RunId) -> Claim | None:
    """Return what *run* has claimed; a transaction that writes keeps it so."""
    statement = select(claims).where(claims.c.run == run).with_for_update()
    row = (await db.execute(statement)).mappings().one_or_none()
    return None if row is None else claim_of(row)


async def lapsed_claims(db: AsyncConnection, at: datetime) -> tuple[Claim, ...]:
    """Return the claims whose lease is over, by stack."""
    lapsed = select(claims).where(claims.c.run.is_not(None), claims.c.lease <= at)
    rows = await db.execute(lapsed.order_by(claims.c.stack).with_for_update())
    return tuple(map(claim_of, rows.mappings()))


async def has_claim(db: AsyncConnection, run: RunId) -> bool:
    """Tell whether *run* has its stack."""
    statement = select(claims.c.stack).where(claims.c.run == run)
    return (await db.execute(statement)).one_or_none() is not None


async def claim_on(db: AsyncConnection, stack: StackName) -> Claim | None:
    """Return the claim on *stack*."""
    statement = select(claims).where(claims.c.stack == stack, claims.c.run.is_not(None))
    row = (await db.execute(statement)).mappings().one_or_none()
    return None if row is None else claim_of(row)


async def occupancy_of(db: AsyncConnection, stack: StackName) -> Occupancy:
    """Return who has *stack*, a freeze included."""
    of_stack = select(holds).where(holds.c.stack.in_([stack, EVERY]))
    rows = (await db.execute(of_stack)).mappings()
    held = {hold.stack: hold for hold in map(hold_of, rows)}
    claim = await claim_on(db, stack)
    return Occupancy(claim=claim, hold=held.get(stack), freeze=held.get(EVERY))


async def all_locks(db: AsyncConnection) -> Locks:
    """Return every claim and hold in force."""
    rows = (await db.execute(select(claims))).mappings().all()
    taken = [claim_of(row) for row in rows if row["run"] is not None]
    return Locks(
        claims={claim.stack: claim for claim in taken},
        holds=await all_holds(db),
        fences={row["stack"]: row["fence"] for row in rows},
    )


async def all_holds(db: AsyncConnection) -> dict[StackName, Hold]:
    """Return every hold in force, a freeze among them, by its stack."""
    rows = (await db.execute(select(holds).order_by(holds.c.stack))).mappings()
    return {hold.stack: hold for hold in map(hold_of, rows)}


async def take_holds(db: AsyncConnection, wanted: Sequence[Hold]) -> tuple[Hold, ...]:
    """Take or renew those of *wanted* that nobody else has, and return them.

    All of *wanted* have one actor, and each another stack.
    """
    # In the order of their names, so that two hands never wait for each other.
    by_stack = sorted(wanted, key=lambda hold: hold.stack)
    first = upsert(db, holds).values([_values(hold) for hold in by_stack])
    new = first.excluded
    statement = first.on_conflict_do_update(
        index_elements=[holds.c.stack],
        set_={
            "actor_name": new.actor_name,
            "reason": new.reason,
            "until": new.until,
            "thread": func.coalesce(new.thread, holds.c.thread),
            "reminded_at": None,
            # Who renews it needs it still: the next question is counted from here.
            "asked_at": new.since,
        },
        where=_by(wanted[0].actor),
    ).returning(holds)
    taken = map(hold_of, (await db.execute(statement)).mappings().all())
    return tuple(sorted(taken, key=lambda hold: hold.stack))


async def extend_hold(
    db: AsyncConnection, held: Hold, until: datetime | None, at: datetime
) -> Hold | None:
    """Let exactly *held* last until *until*; None if it is not in force."""
    # The next question is counted from here.
    values = {"until": until, "reminded_at": None, "asked_at": at}
    statement = update(holds).where(exactly(held)).values(values).returning(holds)
    row = (await db.execute(statement)).mappings().one_or_none()
    return None if row is None else hold_of(row)


async def others_holds(
    db: AsyncConnection, stacks: Iterable[StackName], actor: Actor
) -> tuple[Hold, ...]:
    """Return the holds on *stacks* that are not *actor*'s, by stack."""
    theirs = select(holds).where(holds.c.stack.in_(stacks), ~_by(actor))
    rows = await db.execute(theirs.order_by(holds.c.stack))
    return tuple(map(hold_of, rows.mappings()))


async def release_hold(db: AsyncConnection, hold: Hold) -> bool:
    """Release exactly *hold*; False if it is no longer in force."""
    statement = delete(holds).where(exactly(hold)).returning(holds.c.stack)
    return (await db.execute(statement)).one_or_none() is not None


async def replace_hold(db: AsyncConnection, held: Hold, wanted: Hold) -> bool:
    """Put *wanted* in the place of exactly *held*; False if it is not in force."""
    values = _values(wanted) | {"stack": held.stack, "reported_at": None}
    asked = {"reminded_at": None, "asked_at": None}
    statement = update(holds).where(exactly(held)).values(**values, **asked)
    found = await db.execute(statement.returning(holds.c.stack))
    return found.one_or_none() is not None


def exactly(hold: Hold) -> ColumnElement[bool]:
    """Return what is true of the row of *hold* alone, whatever its reason is now."""
    same = and_(holds.c.stack == hold.stack, holds.c.since == hold.since)
    return and_(same, _by(hold.actor))


def any_of(wanted: Sequence[Hold]) -> ColumnElement[bool]:
    """Return what is true of the rows of exactly *wanted*."""
    return or_(*map(exactly, wanted))


def _by(actor: Actor) -> ColumnElement[bool]:
    return and_(
        holds.c.actor_kind == actor.kind.value,
        holds.c.actor_id == actor.id,
        holds.c.actor_team == actor.team,
    )


def _values(hold: Hold) -> dict[str, object]:
    return {
        "stack": hold.stack,
        **actor_values("actor", hold.actor),
        "reason": hold.reason,
        "since": hold.since,
        "until": hold.until,
        "thread": hold.thread,
    }
