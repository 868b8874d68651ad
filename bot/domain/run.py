"""A run, and the states that its record goes through."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, Self

from bot.domain.errors import IllegalTransition
from bot.domain.people import Actor
from bot.domain.policy import Session
from bot.domain.preset_call import written_call
from bot.domain.replica import ReplicaId
from bot.domain.stack import StackName
from bot.domain.state_lock import StateLock

RunId = NewType("RunId", int)
ThreadId = NewType("ThreadId", int)


class RunType(StrEnum):
    """What kind of execution a run is."""

    TASK = "task"  #: a command that somebody wrote
    TRACKED = "tracked"  #: the stack's own deploy, or one that an outside CI performs


class RunState(StrEnum):
    """Where the record of a run stands."""

    QUEUED = "queued"  #: something blocks it
    READY = "ready"  #: it has the stack's claim and waits for a free slot
    PREPARING = "preparing"  #: source, image and container are being made ready
    INITIALIZING = "initializing"  #: the stack's own init is running
    PERFORMING = "performing"  #: the person's command is running
    PLANNING = "planning"  #: the stack's plan is being made; nothing is changed
    UNCONFIRMED = "unconfirmed"  #: the plan waits for a writer; no container exists
    APPLYING = "applying"  #: exactly that plan is being applied
    FINISHED = "finished"  #: the command ended with exit code 0
    FAILED = "failed"  #: see the reason
    DISCARDED = "discarded"  #: ended before it began
    STOPPED = "stopped"  #: ended while preparing or initializing

    @property
    def is_terminal(self) -> bool:
        """Tell whether nothing follows this state."""
        return not TRANSITIONS[self]


#: Performing and applying have no edge to stopped: a command that may have touched
#: real infrastructure either finishes or fails, it is never called off. Of a tracked
#: run planning, unconfirmed and applying stand in the place of performing.
TRANSITIONS: Final[Mapping[RunState, frozenset[RunState]]] = {
    RunState.QUEUED: frozenset({RunState.READY, RunState.DISCARDED, RunState.FAILED}),
    # Back to queued when a hold was taken while it waited for a slot.
    RunState.READY: frozenset(
        {RunState.QUEUED, RunState.PREPARING, RunState.DISCARDED, RunState.FAILED}
    ),
    RunState.PREPARING: frozenset(
        {
            RunState.INITIALIZING,
            RunState.PERFORMING,
            RunState.PLANNING,
            RunState.STOPPED,
            RunState.FAILED,
        }
    ),
    RunState.INITIALIZING: frozenset(
        {RunState.PERFORMING, RunState.PLANNING, RunState.STOPPED, RunState.FAILED}
    ),
    RunState.PERFORMING: frozenset({RunState.FINISHED, RunState.FAILED}),
    # Finished at once where the plan would change nothing.
    RunState.PLANNING: frozenset(
        {RunState.UNCONFIRMED, RunState.FINISHED, RunState.STOPPED, RunState.FAILED}
    ),
    RunState.UNCONFIRMED: frozenset(
        {RunState.APPLYING, RunState.DISCARDED, RunState.FAILED}
    ),
    RunState.APPLYING: frozenset({RunState.FINISHED, RunState.FAILED}),
    RunState.FINISHED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.DISCARDED: frozenset(),
    RunState.STOPPED: frozenset(),
}

#: states in which a container of the run may exist
ACTIVE: Final = frozenset(
    {
        RunState.PREPARING,
        RunState.INITIALIZING,
        RunState.PERFORMING,
        RunState.PLANNING,
        RunState.APPLYING,
    }
)
#: states of a run that has not begun, or of which nothing is under way
WAITING: Final = frozenset({RunState.QUEUED, RunState.READY, RunState.UNCONFIRMED})
#: states in which a run may still be stopped: nothing has been changed by it
STOPPABLE: Final = frozenset(
    {RunState.PREPARING, RunState.INITIALIZING, RunState.PLANNING}
)


class Reason(StrEnum):
    """Why a run failed."""

    EXIT_CODE = "exit_code"
    INIT = "init"
    IMAGE = "image"
    SOURCE = "source"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    OUT_OF_MEMORY = "out_of_memory"
    REJECTED = "rejected"
    CREDENTIALS = "credentials"
    LOST = "lost"
    ENGINE = "engine"


class Approval(StrEnum):
    """Whether people have to agree to a run before it may start."""

    NONE = "none"  #: nobody has to
    PENDING = "pending"  #: it waits until they do
    APPROVED = "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A row of the record. Never changed in place: each step is a new value."""

    id: RunId
    type: RunType = RunType.TASK
    stack: StackName
    command: str  #: exactly as it runs; of a tracked run the plan
    apply: str = ""  #: what applies the plan, exactly as it runs
    outside: bool = False  #: an outside CI performs it, not Handrail
    again: RunId | None = None  #: the run whose command this one repeats
    skip_init: bool = False
    preset: str = ""  #: the one whose command this is
    parameters: Mapping[str, str] = field(default_factory=dict)  #: of the preset
    actor: Actor
    session: Session | None = None  #: as whom the actor acted; None: before there were
    thread: ThreadId
    created_at: datetime
    state: RunState = RunState.QUEUED
    state_since: datetime
    reason: Reason | None = None
    exit_code: int | None = None
    note: str = ""  #: what a person needs to know beside the state
    commit: str | None = None
    image_digest: str | None = None
    approval: Approval = Approval.NONE
    approval_note: str = ""  #: who has to agree, or by what it is approved
    approval_expires: datetime | None = None
    #: digest of what is to be agreed to, once that is known
    subject: str | None = None
    #: since when it is that: who spoke before meant another, or had seen nothing
    subject_changed_at: datetime | None = None
    container: str | None = None
    started_at: datetime | None = None  #: when it left the queue
    ended_at: datetime | None = None
    stop_asked_by: Actor | None = None
    #: what the plan would do, in words: the counts first, then one change a line
    summary: str = ""
    plan_digest: str | None = None  #: SHA-256 of the saved plan, in hex
    #: where the output of the applying container begins in the run's output
    applied_from: int = 0
    confirmed_by: Actor | None = None
    #: when its plan began to be applied: until then nothing was changed by it
    applied_at: datetime | None = None
    state_lock: StateLock | None = None  #: the tool's own lock that it ran into
    #: since when its CI, or its engine, was not heard of, once that was told
    lost_since: datetime | None = None
    #: the claim was kept because the container could not be proven gone
    keeps_claim: bool = False
    owner: ReplicaId | None = None  #: the replica that drives it, while one does
    epoch: int = 0  #: how often a replica took it; what an earlier one writes is void
    engine: str | None = None  #: on which its container is, if one was asked for
    #: when its output was dropped, as `retention` says
    output_dropped_at: datetime | None = None

    @property
    def waits_for_approval(self) -> bool:
        """Tell whether people have to agree before it may start."""
        return self.approval is Approval.PENDING and self.state is RunState.QUEUED

    @property
    def asked(self) -> str:
        """Return what its actor wrote: a preset as it is called, or the command."""
        if not self.preset:
            return self.command
        return written_call(self.preset, self.parameters)

    def moved(self, to: RunState, *, at: datetime, note: str = "") -> Self:
        """Return this run one step further along."""
        check_transition(self.id, self.state, to)
        return replace(self, state=to, state_since=at, note=note or self.note)


def check_transition(run: int, current: RunState, to: RunState) -> None:
    """Raise IllegalTransition unless *to* may follow *current*."""
    if to not in TRANSITIONS[current]:
        raise IllegalTransition(f"run {run}: {current} → {to}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state: *from_state* is None for a run's first row."""

    run: RunId
    ordinal: int
    from_state: RunState | None
    to_state: RunState
    at: datetime
    actor: Actor
    note: str = ""
