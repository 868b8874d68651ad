"""How a run ends: by itself, or because somebody asked to stop it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.people import Actor
from bot.domain.run import Run, RunState
from bot.domain.telling import Final as FinalTelling
from bot.domain.telling import Header, StopAsked, Tail, Telling
from bot.ports import Ended, StopAnswer
from bot.store import audit, locks, output
from bot.store.moves import move
from bot.store.outbox import post
from bot.store.rows import actor_values
from bot.store.tables import runs

_NOT_BEGUN: Final = frozenset({RunState.QUEUED, RunState.READY})
_STOPPABLE: Final = frozenset({RunState.PREPARING, RunState.INITIALIZING})


async def end_run(
    db: AsyncConnection,
    run: Run,
    ended: Ended,
    at: datetime,
    tell: Sequence[Telling] = (),
) -> Run:
    """Move *run* to its last state, release its claim and tell its thread."""
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
        keeps_claim=not ended.release and await locks.has_claim(db, run.id),
    )
    if not over.keeps_claim:
        await locks.release_claim(db, run.id)
    deed = audit.deed_on(over, Verb.ENDED, ended.actor, at, _in_words(over))
    await audit.append(db, deed)
    last = (Tail(run=run.id),) if await output.size(db, run.id) else ()
    closing = (*tell, Header(run=run.id), *last, FinalTelling(run=run.id))
    await post(db, run.thread, closing)
    return over


async def stop_run(
    db: AsyncConnection, run: Run, actor: Actor, at: datetime
) -> StopAnswer:
    """Discard *run*, mark it, or tell why neither is possible."""
    if run.state.is_terminal:
        return StopAnswer.OVER
    if run.state not in _NOT_BEGUN | _STOPPABLE:
        return StopAnswer.TOO_LATE
    if run.stop_asked_by is None:
        await _note_wish(db, run, actor, at)
    if run.state in _STOPPABLE:
        return StopAnswer.ASKED
    await end_run(db, run, Ended(state=RunState.DISCARDED, actor=actor), at)
    return StopAnswer.DISCARDED


async def _note_wish(db: AsyncConnection, run: Run, actor: Actor, at: datetime) -> None:
    wish = update(runs).where(runs.c.id == run.id)
    await db.execute(wish.values(**actor_values("stop", actor)))
    await audit.append(db, audit.deed_on(run, Verb.STOP_ASKED, actor, at))
    if run.state in _STOPPABLE:
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
