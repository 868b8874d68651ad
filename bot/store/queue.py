"""Which queued runs may have their stacks now, and what those that wait are told."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lock import EVERY
from bot.domain.run import Run, RunId, RunState
from bot.domain.stack import StackName
from bot.domain.telling import Waiting
from bot.store.locks import all_locks
from bot.store.notices import grant_wishes
from bot.store.outbox import post
from bot.store.rows import run_of
from bot.store.tables import claims, runs


async def next_runs(
    db: AsyncConnection, above: frozenset[str] = frozenset()
) -> tuple[Run, ...]:
    """Return the oldest run of each free stack that no hold keeps queued.

    *above* are the ids of the global admins, whose runs no freeze keeps.
    """
    on_free_stacks = (
        select(runs)
        .outerjoin(claims, claims.c.stack == runs.c.stack)
        .where(runs.c.state == RunState.QUEUED.value, claims.c.run.is_(None))
        .order_by(runs.c.id)
    )
    queued = tuple(map(run_of, (await db.execute(on_free_stacks)).mappings()))
    return (await all_locks(db)).next(queued, above=above) if queued else ()


async def post_waiting(db: AsyncConnection, stacks: Iterable[StackName]) -> None:
    """Tell each queued run of *stacks* again what it waits for, and its place.

    To be called in the transaction that changes a claim, a hold or the queue.
    """
    named = set(stacks)
    waiting = select(runs.c.id, runs.c.thread)
    waiting = waiting.where(runs.c.state == RunState.QUEUED.value)
    if EVERY not in named:
        waiting = waiting.where(runs.c.stack.in_(named))
    for run, thread in (await db.execute(waiting.order_by(runs.c.id))).all():
        await post(db, thread, (Waiting(run=RunId(run)),))


async def pass_on(
    db: AsyncConnection, stacks: Iterable[StackName], above: frozenset[str]
) -> None:
    """Tell those who wait for *stacks*, of which something was released.

    The queued runs first, then whoever wished to know.
    """
    named = set(stacks)
    await post_waiting(db, named)
    await grant_wishes(db, named, above)
