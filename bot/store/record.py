"""Runs, claims, holds and their audit rows, as they are written."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed, Verb
from bot.domain.errors import IllegalTransition
from bot.domain.lock import Hold, admits
from bot.domain.people import HANDRAIL, Actor, ChannelId
from bot.domain.run import Run, RunId, RunState, ThreadId, check_transition
from bot.domain.stack import StackName
from bot.domain.telling import Card, Echo, Header, Held, Released, Said, Tail, Telling
from bot.ports import (
    DeliveryKey,
    Ended,
    Hide,
    NewRun,
    Progress,
    StopAnswer,
    Thread,
)
from bot.store import audit, locks, output
from bot.store.database import Database, upsert
from bot.store.endings import end_run, stop_run
from bot.store.moves import fetch, insert_run, move
from bot.store.outbox import post
from bot.store.queue import next_runs
from bot.store.redaction import redact_run
from bot.store.rows import run_of
from bot.store.tables import deliveries, runs, threads


class SqlRecord:
    """The port `Record` in SQL. An unknown run raises LookupError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first_seen(self, key: DeliveryKey, at: datetime) -> bool:
        """Note a delivery durably; False when it had been noted before."""
        async with self._database.write("note what Slack delivered") as db:
            noted = upsert(db, deliveries).values(key=key, at=at)
            new = noted.on_conflict_do_nothing().returning(deliveries.c.key)
            return (await db.execute(new)).one_or_none() is not None

    async def submit(self, new: NewRun, at: datetime) -> Run:
        """Record a queued run: its row, first transition, audit row and thread."""
        async with self._database.write("record a run") as db:
            thread = await _insert_thread(db, new.stack, new.channel)
            run = await insert_run(db, new, thread, at)
            # As it is typed: behind -- everything is the command, verbatim.
            detail = f"--no-init -- {run.command}" if run.skip_init else run.command
            deed = audit.deed_on(run, Verb.SUBMITTED, run.actor, at, detail)
            await audit.append(db, deed)
            echo = Echo(run=run.id, remarks=new.remarks)
            await post(db, thread, (Header(run=run.id), echo))
            return run

    async def refuse(self, deed: Deed) -> None:
        """Record a refusal."""
        async with self._database.write("record a refusal") as db:
            await audit.append(db, deed)

    async def open_card(self, stack: StackName, channel: ChannelId) -> Thread:
        """Open a thread for *stack* itself, its Card in the outbox."""
        async with self._database.write("open the card of a stack") as db:
            thread = await _insert_thread(db, stack, channel)
            await post(db, thread, (Card(stack=stack),))
        return Thread(id=thread, channel=channel, ts=None, stack=stack, run=None)

    async def promote(self, at: datetime) -> tuple[Run, ...]:
        """Claim every free stack for its oldest run that no hold keeps queued."""
        async with self._database.write("make runs ready") as db:
            promoted = [await _promote(db, run, at) for run in await next_runs(db)]
        return tuple(run for run in promoted if run is not None)

    async def ready(self) -> tuple[Run, ...]:
        """Return the ready runs, oldest first."""
        ready = select(runs).where(runs.c.state == RunState.READY.value)
        async with self._database.read("read the ready runs") as db:
            rows = await db.execute(ready.order_by(runs.c.id))
            return tuple(map(run_of, rows.mappings()))

    async def start(self, run: RunId, at: datetime) -> Run | None:
        """Move a ready run to preparing, or back to queued where a hold says so."""
        async with self._database.write(f"start run {run}") as db:
            ready = await fetch(db, run)
            if not admits(await locks.hold_on(db, ready.stack), ready.actor):
                await move(db, ready, RunState.QUEUED, at)
                await locks.release_claim(db, run)
                await post(db, ready.thread, (Header(run=run),))
                return None
            started = await move(db, ready, RunState.PREPARING, at)
            deed = audit.deed_on(started, Verb.STARTED, HANDRAIL, at)
            await audit.append(db, deed)
            await post(db, started.thread, (Header(run=run),))
            return started

    async def note_progress(self, run: RunId, progress: Progress) -> None:
        """Keep what became known, and tell the header."""
        known = {
            name: value for name, value in asdict(progress).items() if value is not None
        }
        if not known:
            return
        async with self._database.write(f"note the progress of run {run}") as db:
            before = await fetch(db, run)
            await db.execute(update(runs).where(runs.c.id == run).values(known))
            await post(db, before.thread, (Header(run=run),))

    async def advance(self, run: RunId, to: RunState, at: datetime) -> Run | None:
        """Move an active run to initializing or performing.

        None, and nothing is changed, when somebody asked to stop it.
        """
        async with self._database.write(f"move run {run} to {to}") as db:
            active = await fetch(db, run)
            _check_step(active, to)
            if active.stop_asked_by is not None:
                return None
            moved = await move(db, active, to, at)
            if to is RunState.PERFORMING:
                deed = audit.deed_on(moved, Verb.PERFORMED, HANDRAIL, at)
                await audit.append(db, deed)
            await post(db, moved.thread, (Header(run=run),))
            return moved

    async def end(
        self, run: RunId, ended: Ended, at: datetime, tell: Sequence[Telling] = ()
    ) -> Run:
        """Record the end, release the claim by the run's own id, tell the thread."""
        async with self._database.write(f"record the end of run {run}") as db:
            return await end_run(db, await fetch(db, run), ended, at, tell)

    async def ask_stop(self, run: RunId, actor: Actor, at: datetime) -> StopAnswer:
        """Discard a run that has not begun, or mark one that has not performed."""
        async with self._database.write(f"ask run {run} to stop") as db:
            return await stop_run(db, await fetch(db, run), actor, at)

    async def release_claim(
        self, run: RunId, actor: Actor, reason: str, at: datetime
    ) -> bool:
        """Release a claim that an ended run had to keep; False if it has none.

        Its thread is told who did and why.
        """
        async with self._database.write(f"release the claim of run {run}") as db:
            if not await _forget_claim(db, run):
                return False
            over = await fetch(db, run)
            deed = audit.deed_on(over, Verb.CLAIM_RELEASED, actor, at, reason)
            await audit.append(db, deed)
            line = f"{actor.name or actor.id} released {over.stack}: {reason}"
            await post(db, over.thread, (Said(text=line), Header(run=run)))
            return True

    async def hold(self, wanted: Hold, thread: ThreadId) -> Hold:
        """Take a hold on a free stack, and return the hold in force.

        It equals *wanted* iff it was taken now.
        """
        async with self._database.write(f"hold {wanted.stack}") as db:
            in_force = await locks.take_hold(db, wanted)
            if in_force == wanted:
                await audit.append(db, _held(wanted))
                await post(db, thread, (Held(hold=wanted), await _first(db, thread)))
            return in_force

    async def release_hold(
        self, hold: Hold, actor: Actor, reason: str, at: datetime, thread: ThreadId
    ) -> bool:
        """Release exactly *hold*; False if it is no longer in force."""
        async with self._database.write(f"release the hold on {hold.stack}") as db:
            if not await locks.release_hold(db, hold):
                return False
            line = Released(hold=hold, actor=actor, reason=reason)
            await audit.append(db, _released(hold, actor, reason, at))
            await post(db, thread, (line, await _first(db, thread)))
            return True

    async def redact(
        self, run: RunId, hide: Hide, actor: Actor, at: datetime, *, why: str
    ) -> int:
        """Take what *hide* knows out of all that is stored of a run.

        The file of the database has it no more either, where nobody reads meanwhile.
        """
        async with self._database.write(f"redact run {run}") as db:
            changed = await redact_run(db, await fetch(db, run), hide, actor, at, why)
        await self._database.scrub()
        return changed

    async def tell(self, thread: ThreadId, tell: Sequence[Telling]) -> None:
        """Put messages into the outbox."""
        async with self._database.write("put messages into the outbox") as db:
            await post(db, thread, tell)

    async def append_output(
        self, run: RunId, data: bytes, *, position: int, limit: int
    ) -> bool:
        """Keep masked output, up to *limit* bytes of a run, and tell the Tail.

        False when the limit was reached, now or before.
        """
        async with self._database.write(f"keep the output of run {run}") as db:
            start = await output.size(db, run)
            room = max(limit - start, 0)
            if data[:room]:
                await output.append(db, run, data[:room], start, position)
                of = await fetch(db, run)
                await post(db, of.thread, (Tail(run=run),))
            return len(data) < room


