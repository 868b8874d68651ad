"""Runs, claims, holds and their audit rows, as they are written."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from copy import copy
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed
from bot.domain.lock import Claim, Hold
from bot.domain.people import Actor, ChannelId, UserId
from bot.domain.replica import SOLO, Replica
from bot.domain.run import Run, RunId, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import Card, Header, Tail, Telling
from bot.ports import (
    Change,
    DeliveryKey,
    Driven,
    Ended,
    Hide,
    HoldAnswer,
    NewRun,
    Plan,
    Progress,
    Sent,
    StopAnswer,
    Thread,
)
from bot.store import (
    adoption,
    audit,
    endings,
    heard,
    holds,
    locks,
    output,
    outside,
    plans,
    queue,
    sealed,
    starts,
    submissions,
    words,
)
from bot.store.conclusions import conclusion_text
from bot.store.database import Database, wake
from bot.store.moves import fetch
from bot.store.outbox import post
from bot.store.redaction import redact_run
from bot.store.tables import runs


class SqlRecord:
    """The port `Record` in SQL. An unknown run raises LookupError."""

    def __init__(
        self,
        database: Database,
        above: frozenset[str] = frozenset(),
        replica: Replica = SOLO,
    ) -> None:
        """*above* are the ids of the global admins, whose runs no freeze keeps."""
        self._database = database
        self._above = above
        self._replica = replica
        self._driven: Run | None = None  # what is written is so for its owner alone

    def fenced(self, run: Run) -> Self:
        """Return what writes for the owner that *run* has, and for nobody else.

        Whatever it is to change, it raises Superseded, and changes nothing, once
        another replica owns the run, or the same one took it anew.
        """
        fenced = copy(self)
        fenced._driven = run  # noqa: SLF001 (one of its own kind)
        return fenced

    async def first_seen(
        self, key: DeliveryKey, at: datetime, sent: Sent | None = None
    ) -> bool:
        """Note a delivery durably; False when it had been noted before."""
        action = "note what Slack delivered"
        async with self._database.write(action, first=True) as db:
            return await heard.first_seen(db, key, at, self._replica.id, sent)

    async def answered(self, key: DeliveryKey) -> None:
        """Note of a delivery that it was answered, and had nothing to change."""
        with self.answering(key):
            async with self._write("note that something was answered"):
                pass

    def answering(self, key: DeliveryKey) -> AbstractContextManager[None]:
        """Note with whatever the body changes that *key* was acted on."""
        return heard.answering(key, self._replica.id)

    async def submit(self, new: NewRun, at: datetime) -> Run:
        """Record a queued run: its row, first transition, audit row and thread.

        Raises IdempotencyConflict and QueueFull.
        """
        async with self._write("record a run") as db:
            return await submissions.submit(db, new, at, self._above)

    async def refuse(self, deed: Deed) -> None:
        """Record a refusal."""
        async with self._write("record a refusal") as db:
            await audit.append(db, deed)

    async def open_card(
        self, stack: StackName, channel: ChannelId, deed: Deed | None = None
    ) -> Thread:
        """Open a thread for *stack* itself, its Card in the outbox."""
        async with self._write("open the card of a stack") as db:
            thread = await submissions.insert_thread(db, stack, channel)
            await post(db, thread, (Card(stack=stack),))
            if deed is not None:
                await audit.append(db, deed)
        return Thread(id=thread, channel=channel, ts=None, stack=stack, run=None)

    async def promote(self, at: datetime) -> tuple[Run, ...]:
        """Claim every free stack for its oldest run that no hold keeps queued."""
        # Looked for after every change, and hardly ever there.
        async with self._database.read("look for runs to make ready") as db:
            if not await queue.next_runs(db, self._above):
                return ()
        async with self._write("make runs ready") as db:
            return await starts.promote(db, at, self._above)

    async def ready(self) -> tuple[Run, ...]:
        """Return the runs that wait for a slot, oldest first."""
        async with self._database.read("read the ready runs") as db:
            return await starts.ready_runs(db, self._replica)

    async def start(self, run: RunId, at: datetime) -> Run | None:
        """Move a ready run to preparing, owned by this replica.

        None where it is queued again, or where there is no room for it.
        """
        async with self._write(f"start run {run}") as db:
            ready = await fetch(db, run)
            return await starts.start(db, ready, at, self._above, self._replica)

    async def adopt(self, at: datetime, driven: Driven) -> tuple[Run, ...]:
        """Own the active runs that no living replica drives, and return them."""
        # Looked for every other second, and hardly ever there.
        async with self._database.read("look for runs to adopt") as db:
            if not await adoption.adoptable(db, self._replica, at, driven()):
                return ()
        async with self._write("adopt runs") as db:
            return await adoption.adopt(db, self._replica, at, driven())

    async def hand_over(self, at: datetime) -> None:  # noqa: ARG002 (the port's)
        """Own no run any more: another replica may adopt them at once."""
        async with self._write("hand runs over") as db:
            await adoption.hand_over(db, self._replica)

    async def conclude(self, run: RunId, conclusion: Ended | Plan) -> None:
        """Keep how the container of a run ended, before it is removed."""
        values = {"concluded": conclusion_text(conclusion)}
        async with self._write(f"keep how the container of run {run} ended") as db:
            await db.execute(update(runs).where(runs.c.id == run).values(values))

    async def lose_sight(self, run: RunId, why: str, at: datetime) -> bool:
        """Note and tell, once, that the container of an active run is out of sight."""
        async with self._write(f"note that run {run} is out of sight") as db:
            unseen = await fetch(db, run)
            return await adoption.lose_sight(db, unseen, why, at, self._replica)

    async def regain_sight(self, run: RunId, at: datetime) -> None:
        """Tell, where the contrary was told, that the container is followed again."""
        async with self._write(f"note that run {run} is in sight again") as db:
            await adoption.regain_sight(db, await fetch(db, run), at)

    async def hide_later(self, run: RunId, words: bytes) -> None:
        """Keep, sealed, what is to be hidden in what *run* goes on to print."""
        async with self._write(f"keep what is to be hidden in run {run}") as db:
            if not (await fetch(db, run)).state.is_terminal:
                await sealed.keep(db, run, words)
                wake(db, Change.SECRETS)

    async def planned(self, run: RunId, plan: Plan, at: datetime) -> Run:
        """Move a planning run to unconfirmed, and tell its plan.

        One that was asked to stop meanwhile is stopped.
        """
        async with self._write(f"keep the plan of run {run}") as db:
            planning = await fetch(db, run)
            return await plans.planned(db, planning, plan, at, self._above)

    async def confirm(self, run: RunId, actor: Actor, at: datetime) -> Run:
        """Note who confirmed an unconfirmed run. Raises IllegalTransition."""
        async with self._write(f"confirm run {run}") as db:
            return await plans.confirm(db, await fetch(db, run), actor, at)

    async def apply(self, run: RunId, at: datetime) -> Run | None:
        """Move a confirmed run to applying, owned by this replica, if it may be."""
        async with self._write(f"apply run {run}") as db:
            confirmed = await fetch(db, run)
            return await plans.apply(db, confirmed, at, self._above, self._replica)

    async def begin_applying(self, run: RunId, at: datetime) -> None:
        """Note that the plan of an applying run is about to be applied."""
        async with self._write(f"have run {run} apply its plan") as db:
            await plans.begin_applying(db, await fetch(db, run), at)

    async def begin(self, run: RunId, at: datetime) -> Claim | None:
        """Let the CI of a ready outside run perform; None as for `start`."""
        async with self._write(f"begin run {run}") as db:
            return await outside.begin(db, await fetch(db, run), at, self._above)

    async def heartbeat(self, run: RunId, fence: int | None, at: datetime) -> Run:
        """Note that the CI of an outside run is alive, and renew its lease."""
        async with self._write(f"hear of run {run}") as db:
            return await outside.hear(db, await fetch(db, run), fence, at)

    async def renew(self, runs: Sequence[RunId], at: datetime) -> None:
        """Renew the leases of the runs that this process drives."""
        async with self._write("renew leases") as db:
            await locks.renew_claims(db, runs, at)

    async def settle(self, run: RunId, actor: Actor, reason: str, at: datetime) -> bool:
        """End a run that is told to be lost sight of; False, and nothing, if not."""
        async with self._write(f"settle run {run}") as db:
            lost = await fetch(db, run)
            settle = outside.settle if lost.outside else adoption.settle
            return await settle(db, lost, actor, reason, at, self._above)

    async def lapse(self, at: datetime) -> tuple[Run, ...]:
        """Tell outside runs that were not heard of for a lease, and return them."""
        async with self._write("look for silent runs") as db:
            return await outside.lapse(db, at, self._above)

    async def note_progress(self, run: RunId, progress: Progress) -> None:
        """Keep what became known, and tell the header."""
        known = {
            name: value for name, value in asdict(progress).items() if value is not None
        }
        if not known:
            return
        async with self._write(f"note the progress of run {run}") as db:
            before = await fetch(db, run)
            await db.execute(update(runs).where(runs.c.id == run).values(known))
            await post(db, before.thread, (Header(run=run),))

    async def advance(self, run: RunId, to: RunState, at: datetime) -> Run | None:
        """Move an active run to initializing, performing or planning.

        None, and nothing is changed, when somebody asked to stop it. Its owner may
        say it again: the first time may have come true without being answered.
        """
        async with self._write(f"move run {run} to {to}") as db:
            now = await fetch(db, run)
            if self._driven is not None and now.state is to:
                return now
            return await starts.advance(db, now, to, at)

    async def end(
        self, run: RunId, ended: Ended, at: datetime, tell: Sequence[Telling] = ()
    ) -> Run:
        """Record the end, release the claim by the run's own id, tell the thread."""
        async with self._write(f"record the end of run {run}") as db:
            last = await fetch(db, run)
            return await endings.end_run(db, last, ended, at, tell, above=self._above)

    async def ask_stop(self, run: RunId, actor: Actor, at: datetime) -> StopAnswer:
        """Discard a run that has not begun, or mark one that has not performed."""
        async with self._write(f"ask run {run} to stop") as db:
            now = await fetch(db, run)
            return await endings.stop_run(db, now, actor, at, above=self._above)

    async def release_claim(
        self, run: RunId, actor: Actor, reason: str, at: datetime
    ) -> bool:
        """Release a claim that an ended run had to keep; False if it has none."""
        async with self._write(f"release the claim of run {run}") as db:
            return await endings.release_claim(
                db, run, actor, reason, at, above=self._above
            )

    async def hold(self, wanted: Sequence[Hold], ts: str = "") -> HoldAnswer:
        """Take holds of one actor on one or many stacks: all of them, or none."""
        async with self._write("hold stacks") as db:
            await words.require_newest(db, wanted[0].actor, wanted, ts)
            return await holds.hold(db, wanted)

    async def freeze(self, wanted: Hold, ts: str = "") -> HoldAnswer:
        """Take the hold on every stack, unless somebody else has it."""
        async with self._write("freeze every stack") as db:
            await words.require_newest(db, wanted.actor, [wanted], ts)
            return await holds.freeze(db, wanted)

    async def extend(
        self, held: Hold, until: datetime | None, at: datetime, ts: str = ""
    ) -> bool:
        """Let exactly *held* last until *until*; False if it is not in force."""
        async with self._write(f"extend the hold on {held.stack}") as db:
            await words.require_newest(db, held.actor, [held], ts)
            return await holds.extend(db, held, until, at)

    async def release_holds(
        self,
        held: Sequence[Hold],
        actor: Actor,
        reason: str,
        at: datetime,
        thread: ThreadId | None,
        ts: str = "",
    ) -> bool:
        """Release exactly *held*; False, and nothing, if one is not in force."""
        async with self._write("release holds") as db:
            await words.require_newest(db, actor, held, ts)
            return await holds.release_holds(
                db, held, actor, reason, at, thread, self._above
            )

    async def steal(self, held: Hold, wanted: Hold, ts: str = "") -> bool:
        """Put *wanted* in the place of exactly *held*; False if it is not in force."""
        async with self._write(f"steal the hold on {held.stack}") as db:
            await words.require_newest(db, wanted.actor, [held], ts)
            return await holds.steal(db, held, wanted, self._above)

    async def expire(self, at: datetime) -> tuple[Hold, ...]:
        """Release what has come to its end, tell where it was taken, return it."""
        async with self._write("release holds that are over") as db:
            return await holds.expire(db, at, self._above)

    async def remind(self, at: datetime, *, before: timedelta) -> int:
        """Tell holders directly, once, whose holds end within *before*."""
        async with self._write("remind holders") as db:
            return await holds.remind(db, at, before=before)

    async def ask_holders(self, at: datetime, *, after: timedelta) -> int:
        """Ask holders directly whose holds have no end whether they need them."""
        async with self._write("ask holders") as db:
            return await holds.ask_holders(db, at, after=after)

    async def report_holder(
        self, held: Hold, admins: Sequence[UserId], at: datetime
    ) -> bool:
        """Tell *admins* directly, once, that the holder is deactivated."""
        async with self._write("report a holder") as db:
            return await holds.report_holder(db, held, admins, at)

    async def notify_when_free(
        self, stack: StackName, actor: Actor, at: datetime
    ) -> None:
        """Tell *actor* directly, once, when they could run something on *stack*."""
        async with self._write(f"note who waits for {stack}") as db:
            await holds.notify_when_free(db, stack, actor, at, self._above)

    async def redact(
        self, run: RunId, hide: Hide, actor: Actor, at: datetime, *, why: str
    ) -> int:
        """Take what *hide* knows out of all that is stored of a run.

        The file of the database has it no more either, where nobody reads meanwhile.
        """
        async with self._write(f"redact run {run}") as db:
            changed = await redact_run(
                db, await fetch(db, run), hide, actor, at, why, above=self._above
            )
        await self._database.scrub()
        return changed

    async def tell(self, thread: ThreadId, tell: Sequence[Telling]) -> None:
        """Put messages into the outbox."""
        async with self._write("put messages into the outbox") as db:
            await post(db, thread, tell)

    async def append_output(
        self, run: RunId, data: bytes, *, position: int, limit: int
    ) -> bool:
        """Keep masked output, up to *limit* bytes of a run, and tell the Tail.

        False when the limit was reached, now or before. Its owner may say it again.
        """
        async with self._write(f"keep the output of run {run}") as db:
            is_fenced = self._driven is not None
            if is_fenced and await output.is_last(db, run, data, position):
                return True
            start = await output.size(db, run)
            room = max(limit - start, 0)
            if data[:room]:
                await output.append(db, run, data[:room], start, position)
                of = await fetch(db, run)
                await post(db, of.thread, (Tail(run=run),))
            return len(data) < room

    @asynccontextmanager
    async def _write(self, action: str) -> AsyncIterator[AsyncConnection]:
        async with self._database.write(action) as db:
            if self._driven is not None:
                await adoption.ensure_owned(db, self._driven)
            yield db
            await heard.acted(db)
