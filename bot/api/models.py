"""What is answered, as JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from bot.api.errors import Fault
from bot.api.fields import Told
from bot.control.sight import Seen, StackNow
from bot.domain import lock, people
from bot.domain.errors import Refusal
from bot.domain.people import ActorKind
from bot.domain.run import Approval, Reason, RunState, RunType
from bot.domain.stack import StackName


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
    preset: str | None = Field(description="The preset whose command this is.")
    parameters: dict[str, str] = Field(description="Of the preset, by name.")
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
    approval: Approval = Field(
        description="While it is pending people have to agree before the run starts."
    )
    approval_note: str = Field(description="Who has to agree, or by what it may start.")
    approval_expires: datetime | None = Field(
        description="When it is discarded if nobody decides."
    )
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
            preset=run.preset or None,
            parameters=dict(run.parameters),
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
            approval=run.approval,
            approval_note=run.approval_note,
            approval_expires=run.approval_expires,
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