async def _insert_thread(
    db: AsyncConnection, stack: StackName, channel: ChannelId
) -> ThreadId:
    row = insert(threads).values(stack=stack, channel=channel)
    return ThreadId((await db.execute(row.returning(threads.c.id))).scalar_one())


async def _promote(db: AsyncConnection, run: Run, at: datetime) -> Run | None:
    if await locks.take_claim(db, run, at) is None:
        return None
    ready = await move(db, run, RunState.READY, at, started_at=at)
    await post(db, run.thread, (Header(run=run.id),))
    return ready


def _check_step(run: Run, to: RunState) -> None:
    check_transition(run.id, run.state, to)
    if to not in {RunState.INITIALIZING, RunState.PERFORMING}:
        raise IllegalTransition(f"run {run.id}: {to} is not a step of an active run")


async def _forget_claim(db: AsyncConnection, run: RunId) -> bool:
    kept = (runs.c.id == run) & runs.c.keeps_claim
    freed = update(runs).where(kept).values(keeps_claim=False).returning(runs.c.id)
    if (await db.execute(freed)).one_or_none() is None:
        return False
    return await locks.release_claim(db, run)


async def _first(db: AsyncConnection, thread: ThreadId) -> Header | Card:
    about = (
        select(threads.c.stack, runs.c.id)
        .outerjoin(runs, runs.c.thread == threads.c.id)
        .where(threads.c.id == thread)
    )
    stack, run = (await db.execute(about)).one()
    return Card(stack=stack) if run is None else Header(run=run)


def _held(hold: Hold) -> Deed:
    return Deed(
        verb=Verb.HELD,
        actor=hold.actor,
        at=hold.since,
        stack=hold.stack,
        detail=hold.reason,
    )


def _released(hold: Hold, actor: Actor, reason: str, at: datetime) -> Deed:
    detail = reason
    if not hold.actor.is_same(actor):
        detail = f"the hold of {hold.actor.id}: {reason}"
    return Deed(verb=Verb.RELEASED, actor=actor, at=at, stack=hold.stack, detail=detail)
