"""How a run comes to be: once, however often it is asked for under one key."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.errors import IdempotencyConflict, QueueFull
from bot.domain.lock import blocker
from bot.domain.people import Actor, ChannelId
from bot.domain.run import Approval, Run, RunId, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import Echo, Header, Said, Waiting
from bot.ports import Change, Drained, Idempotency, NewRun
from bot.store import audit, locks
from bot.store.database import wake
from bot.store.drains import drained
from bot.store.moves import in_line, insert_run, pending
from bot.store.outbox import post
from bot.store.queue import queue_length
from bot.store.rows import run_of
from bot.store.tables import idempotency, runs, threads

#: how long a request is known again
_KNOWN_FOR: Final = timedelta(days=30)
#: queued runs of a stack, and of those that wait for people
_LONGEST_QUEUE: Final = 100


async def submit(
    db: AsyncConnection, new: NewRun, at: datetime, above: frozenset[str]
) -> Run:
    """Record a queued run, or return what its idempotency key stands for.

    Raises IdempotencyConflict and QueueFull.
    """
    earlier = await granted(db, new.actor, new.idempotency)
    if earlier is not None:
        return earlier
    which = pending() if new.approval is Approval.PENDING else in_line()
    if await queue_length(db, new.stack, which) >= _LONGEST_QUEUE:
        raise QueueFull(f"{_LONGEST_QUEUE} runs of {new.stack} are queued")
    thread = await insert_thread(db, new.stack, new.channel)
    run = await insert_run(db, new, thread, at)
    wake(db, Change.RUNS)
    await _keep(db, new, run.id, at)
    deed = audit.deed_on(run, Verb.SUBMITTED, run.actor, at, _as_typed(run))
    await audit.append(db, deed)
    echo = Echo(run=run.id, remarks=new.remarks)
    await post(db, thread, (Header(run=run.id), echo))
    if not new.outside and (drain := await drained(db)):
        await post(db, thread, (Said(text=_waits_for_drain(drain)),))
    if await _waits(db, run, above):
        await post(db, thread, (Waiting(run=run.id),))
    return run


async def granted(
    db: AsyncConnection, actor: Actor, request: Idempotency | None
) -> Run | None:
    """Return the run that *request* became before. Raises IdempotencyConflict."""
    if request is None:
        return None
    asked = (
        select(runs, idempotency.c.digest)
        .join(idempotency, idempotency.c.run == runs.c.id)
        .where(
            idempotency.c.actor_kind == actor.kind.value,
            idempotency.c.actor_id == actor.id,
            idempotency.c.key == request.key,
        )
    )
    row = (await db.execute(asked)).mappings().one_or_none()
    if row is None:
        return None
    run = run_of(row)
    if row["digest"] != request.digest:
        raise IdempotencyConflict(f"that key stands for run {run.id}")
    return run


async def insert_thread(
    db: AsyncConnection, stack: StackName, channel: ChannelId
) -> ThreadId:
    """Write a thread that is not in its channel yet."""
    row = insert(threads).values(stack=stack, channel=channel)
    return ThreadId((await db.execute(row.returning(threads.c.id))).scalar_one())


async def forget_digest(db: AsyncConnection, run: RunId) -> None:
    """Forget what exactly *run* was asked for with: what comes again is a conflict.

    A digest would let what was redacted be guessed, and the guess be confirmed.
    """
    of_run = update(idempotency).where(idempotency.c.run == run)
    await db.execute(of_run.values(digest=""))


async def _keep(db: AsyncConnection, new: NewRun, run: RunId, at: datetime) -> None:
    if new.idempotency is None:
        return
    old = delete(idempotency).where(idempotency.c.at < at - _KNOWN_FOR)
    await db.execute(old)
    row = insert(idempotency).values(
        actor_kind=new.actor.kind.value,
        actor_id=new.actor.id,
        key=new.idempotency.key,
        digest=new.idempotency.digest,
        run=run,
        at=at,
    )
    await db.execute(row)


async def _waits(db: AsyncConnection, run: Run, above: frozenset[str]) -> bool:
    if run.approval is Approval.PENDING:
        return True
    occupancy = await locks.occupancy_of(db, run.stack)
    if blocker(occupancy, run.actor, above=above) is not None:
        return True
    before = select(runs.c.id).where(
        runs.c.stack == run.stack, in_line(), runs.c.id < run.id
    )
    return (await db.execute(before.limit(1))).one_or_none() is not None


def _as_typed(run: Run) -> str:
    # Behind -- everything is the command, verbatim.
    call = [run.asked] if run.preset else []
    words = [*call, *(["--no-init"] if run.skip_init else [])]
    return " ".join([*words, "--", run.command]) if words else run.command


def _waits_for_drain(drain: Drained) -> str:
    return (
        f"Nothing starts at the moment: Handrail is drained (by {drain.by}). This run "
        "starts once that is over."
    )
