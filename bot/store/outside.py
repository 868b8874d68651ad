"""Runs that an outside CI performs: begun, heard of, and missed."""

from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition, StaleFence
from bot.domain.lock import LEASE, Claim
from bot.domain.people import HANDRAIL, Actor
from bot.domain.run import Run, RunState
from bot.domain.telling import Header, Said
from bot.ports import Ended
from bot.store import audit, locks
from bot.store.endings import end_run, settle_run
from bot.store.moves import fetch, move
from bot.store.outbox import post
from bot.store.rows import run_of
from bot.store.starts import gives_way
from bot.store.tables import runs

_GONE: Final = "Its CI was not heard of any more while it waited."
_LOST: Final = "Its CI was not heard of any more;"
_HEARD: Final = "The CI that performs this run is heard of again."
_NOT_OVER: Final = tuple(
    state.value for state in (RunState.QUEUED, RunState.READY, RunState.PERFORMING)
)


async def begin(
    db: AsyncConnection, run: Run, at: datetime, above: frozenset[str]
) -> Claim | None:
    """Let the CI of a ready *run* perform; None where a hold does not admit it.

    Raises IllegalTransition where the run is not ready.
    """
    if not run.outside or run.state is not RunState.READY:
        raise IllegalTransition(f"run {run.id} is not an outside run that is ready")
    await _hear(db, run, at)
    if await gives_way(db, run, at, above):
        return None
    preparing = await move(db, run, RunState.PREPARING, at)
    performing = await move(db, preparing, RunState.PERFORMING, at)
    await audit.append(db, audit.deed_on(performing, Verb.PERFORMED, run.actor, at))
    await post(db, run.thread, (Header(run=run.id),))
    return await locks.claim_by(db, run.id)


async def hear(db: AsyncConnection, run: Run, fence: int | None, at: datetime) -> Run:
    """Note that the CI of *run* is alive. Raises IllegalTransition, StaleFence."""
    if not run.outside or run.state.is_terminal:
        raise IllegalTransition(f"run {run.id} is not an outside run under way")
    if fence is not None or run.state is RunState.PERFORMING:
        claim = await locks.claim_by(db, run.id)
        if claim is None or claim.fence != fence:
            raise StaleFence(f"{fence} is not the fence of run {run.id}")
    await _hear(db, run, at)
    if run.lost_since is not None:
        await audit.append(db, audit.deed_on(run, Verb.HEARD_AGAIN, HANDRAIL, at))
        await post(db, run.thread, (Said(text=_HEARD), Header(run=run.id)))
    return await fetch(db, run.id)


async def settle(
    db: AsyncConnection,
    run: Run,
    actor: Actor,
    reason: str,
    at: datetime,
    above: frozenset[str],
) -> bool:
    """End a *run* whose CI was lost, and release its stack; False if it is not so."""
    performs = run.outside and run.state is RunState.PERFORMING
    if not performs or run.lost_since is None:
        return False
    return await settle_run(db, run, _LOST, actor, reason, at, above=above)


async def lapse(
    db: AsyncConnection, at: datetime, above: frozenset[str]
) -> tuple[Run, ...]:
    """Give up waiting runs whose CI is silent, and tell performing ones, once."""
    silent = select(runs).where(
        runs.c.outside,
        runs.c.state.in_(_NOT_OVER),
        runs.c.heard_at <= at - LEASE,
        runs.c.lost_since.is_(None),
    )
    rows = await db.execute(silent.order_by(runs.c.id).with_for_update())
    return tuple(
        [
            await _miss(db, run_of(row), row["heard_at"], at, above)
            for row in rows.mappings().all()
        ]
    )


async def _hear(db: AsyncConnection, run: Run, at: datetime) -> None:
    heard = update(runs).where(runs.c.id == run.id)
    await db.execute(heard.values(heard_at=at, lost_since=None))
    await locks.renew_claims(db, (run.id,), at)


async def _miss(
    db: AsyncConnection,
    run: Run,
    heard_at: datetime,
    at: datetime,
    above: frozenset[str],
) -> Run:
    if run.state is not RunState.PERFORMING:
        gone = Ended(state=RunState.DISCARDED, actor=HANDRAIL, note=_GONE)
        return await end_run(db, run, gone, at, above=above)
    missed = update(runs).where(runs.c.id == run.id).values(lost_since=heard_at)
    await db.execute(missed)
    await audit.append(db, audit.deed_on(run, Verb.UNHEARD, HANDRAIL, at))
    line = Said(text=_unheard(run, heard_at))
    await post(db, run.thread, (line, Header(run=run.id)))
    return await fetch(db, run.id)


def _unheard(run: Run, heard_at: datetime) -> str:
    return (
        f"The CI that performs this run has not been heard of since {heard_at:%H:%M} "
        f"UTC. {run.stack} stays busy, because its command may still be changing "
        "something. The CI can go on at any time; once its command is certainly "
        "over, an admin releases the stack with the reply `release: reason`."
    )
