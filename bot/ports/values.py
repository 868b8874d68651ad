"""What the ports take and return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol

from bot.domain.lock import Hold
from bot.domain.people import Actor, ChannelId, UserId
from bot.domain.policy import Session
from bot.domain.run import Approval, Reason, RunId, RunState, RunType, ThreadId
from bot.domain.stack import StackName
from bot.domain.state_lock import StateLock

DeliveryKey = NewType("DeliveryKey", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A command that a person sent, who is to be told if nobody ever acts on it."""

    by: UserId
    command: str  #: such as `/task`


LetterId = NewType("LetterId", int)


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
    own: bool = False  #: the command is Handrail's, not that of who asks
    again: RunId | None = None
    idempotency: Idempotency | None = None
    preset: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None
    approval: Approval = Approval.NONE
    approval_expires: datetime | None = None


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
