"""What the use cases need from outside, split by who uses it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from bot.domain.audit import Deed
from bot.domain.lock import Hold, Occupancy
from bot.domain.people import Actor, ChannelId, Person, TeamId, UserId
from bot.domain.run import Reason, Run, RunId, RunState, ThreadId
from bot.domain.stack import Stack, StackName, ValueSource
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
class NewRun:
    """What becomes a run."""

    stack: StackName
    command: str
    skip_init: bool
    actor: Actor
    channel: ChannelId
    remarks: tuple[str, ...] = ()


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
        """Return the ready runs, oldest first."""

    async def start(self, run: RunId, at: datetime) -> Run | None:
        """Move a ready run to preparing.

        None where another person's hold was taken meanwhile: the run is queued
        again, and its claim is released.
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

    async def hold(self, wanted: Hold, thread: ThreadId) -> Hold:
        """Take a hold on a free stack, and return the hold in force."""

    async def release_hold(
        self, hold: Hold, actor: Actor, reason: str, at: datetime, thread: ThreadId
    ) -> bool:
        """Release exactly *hold*; False if it is no longer in force."""

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


class Archive(Protocol):
    """The record as it is read. Nothing here changes anything."""

    async def run(self, run: RunId) -> Run:
        """Return one run, or raise LookupError."""

    async def occupancy(self, stack: StackName) -> Occupancy:
        """Return who has the stack."""

    async def queue(self, stack: StackName) -> tuple[Run, ...]:
        """Return the queued runs of a stack, oldest first."""

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


class Outbox(Protocol):
    """Messages that are stored and not yet delivered, in order per thread."""

    async def due(self, at: datetime) -> tuple[Letter, ...]:
        """Return the next letter of each thread whose time has come, oldest first."""

    async def delivered(self, letter: Letter, message_ts: str | None) -> None:
        """Note a delivery, and the message it became.

        A letter that was redacted meanwhile stays due, to change that message.
        """

    async def postpone(self, letter: Letter, until: datetime, error: str) -> None:
        """Note a failed attempt; the thread waits until *until*."""

    async def give_up(self, letter: Letter, error: str) -> None:
        """Note that a letter will never be delivered, and why."""
