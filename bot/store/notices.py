"""Direct messages: a thread of its own each, whose channel is a person's id."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lock import EVERY, blocker
from bot.domain.people import Actor, ActorKind
from bot.domain.run import ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import Notice, NoticeKind
from bot.store.database import upsert
from bot.store.locks import occupancy_of
from bot.store.moves import in_line
from bot.store.outbox import post
from bot.store.rows import actor_of, actor_values
from bot.store.tables import outbox, runs, threads, wishes
from bot.store.tellings import NOTICE


async def notify(db: AsyncConnection, to: Actor, notice: Notice) -> None:
    """Put a direct message to *to* into the outbox, if that is a person."""
    if to.kind is not ActorKind.PERSON:
        return
    # Slack opens the conversation when a message is posted to a person's id.
    row = insert(threads).values(channel=to.id, stack=notice.stack)
    thread = (await db.execute(row.returning(threads.c.id))).scalar_one()
    await post(db, ThreadId(thread), (notice,))


async def newest_thread(
    db: AsyncConnection, stacks: Iterable[StackName]
) -> ThreadId | None:
    """Return the newest thread of *stacks* that is no direct message."""
    notices = select(outbox.c.id).where(
        outbox.c.thread == threads.c.id, outbox.c.kind == NOTICE
    )
    in_channels = select(threads.c.id).where(
        threads.c.stack.in_(stacks), ~notices.exists()
    )
    newest = in_channels.order_by(threads.c.id.desc()).limit(1)
    found = (await db.execute(newest)).scalar()
    return None if found is None else ThreadId(found)


async def wish(
    db: AsyncConnection, stack: StackName, actor: Actor, at: datetime
) -> None:
    """Note that *actor* wants to know when *stack* is free; once is enough."""
    row = upsert(db, wishes).values(stack=stack, **actor_values("actor", actor), at=at)
    await db.execute(row.on_conflict_do_nothing())


async def grant_wishes(
    db: AsyncConnection, stacks: Iterable[StackName], above: frozenset[str]
) -> None:
    """Tell those who wished for one of *stacks* and could now run something there.

    That is where it has no claim, nothing is queued, and no hold keeps them.
    """
    of_stacks = select(wishes).order_by(wishes.c.stack, wishes.c.at)
    named = set(stacks)
    if EVERY not in named:
        of_stacks = of_stacks.where(wishes.c.stack.in_(named))
    for row in (await db.execute(of_stacks)).mappings().all():
        stack, actor = StackName(row["stack"]), actor_of(row)
        if await _could_run(db, stack, actor, above):
            await _grant(db, stack, actor)


async def _could_run(
    db: AsyncConnection, stack: StackName, actor: Actor, above: frozenset[str]
) -> bool:
    if blocker(await occupancy_of(db, stack), actor, above=above) is not None:
        return False
    queued = select(runs.c.id).where(runs.c.stack == stack, in_line())
    return (await db.execute(queued.limit(1))).one_or_none() is None


async def _grant(db: AsyncConnection, stack: StackName, actor: Actor) -> None:
    granted = delete(wishes).where(
        wishes.c.stack == stack,
        wishes.c.actor_kind == actor.kind.value,
        wishes.c.actor_id == actor.id,
        wishes.c.actor_team == actor.team,
    )
    found = await db.execute(granted.returning(wishes.c.stack))
    if found.one_or_none() is not None:
        await notify(db, actor, Notice(kind=NoticeKind.FREE, stack=stack))
