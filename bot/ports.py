"""What the use cases need from outside, split by who uses it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Protocol

from bot.domain.audit import Deed
from bot.domain.keys import ApiKey
from bot.domain.lock import Claim, Hold, Occupancy
from bot.domain.people import Actor, ChannelId, Person, TeamId, UserId
from bot.domain.run import Reason, Run, RunId, RunState, RunType, ThreadId
from bot.domain.stack import Stack, StackName, ValueSource
from bot.domain.state_lock import StateLock
from bot.domain.telling import Telling
from runner.job import WorkspaceFile

DeliveryKey = NewType("DeliveryKey", str)
LetterId = NewType("LetterId", int)


class Clock(Protocol):
    """What time it is; always in UTC."""

    def __call__(self) -> datetime:
        """Return the time now."""


class Directory(Protocol):
    """Who people are and what they belong to. Asked by id, never by name."""

    async def person(self, user: UserId, team: TeamId, *, fresh: bool) -> Person:
        """Return the person, or raise RoleSourceUnavailable.

        *fresh* asks again instead of using what was heard a short time ago.
        """

    async def belongs(self, user: UserId, members: str, *, fresh: bool) -> bool:
        """Tell whether *user* is among *members*, as a stack's roles write them.

        Raises RoleSourceUnavailable, also where the source does not exist.
        """

    async def is_present(self, channel: ChannelId) -> bool:
        """Tell whether Handrail itself is a member of *channel*."""


class Values(Protocol):
    """Where secret values come from. Read when a run starts, and never kept."""

    async def content(self, source: ValueSource) -> bytes:
        """Return the value as it is, or raise SecretUnavailable."""

    async def variable(self, source: ValueSource) -> str:
        """Return the value for an environment variable, or raise SecretUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """What was made for one run alone."""

    variables: Mapping[str, str] = field(default_factory=dict)
    #: masked, as the content of the files is
    secret_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: tuple[WorkspaceFile, ...] = ()


class Credentials(Protocol):
    """Makes credentials that only one run has, and that end with it or soon after."""

    async def mint(self, run: Run, stack: Stack) -> Minted:
        """Return what *stack* asks for, or raise SecretUnavailable.

        Empty for a stack that asks for none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """A caller's own name for a request, so that it is granted once."""

    key: str  #: unique per actor
    digest: str  #: SHA-256 of what is asked for, in hex


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What becomes a run."""

    stack: StackName
    command: str
    skip_init: bool
    actor: Actor
    channel: ChannelId
    remarks: tuple[str, ...] = ()
    type: RunType = RunType.TASK
    apply: str = ""
    outside: bool = False
    again: RunId | None = None
    idempotency: Idempotency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A channel message and what it is about. *ts* is None until it is posted."""

    id: ThreadId
    channel: ChannelId
    ts: str | None
    stack: StackName
    run: RunId | None  #: None: the stack's card


class StopAnswer(StrEnum):
    """What became of the wish to stop a run."""

    DISCARDED = "discarded"  #: it had not begun
    ASKED = "asked"  #: it will be stopped
    TOO_LATE = "too_late"  #: it performs
    OVER = "over"  #: it had ended already


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What becomes known of a run while it prepares; None leaves a field as it is."""

    commit: str | None = None
    image_digest: str | None = None
    container: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ends."""

    state: RunState
    actor: Actor
    reason: Reason | None = None
    exit_code: int | None = None
    note: str = ""
    #: False where the container could not be proven gone: the stack stays busy
    release: bool = True
    state_lock: StateLock | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a tracked run has planned, and would apply once it is confirmed."""

    summary: str  #: the counts first, then one change a line; masked
    digest: str  #: SHA-256 of the saved plan, in hex


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAnswer:
    """What became of the wish to hold stacks: all of them, or none."""

    taken: bool
    holds: tuple[Hold, ...]  #: those taken, or those of others in the way


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs of the history are asked for, newest first; None leaves open."""

    stacks: frozenset[StackName] | None = None
    type: RunType | None = None
    state: RunState | None = None
    actor: str | None = None  #: id of whoever started it
    since: datetime | None = None  #: created then or later
    until: datetime | None = None  #: created before
    before: RunId | None = None  #: older than that run: the next page
    limit: int = 50


class HideStream(Protocol):
    """Hides texts in one stream."""

    @property
    def position(self) -> int:
        """How many bytes of the stream have been shown or replaced."""

    def feed(self, data: bytes) -> bytes:
        """Take more of the stream; return what may be shown now."""

    def flush(self) -> bytes:
        """Return what was held back."""


class Hide(Protocol):
    """Knows texts that are to be taken out of the record."""

    def text(self, whole: str) -> str:
        """Return *whole* with every such text replaced."""

    def stream(self) -> HideStream:
        """Return what hides them in one more stream."""


class Messages(Protocol):
    """Other people's messages."""

    async def delete(self, channel: ChannelId, ts: str) -> bool:
        """Delete a message; False where Slack does not let the app do so."""


