"""Which queued runs may have their stacks now."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lock import admits
from bot.domain.run import Run, RunState
from bot.store.locks import all_holds
from bot.store.rows import run_of
from bot.store.tables import claims, runs


async def next_runs(db: AsyncConnection) -> tuple[Run, ...]:
    """Return the oldest run of each free stack that no hold keeps queued."""
    on_free_stacks = (
        select(runs)
        .outerjoin(claims, claims.c.stack == runs.c.stack)
        .where(runs.c.state == RunState.QUEUED.value, claims.c.run.is_(None))
        .order_by(runs.c.id)
    )
    holds = await all_holds(db)
    oldest: dict[str, Run] = {}
    for run in map(run_of, (await db.execute(on_free_stacks)).mappings()):
        if admits(holds.get(run.stack), run.actor):
            oldest.setdefault(run.stack, run)
    return tuple(oldest.values())
