"""What is asked for and what is answered, as JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from bot.api.errors import Fault
from bot.api.fields import (
    LARGEST,
    NUMBER,
    WHOLE,
    Asked,
    Command,
    Moment,
    Name,
    Told,
    Why,
)
from bot.control.sight import Seen, StackNow
from bot.domain import lock, people
from bot.domain.errors import Refusal
from bot.domain.people import ActorKind
from bot.domain.run import Reason, RunId, RunState, RunType
from bot.domain.stack import StackName
from bot.ports import RunQuery

_SHORTEST_HOLD = 60
_LONGEST_HOLD = 30 * 24 * 3600


def _once_each(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("twice", "names a stack twice")
    return names


Stacks = Annotated[
    list[Name],
    Field(min_length=1, max_length=100, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_once_each),
]
Fence = Annotated[int, Field(ge=1, le=LARGEST), WHOLE]


class NewTask(Asked):
    """A command to run on a stack."""

    stack: Name
    command: Command = Field(description="Run by `sh -c`, exactly as it is.")
    skip_initialization: bool = False


class NewTrackedRun(Asked):
    """A run that an outside CI performs itself, once it is its turn."""

    stack: Name
    command: Command = Field(description="What the CI will run; for the record.")


class NewHolds(Asked):
    """Stacks to hold: all of them, or none."""

    stacks: Stacks
    reason: Why = ""
    duration_seconds: (
        Annotated[int, Field(ge=_SHORTEST_HOLD, le=_LONGEST_HOLD), WHOLE] | None
    ) = Field(default=None, description="null: until it is released.")

    @property
    def duration(self) -> timedelta | None:
        """Return how long the stacks are to be held."""
        if self.duration_seconds is None:
            return None
        return timedelta(seconds=self.duration_seconds)


class HoldsToRelease(Asked):
    """Stacks of which the holds are to be released: all of them, or none."""

    stacks: Stacks
    reason: Why = Field(default="", description="Needed for what another one holds.")


class Heartbeat(Asked):
    """A sign of life of the CI that announced the run."""

    fence: Fence | None = Field(
        default=None, description="As `begin` answered it; null before that."
    )


class Finish(Asked):
    """How the command of an outside run ended."""

    fence: Fence
    exit_code: Annotated[int, Field(ge=0, le=255), WHOLE]


class RunFilter(Asked):
    """Which runs are asked for; what is left out does not matter."""

    stack: Name | None = None
    type: Annotated[RunType, Field(strict=False)] | None = None
    state: Annotated[RunState, Field(strict=False)] | None = None
    actor: Annotated[Name, Field(description="The id of who started it.")] | None = None
    since: Annotated[Moment, Field(description="Created then or later.")] | None = None
    until: Annotated[Moment, Field(description="Created before.")] | None = None
    before: (
        Annotated[
            int,
            Field(ge=1, le=LARGEST, description="Older than the run of that id."),
            NUMBER,
        ]
        | None
    ) = None
    limit: Annotated[int, Field(ge=1, le=200), NUMBER] = 50

    def query(self) -> RunQuery:
        """Return the question, with one run more than asked for."""
        return RunQuery(
            type=self.type,
            state=self.state,
            actor=self.actor,
            since=self.since,
            until=self.until,
            before=None if self.before is None else RunId(self.before),
            limit=self.limit + 1,
        )


class Error(Told):
    """Why a request was not granted, and what to do next."""

    error: Refusal | Fault
    message: str


class Actor(Told):
    """Who did a thing."""

    kind: ActorKind
    id: str
    name: str

    @classmethod
    def of(cls, actor: people.Actor) -> Self:
        """Return *actor* as it is answered."""
        return cls(kind=actor.kind, id=actor.id, name=actor.name)


class Run(Told):
    """A run as it stands in the record. Secrets are masked in all of it."""

    id: int
    type: RunType
    outside: bool = Field(description="Performed by an outside CI, not by Handrail.")
    stack: str
    command: str
    skip_initialization: bool
    again: int | None = Field(description="The run whose command this one repeats.")
    actor: Actor
    state: RunState
    state_since: datetime
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    reason: Reason | None = Field(description="Why it failed.")
    exit_code: int | None
    note: str
    summary: str = Field(description="What its plan would change.")
    confirmed_by: Actor | None
    stop_asked_by: Actor | None
    commit: str | None
    image_digest: str | None
    lost_since: datetime | None = Field(
        description="Since when its CI was not heard of."
    )
    output_dropped_at: datetime | None = Field(
        description="When its output went, as `retention` says."
    )
    queue_place: int | None = Field(description="1 is next; null unless it is queued.")
    fence: int | None = Field(
        description="Of its claim; for the key alone that announced it."
    )

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """Return a run as it is answered."""
        run = seen.run
        return cls(
            id=run.id,
            type=run.type,
            outside=run.outside,
            stack=run.stack,
            command=run.command,
            skip_initialization=run.skip_init,
            again=run.again,
            actor=Actor.of(run.actor),
            state=run.state,
            state_since=run.state_since,
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            reason=run.reason,
            exit_code=run.exit_code,
            note=run.note,
            summary=run.summary,
            confirmed_by=_actor(run.confirmed_by),
            stop_asked_by=_actor(run.stop_asked_by),
            commit=run.commit,
            image_digest=run.image_digest,
            lost_since=run.lost_since,
            output_dropped_at=run.output_dropped_at,
            queue_place=seen.place,
            fence=seen.fence,
        )


class Runs(Told):
    """A page of the history, newest first."""

    runs: list[Run]
    next: int | None = Field(description="`before` of the next page; null: no more.")

    @classmethod
    def of(cls, found: tuple[Seen, ...], limit: int) -> Self:
        """Return the first *limit* of what was *found*."""
        page = found[:limit]
        return cls(
            runs=[Run.of(seen) for seen in page],
            next=page[-1].run.id if len(found) > limit else None,
        )


class Hold(Told):
    """An exclusive lock on one stack, or on every stack: a freeze."""

    stack: str = Field(description="`*` for a freeze.")
    actor: Actor
    reason: str
    since: datetime
    until: datetime | None = Field(description="null: until it is released.")

    @classmethod
    def of(cls, hold: lock.Hold) -> Self:
        """Return *hold* as it is answered."""
        return cls(
            stack=hold.stack,
            actor=Actor.of(hold.actor),
            reason=hold.reason,
            since=hold.since,
            until=hold.until,
        )


class Holds(Told):
    """Holds, by stack."""

    holds: list[Hold]

    @classmethod
    def of(cls, holds: Iterable[lock.Hold]) -> Self:
        """Return *holds* as they are answered."""
        return cls(holds=[Hold.of(hold) for hold in holds])


RoleName = Literal["reader", "writer", "admin"]


class StackRole(Told):
    """A stack that the key knows, and what the key is there."""

    name: str
    role: RoleName


class StackList(Told):
    """The stacks that the key knows."""

    stacks: list[StackRole]

    @classmethod
    def of(cls, roles: Mapping[StackName, people.Role]) -> Self:
        """Return stacks with the roles on them as they are answered."""
        return cls(
            stacks=[
                StackRole(name=name, role=_role(role)) for name, role in roles.items()
            ]
        )


class Stack(StackRole):
    """Who has a stack now, and what waits for it."""

    running: Run | None = Field(description="The run that has the stack.")
    hold: Hold | None
    freeze: Hold | None
    queue: list[Run] = Field(description="The next one first.")

    @classmethod
    def of(cls, now: StackNow) -> Self:
        """Return a stack as it is answered."""
        return cls(
            name=now.name,
            role=_role(now.role),
            running=None if now.running is None else Run.of(now.running),
            hold=_hold(now.occupancy.hold),
            freeze=_hold(now.occupancy.freeze),
            queue=[Run.of(seen) for seen in now.queue],
        )


class Begun(Told):
    """The turn of an outside run: its CI may perform now."""

    run: Run
    fence: int
    lease_seconds: int = Field(description="It is lost unless heard of in that time.")


def _actor(actor: people.Actor | None) -> Actor | None:
    return None if actor is None else Actor.of(actor)


def _hold(hold: lock.Hold | None) -> Hold | None:
    return None if hold is None else Hold.of(hold)


def _role(role: people.Role) -> RoleName:
    match role:
        case people.Role.ADMIN:
            return "admin"
        case people.Role.WRITER:
            return "writer"
        case _:
            return "reader"
