"""The record as it is written."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol, Self

from bot.domain.audit import Deed
from bot.domain.lock import Claim, Hold
from bot.domain.people import Actor, ChannelId, UserId
from bot.domain.run import Run, RunId, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import Telling
from bot.ports.values import (
    DeliveryKey,
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

#: returns the runs that the process that asks drives now
Driven = Callable[[], Collection[RunId]]


class Record(Protocol):
    """Runs, claims, holds and their audit rows. Each method is one transaction.

    Every change of state is checked against the state that the database has
    (compare-and-set) and raises IllegalTransition where another hand was first.
    A method that changes anything raises StoreUnavailable when it could not, and
    then nothing was changed.
    """

    def fenced(self, run: Run) -> Self:
        """Return what writes for the owner that *run* has, and for nobody else.

        Whatever it is to change, it raises Superseded, and changes nothing, once
        another replica owns the run, or the same one took it anew.
        """

    async def first_seen(
        self, key: DeliveryKey, at: datetime, sent: Sent | None = None
    ) -> bool:
        """Note a delivery durably; False when it had been noted before.

        Not so where whoever noted it died before anything was done of it, and nobody
        was told that nothing was.
        """

    async def answered(self, key: DeliveryKey) -> None:
        """Note of a delivery that it was answered, and had nothing to change."""

    def answering(self, key: DeliveryKey) -> AbstractContextManager[None]:
        """Note with whatever the body changes that *key* was acted on.

        Changes of this record alone count. They raise Superseded where another
        replica acts on it by now.
        """

    async def submit(self, new: NewRun, at: datetime) -> Run:
        """Record a queued run: its row, first transition, audit row and thread.

        The thread's Header and Echo go into the outbox in the same transaction.
        What comes again under the same idempotency key is the run that it became;
        raises IdempotencyConflict where it is something else by now. Raises QueueFull
        where too many runs of the stack are queued already.
        """

    async def refuse(self, deed: Deed) -> None:
        """Record a refusal."""

    async def open_card(
        self, stack: StackName, channel: ChannelId, deed: Deed | None = None
    ) -> Thread:
        """Open a thread for *stack* itself, its Card in the outbox.

        *deed* says who wanted that.
        """

    async def promote(self, at: datetime) -> tuple[Run, ...]:
        """Claim every free stack for its oldest run that no hold keeps queued.

        Those runs become ready and are returned, oldest first.
        """

    async def ready(self) -> tuple[Run, ...]:
        """Return the runs that wait for a slot, oldest first.

        The ready ones that Handrail performs, and the unconfirmed ones that were
        confirmed: no more than the engine of this replica has slots free, and none
        while Handrail is drained.
        """

    async def start(self, run: RunId, at: datetime) -> Run | None:
        """Move a ready run to preparing, owned by this replica.

        None where another person's hold was taken meanwhile: the run is queued
        again, and its claim is released. None too where its engine has no free slot
        by now, or Handrail is drained: the run stays ready.
        """

    async def adopt(self, at: datetime, driven: Driven) -> tuple[Run, ...]:
        """Own the active runs that no living replica drives, and return them.

        Those alone whose container is on the engine of this replica, or that have
        asked no engine for one yet; oldest first. *driven* returns those that this
        replica drives, and is asked once nobody else writes: another that it owns is
        one whose start it did not hear of.
        """

    async def hand_over(self, at: datetime) -> None:
        """Own no run any more: another replica may adopt them at once."""

    async def conclude(self, run: RunId, conclusion: Ended | Plan) -> None:
        """Keep how the container of a run ended, before it is removed."""

    async def lose_sight(self, run: RunId, why: str, at: datetime) -> bool:
        """Note and tell, once, that the container of an active run cannot be asked for.

        The stack stays busy. False where that was told already.
        """

    async def regain_sight(self, run: RunId, at: datetime) -> None:
        """Tell, where the contrary was told, that the container is followed again."""

    async def hide_later(self, run: RunId, sealed: bytes) -> None:
        """Keep, sealed, what is to be hidden in what *run* goes on to print."""

    async def planned(self, run: RunId, plan: Plan, at: datetime) -> Run:
        """Move a planning run to unconfirmed, and tell its plan."""

    async def confirm(self, run: RunId, actor: Actor, at: datetime) -> Run:
        """Note who confirmed an unconfirmed run. Raises IllegalTransition.

        It is among the ready ones from then on.
        """

    async def apply(self, run: RunId, at: datetime) -> Run | None:
        """Move a confirmed run to applying.

        None where a hold that does not admit its confirmer was taken meanwhile: it
        is unconfirmed as before, and its thread is told.
        """

    async def begin_applying(self, run: RunId, at: datetime) -> None:
        """Note that an applying run is at the gate, and changes something from here.

        Once: whoever comes again changes nothing. Raises IllegalTransition.
        """

    async def begin(self, run: RunId, at: datetime) -> Claim | None:
        """Let the CI of a ready outside run perform; None as for `start`.

        Raises IllegalTransition where the run is not ready.
        """

    async def heartbeat(self, run: RunId, fence: int | None, at: datetime) -> Run:
        """Note that the CI of an outside run is alive, and renew its lease.

        A run that was told to be lost is told to be heard of again. *fence* is
        that of the claim, None before the run performs. Raises IllegalTransition
        where the run is over, StaleFence where the fence is not the claim's.
        """

    async def renew(self, runs: Sequence[RunId], at: datetime) -> None:
        """Renew the leases of the runs that this process drives."""

    async def settle(self, run: RunId, actor: Actor, reason: str, at: datetime) -> bool:
        """End a run that is told to be lost sight of, and release its stack.

        An outside one that performs, or an active one whose container cannot be
        asked for.

        False, and nothing is changed, where it is not: over, or heard of meanwhile.
        Its thread is told who settled it and why.
        """

    async def lapse(self, at: datetime) -> tuple[Run, ...]:
        """Tell outside runs that were not heard of for a lease, and return them.

        One that performs keeps its stack, and is told once; one that only waits
        is discarded.
        """

    async def note_progress(self, run: RunId, progress: Progress) -> None:
        """Keep what became known, and tell the header."""

    async def advance(self, run: RunId, to: RunState, at: datetime) -> Run | None:
        """Move an active run to initializing or performing.

        None, and nothing is changed, when somebody asked to stop it.
        """

    async def end(
        self, run: RunId, ended: Ended, at: datetime, tell: Sequence[Telling] = ()
    ) -> Run:
        """Record the end, release the claim by the run's own id, tell the thread.

        *tell*, the Header, a last Tail if there is one, and Final go into the
        outbox in the same transaction.
        """

    async def ask_stop(self, run: RunId, actor: Actor, at: datetime) -> StopAnswer:
        """Discard a run that has not begun, or mark one that has not performed."""

    async def release_claim(
        self, run: RunId, actor: Actor, reason: str, at: datetime
    ) -> bool:
        """Release a claim that an ended run had to keep; False if it has none."""

    # What people say of holds is ordered by Slack's timestamp of the word, *ts*:
    # LateWord is raised, and nothing changed, where `Words.note` knows a newer one.
    # What API keys ask for has none, and counts in the order of its arrival.

    async def hold(self, wanted: Sequence[Hold], ts: str = "") -> HoldAnswer:
        """Take holds of one actor on one or many stacks: all of them, or none.

        One that the actor has already keeps its `since`, and takes on the new
        reason and end. The thread of the first is told, once.
        """

    async def freeze(self, wanted: Hold, ts: str = "") -> HoldAnswer:
        """Take the hold on every stack, unless somebody else has it."""

    async def extend(
        self, held: Hold, until: datetime | None, at: datetime, ts: str = ""
    ) -> bool:
        """Let exactly *held* last until *until*; False if it is not in force.

        It is reminded of its new end, and asked about anew, from *at* on.
        """

    async def release_holds(
        self,
        holds: Sequence[Hold],
        actor: Actor,
        reason: str,
        at: datetime,
        thread: ThreadId | None,
        ts: str = "",
    ) -> bool:
        """Release exactly *holds*; False, and nothing, if one is not in force.

        Told in *thread*, or where the first was taken. Another hand than the
        holder's is told to the holder in a direct message.
        """

    async def steal(self, held: Hold, wanted: Hold, ts: str = "") -> bool:
        """Put *wanted* in the place of exactly *held*; False if it is not in force.

        The one who lost it is told in a direct message, with the reason.
        """

    async def expire(self, at: datetime) -> tuple[Hold, ...]:
        """Release what has come to its end, tell where it was taken, return it."""

    async def remind(self, at: datetime, *, before: timedelta) -> int:
        """Tell holders directly, once, whose holds end within *before*."""

    async def ask_holders(self, at: datetime, *, after: timedelta) -> int:
        """Ask holders directly whose holds have no end whether they need them.

        Once they are *after* old, and again whenever that much has passed.
        """

    async def report_holder(
        self, hold: Hold, admins: Sequence[UserId], at: datetime
    ) -> bool:
        """Tell *admins* directly, once, that the holder is deactivated."""

    async def notify_when_free(
        self, stack: StackName, actor: Actor, at: datetime
    ) -> None:
        """Tell *actor* directly, once, when they could run something on *stack*."""

    async def redact(
        self, run: RunId, hide: Hide, actor: Actor, at: datetime, *, why: str
    ) -> int:
        """Take what *hide* knows out of all that is stored of a run.

        What was posted of it is posted anew, in place. Returns how many places were
        changed. Its audit row is left out where Handrail itself changed nothing.
        A run that has not begun is discarded if its command would become another.
        *why* is Handrail's own sentence: no later redaction looks into it.
        """

    async def tell(self, thread: ThreadId, tell: Sequence[Telling]) -> None:
        """Put messages into the outbox."""

    async def append_output(
        self, run: RunId, data: bytes, *, position: int, limit: int
    ) -> bool:
        """Keep masked output, up to *limit* bytes of a run, and tell the Tail.

        *position* is how much of the container's output *data* goes up to. False
        when the limit was reached, now or before.
        """