class Record(Protocol):
    """Runs, claims, holds and their audit rows. Each method is one transaction.

    Every change of state is checked against the state that the database has
    (compare-and-set) and raises IllegalTransition where another hand was first.
    A method that changes anything raises StoreUnavailable when it could not, and
    then nothing was changed.
    """

    async def first_seen(self, key: DeliveryKey, at: datetime) -> bool:
        """Note a delivery durably; False when it had been noted before."""

    async def submit(self, new: NewRun, at: datetime) -> Run:
        """Record a queued run: its row, first transition, audit row and thread.

        The thread's Header and Echo go into the outbox in the same transaction.
        What comes again under the same idempotency key is the run that it became;
        raises IdempotencyConflict where it is something else by now. Raises QueueFull
        where too many runs of the stack are queued already.
        """

    async def refuse(self, deed: Deed) -> None:
        """Record a refusal."""

    async def open_card(self, stack: StackName, channel: ChannelId) -> Thread:
        """Open a thread for *stack* itself, its Card in the outbox."""

    async def promote(self, at: datetime) -> tuple[Run, ...]:
        """Claim every free stack for its oldest run that no hold keeps queued.

        Those runs become ready and are returned, oldest first.
        """

    async def ready(self) -> tuple[Run, ...]:
        """Return the runs that wait for a slot, oldest first.

        The ready ones that Handrail performs, and the unconfirmed ones that were
        confirmed.
        """

    async def start(self, run: RunId, at: datetime) -> Run | None:
        """Move a ready run to preparing.

        None where another person's hold was taken meanwhile: the run is queued
        again, and its claim is released.
        """

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
        """End a performing outside run that is told to be lost, and release its stack.

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

    async def hold(self, wanted: Sequence[Hold]) -> HoldAnswer:
        """Take holds of one actor on one or many stacks: all of them, or none.

        One that the actor has already keeps its `since`, and takes on the new
        reason and end. The thread of the first is told, once.
        """

    async def freeze(self, wanted: Hold) -> HoldAnswer:
        """Take the hold on every stack, unless somebody else has it."""

    async def extend(self, held: Hold, until: datetime | None, at: datetime) -> bool:
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
    ) -> bool:
        """Release exactly *holds*; False, and nothing, if one is not in force.

        Told in *thread*, or where the first was taken. Another hand than the
        holder's is told to the holder in a direct message.
        """

    async def steal(self, held: Hold, wanted: Hold) -> bool:
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


class Keys(Protocol):
    """The API keys. Each method is one transaction."""

    async def make(self, key: ApiKey) -> bool:
        """Keep a new key, with its audit row; False where its name is taken."""

    async def revoke(self, name: str, actor: Actor, at: datetime) -> bool:
        """Revoke a key; False where there is none, or it was revoked before."""

    async def all(self) -> tuple[ApiKey, ...]:
        """Return every key that was ever made, by name."""

    async def by_id(self, id: str) -> ApiKey | None:  # noqa: A002 (its name)
        """Return the key whose public part that is."""

    async def by_name(self, name: str) -> ApiKey | None:
        """Return the key of that name."""

    async def note_use(self, name: str, address: str, at: datetime) -> None:
        """Keep when and from where a key was used last."""


class Archive(Protocol):
    """The record as it is read. Nothing here changes anything."""

    async def run(self, run: RunId) -> Run:
        """Return one run, or raise LookupError."""

    async def occupancy(self, stack: StackName) -> Occupancy:
        """Return who has the stack."""

    async def queue(self, stack: StackName) -> tuple[Run, ...]:
        """Return the queued runs of a stack, oldest first."""

    async def granted(self, actor: Actor, idempotency: Idempotency) -> Run | None:
        """Return the run that a request of *actor* became before; None: it is new.

        Raises IdempotencyConflict where it was something else.
        """

    async def holds(self) -> tuple[Hold, ...]:
        """Return every hold in force, a freeze among them, by stack."""

    async def runs(self, query: RunQuery) -> tuple[Run, ...]:
        """Return the runs that were asked for, newest first."""

    async def last_runs(self, stack: StackName | None, limit: int) -> tuple[Run, ...]:
        """Return the newest runs, of one stack or of all, newest first."""

    async def active_runs(self) -> tuple[Run, ...]:
        """Return every run of which a container may exist."""

    async def thread(self, thread: ThreadId) -> Thread:
        """Return a thread, or raise LookupError."""

    async def thread_at(self, channel: ChannelId, ts: str) -> Thread | None:
        """Return the thread whose first message that is."""

    async def output_size(self, run: RunId) -> int:
        """Return how many bytes of output were kept, redacted since or not."""

    async def output_position(self, run: RunId) -> int:
        """Return how much of the container's output is kept; 0 for none."""

    def output(self, run: RunId) -> AsyncIterator[bytes]:
        """Yield the kept output, in order."""

    def output_from(self, run: RunId, start: int) -> AsyncIterator[tuple[int, bytes]]:
        """Yield what was kept from *start* on, each piece with where the next begins.

        Where a piece begins is where it came to be when it was kept: a redaction
        changes its bytes, not its place.
        """

    async def tail(self, run: RunId, size: int) -> bytes:
        """Return the last *size* bytes of the kept output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outbox row: one telling on its way to one thread."""

    id: LetterId
    thread: Thread
    telling: Telling
    attempts: int
    #: the message to change: the thread's own for what is told in place, else what
    #: the letter became before something in it was redacted
    message_ts: str | None
    revision: int = 0  #: how often something in it was redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Where a message is."""

    channel: ChannelId  #: of a direct message that of its conversation
    ts: str


class Outbox(Protocol):
    """Messages that are stored and not yet delivered, in order per thread."""

    async def due(self, at: datetime) -> tuple[Letter, ...]:
        """Return the next letter of each thread whose time has come, oldest first."""

    async def delivered(
        self,
        letter: Letter,
        message_ts: str | None,
        channel: ChannelId | None = None,
    ) -> None:
        """Note a delivery, and the message it became.

        *channel* is where that is, if not in the thread's own: a direct message is
        sent to a person, and changed in the conversation that it opened.
        A letter that was redacted meanwhile stays due, to change that message.
        """

    async def postpone(self, letter: Letter, until: datetime, error: str) -> None:
        """Note a failed attempt; the thread waits until *until*."""

    async def give_up(self, letter: Letter, error: str) -> None:
        """Note that a letter will never be delivered, and why."""
