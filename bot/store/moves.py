"""Rows of runs: written once, then moved from state to state."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import IllegalTransition
from bot.domain.people import HANDRAIL, Actor
from bot.domain.run import (
    ACTIVE,
    Approval,
    Run,
    RunId,
    RunState,
    ThreadId,
    check_transition,
)
from bot.ports import NewRun
from bot.store.rows import (
    Value,
    actor_values,
    parameters_text,
    run_of,
    session_text,
)
from bot.store.tables import runs, transitions


def active() -> ColumnElement[bool]:
    """Return what is true of the rows of runs of which a container may exist."""
    return runs.c.state.in_(state.value for state in ACTIVE) & ~runs.c.outside


def in_line() -> ColumnElement[bool]:
    """Return what is true of the rows of queued runs to which nobody has to agree.

    One that waits for people stands in nobody's way.
    """
    queued = runs.c.state == RunState.QUEUED.value
    return queued & (runs.c.approval != Approval.PENDING.value)


def pending() -> ColumnElement[bool]:
    """Return what is true of the rows of queued runs that wait for people."""
    queued = runs.c.state == RunState.QUEUED.value
    return queued & (runs.c.approval == Approval.PENDING.value)


async def insert_run(
    db: AsyncConnection, new: NewRun, thread: ThreadId, at: datetime
) -> Run:
    """Write a queued run and its first transition."""
    row = insert(runs).values(
        type=new.type.value,
        stack=new.stack,
        command=new.command,
        apply=new.apply,
        outside=new.outside,
        again=new.again,
        skip_init=new.skip_init,
        preset=new.preset,
        parameters=parameters_text(new.parameters),
        **actor_values("actor", new.actor),
        session=session_text(new.session),
        thread=thread,
        created_at=at,
        state=RunState.QUEUED.value,
        state_since=at,
        note="",
        approval=new.approval.value,
        approval_note="",
        approval_expires=new.approval_expires,
        asked_at=at,
        summary="",
        applied_from=0,
        heard_at=at if new.outside else None,
        keeps_claim=False,
        epoch=0,
    )
    run = run_of((await db.execute(row.returning(runs))).mappings().one())
    await _note_transition(db, run, came_from=None, actor=new.actor)
    return run


async def fetch(db: AsyncConnection, run: RunId) -> Run:
    """Return a run; a transaction that writes keeps others from changing it.

    Raises LookupError.
    """
    query = select(runs).where(runs.c.id == run).with_for_update()
    row = (await db.execute(query)).mappings().one_or_none()
    if row is None:
        raise LookupError(f"there is no run {run}")
    return run_of(row)


async def move(
    db: AsyncConnection,
    run: Run,
    to: RunState,
    at: datetime,
    actor: Actor = HANDRAIL,
    **values: Value,
) -> Run:
    """Move *run*, as it was read, to another state and set *values* with it.

    Raises IllegalTransition where there is no such edge, and where the database
    has another state by now.
    """
    check_transition(run.id, run.state, to)
    row = (
        update(runs)
        .where(runs.c.id == run.id, runs.c.state == run.state.value)
        .values(state=to.value, state_since=at, **values)
        .returning(runs)
    )
    moved = (await db.execute(row)).mappings().one_or_none()
    if moved is None:
        raise IllegalTransition(f"run {run.id} is no longer {run.state}")
    after = run_of(moved)
    await _note_transition(db, after, came_from=run.state, actor=actor)
    return after


async def _note_transition(
    db: AsyncConnection, run: Run, *, came_from: RunState | None, actor: Actor
) -> None:
    earlier = select(func.count()).where(transitions.c.run == run.id)
    await db.execute(
        insert(transitions).values(
            run=run.id,
            ordinal=earlier.scalar_subquery() + 1,
            from_state=came_from and came_from.value,
            to_state=run.state.value,
            at=run.state_since,
            **actor_values("actor", actor),
            note=run.note,
        )
    )
