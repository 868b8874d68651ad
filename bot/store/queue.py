"""Which queued runs may have their stacks now, and what those that wait are told."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lock import EVERY
from bot.domain.run import Run, RunId
from bot.domain.stack import StackName
from bot.domain.telling import Waiting
from bot.ports import Change
from bot.store.database import wake
from bot.store.locks import all_locks
from bot.store.moves import in_line
from bot.store.notices import grant_wishes
from bot.store.outbox import post
from bot.store.rows import run_of
from bot.store.tables import claims, runs

#: places of a queue that are told whenever it moves
_TOLD: Final = 20


async def queue_length(
    db: AsyncConnection, stack: StackName, which: ColumnElement[bool]
) -> int:
    """Return how many runs of *stack* are queued: `in_line` or `pending`."""
    queued = select(func.count()).select_from(runs)
    of_stack = (runs.c.stack == stack) & which
    return (await db.execute(queued.where(of_stack))).scalar_one()


async def next_runs(
    db: AsyncConnection, above: frozenset[str] = frozenset()
) -> tuple[Run, ...]:
    """Return the oldest run of each free stack that no hold keeps queued.

    One that waits for people is left out. *above* are the ids of the global admins,
    whose runs no freeze keeps.
    """
    on_free_stacks = (
        select(runs)
        .outerjoin(claims, claims.c.stack == runs.c.stack)
        .where(in_line(), claims.c.run.is_(None))
        .order_by(runs.c.id)
    )
    queued = tuple(map(run_of, (await db.execute(on_free_stacks)).mappings()))
    return (await all_locks(db)).next(queued, above=above) if queued else ()


async def post_waiting(db: AsyncConnection, stacks: Iterable[StackName]) -> None:
    """Tell the first queued runs of *stacks* again what they wait for, and where.

    Not those that wait for people. To be called in the transaction that changes a
    claim, a hold or the queue.
    """
    named = set(stacks)
    place = func.row_number().over(partition_by=runs.c.stack, order_by=runs.c.id)
    waiting = select(runs.c.id, runs.c.thread, place.label("place"))
    waiting = waiting.where(in_line())
    if EVERY not in named:
        waiting = waiting.where(runs.c.stack.in_(named))
    queued = waiting.subquery()
    first = select(queued.c.id, queued.c.thread).where(queued.c.place <= _TOLD)
    for run, thread in (await db.execute(first.order_by(queued.c.id))).all():
        await post(db, thread, (Waiting(run=RunId(run)),))


async def pass_on(
    db: AsyncConnection, stacks: Iterable[StackName], above: frozenset[str]
) -> None:
    """Tell those who wait for *stacks*, of which something was released.

    The queued runs first, then whoever wished to know.
    """
    wake(db, Change.RUNS)
    named = set(stacks)
    await post_waiting(db, named)
    await grant_wishes(db, named, above)
