"""How a run ends: by itself, or because somebody asked to stop it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.people import Actor
from bot.domain.run import STOPPABLE, WAITING, Reason, Run, RunId, RunState
from bot.domain.telling import Final as FinalTelling
from bot.domain.telling import Header, Said, StopAsked, Tail, Telling, Waiting
from bot.ports import Change, Ended, StopAnswer
from bot.store import audit, locks, output, sealed
from bot.store.database import wake
from bot.store.moves import move
from bot.store.outbox import post, post_again
from bot.store.queue import pass_on
from bot.store.rows import actor_values, run_of, state_lock_text
from bot.store.tables import runs


async def end_run(
    db: AsyncConnection,
    run: Run,
    ended: Ended,
    at: datetime,
    tell: Sequence[Telling] = (),
    *,
    above: frozenset[str],
) -> Run:
    """Move *run* to its last state, release its claim and tell its thread.

    Those who wait for its stack are told too.
    """
    over = await move(
        db,
        run,
        ended.state,
        at,
        ended.actor,
        reason=ended.reason and ended.reason.value,
        exit_code=ended.exit_code,
        note=ended.note or run.note,
        ended_at=at,
        state_lock=state_lock_text(ended.state_lock),
        keeps_claim=not ended.release and await locks.has_claim(db, run.id),
        owner=None,
        lost_since=None,
    )
    await sealed.forget(db, run.id)
    if not over.keeps_claim:
        await locks.release_claim(db, run.id)
    deed = audit.deed_on(over, Verb.ENDED, ended.actor, at, _in_words(over))
    await audit.append(db, deed)
    last = (Tail(run=run.id),) if await output.size(db, run.id) else ()
    closing = (*tell, Header(run=run.id), *last, FinalTelling(run=run.id))
    await post(db, run.thread, closing)
    if run.state is RunState.QUEUED:
        await post_again(db, run.thread, Waiting(run=run.id))
    await pass_on(db, (run.stack,), above)
    return over


async def stop_run(
    db: AsyncConnection,
    run: Run,
    actor: Actor,
    at: datetime,
    *,
    above: frozenset[str],
) -> StopAnswer:
    """Discard *run*, mark it, or tell why neither is possible."""
    if run.state.is_terminal:
        return StopAnswer.OVER
    if run.state not in WAITING | STOPPABLE:
        return StopAnswer.TOO_LATE
    if run.stop_asked_by is None:
        await _note_wish(db, run, actor, at)
    if run.state in STOPPABLE:
        return StopAnswer.ASKED
    discarded = Ended(state=RunState.DISCARDED, actor=actor)
    await end_run(db, run, discarded, at, above=above)
    return StopAnswer.DISCARDED


async def release_claim(
    db: AsyncConnection,
    run: RunId,
    actor: Actor,
    reason: str,
    at: datetime,
    *,
    above: frozenset[str],
) -> bool:
    """Release a claim that an ended run had to keep; False if it has none.

    Its thread is told who did and why.
    """
    kept = (runs.c.id == run) & runs.c.keeps_claim
    freed = update(runs).where(kept).values(keeps_claim=False).returning(runs)
    row = (await db.execute(freed)).mappings().one_or_none()
    if row is None or not await locks.release_claim(db, run):
        return False
    over = run_of(row)
    deed = audit.deed_on(over, Verb.CLAIM_RELEASED, actor, at, reason)
    await audit.append(db, deed)
    line = f"{actor.name or actor.id} released {over.stack}: {reason}"
    await post(db, over.thread, (Said(text=line), Header(run=run)))
    await pass_on(db, (over.stack,), above)
    return True


async def settle_run(
    db: AsyncConnection,
    run: Run,
    what: str,
    actor: Actor,
    reason: str,
    at: datetime,
    *,
    above: frozenset[str],
) -> bool:
    """End a *run* of which *what* is known, and release its stack."""
    lost = Ended(
        state=RunState.FAILED,
        actor=actor,
        reason=Reason.LOST,
        note=f"{what} settled by {actor.name or actor.id}.",
        release=False,  # by the step behind it, which says why
    )
    await end_run(db, run, lost, at, above=above)
    return await release_claim(db, run.id, actor, reason, at, above=above)


async def _note_wish(db: AsyncConnection, run: Run, actor: Actor, at: datetime) -> None:
    wish = update(runs).where(runs.c.id == run.id)
    await db.execute(wish.values(**actor_values("stop", actor)))
    wake(db, Change.RUNS)
    await audit.append(db, audit.deed_on(run, Verb.STOP_ASKED, actor, at))
    if run.state in STOPPABLE:
        await post(db, run.thread, (StopAsked(actor=actor), Header(run=run.id)))


def _in_words(run: Run) -> str:
    words = str(run.state)
    if run.reason is not None:
        words += f" ({run.reason})"
    if run.exit_code is not None:
        words += f", exit code {run.exit_code}"
    if run.keeps_claim:
        words += ", the stack stays claimed"
    return words
