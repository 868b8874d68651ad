"""What blocks what: claims of runs, holds of people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.people import Actor, ActorKind
from bot.domain.run import RunId, ThreadId
from bot.domain.stack import StackName

#: what a freeze holds: every stack, known or not
EVERY: Final = StackName("*")

#: how long a claim is believed in after its run was last heard of
LEASE: Final = timedelta(seconds=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The stack belongs to one run until that run releases it."""

    stack: StackName
    run: RunId
    fence: int  #: grows with each claim of the stack
    since: datetime
    #: until when its run is believed to go on; that it is over releases nothing
    lease: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person's exclusive lock on a stack, or on `EVERY` stack: a freeze."""

    stack: StackName
    actor: Actor
    reason: str
    since: datetime
    until: datetime | None = None  #: when it ends by itself
    thread: ThreadId | None = None  #: where it was taken, and where its end is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Who has a stack now."""

    claim: Claim | None = None
    hold: Hold | None = None
    freeze: Hold | None = None


def admits(hold: Hold | None, actor: Actor) -> bool:
    """Tell whether *actor*'s runs may start while *hold* is in force."""
    return hold is None or hold.actor.is_same(actor)


def keeper(
    occupancy: Occupancy, actor: Actor, *, above: frozenset[str] = frozenset()
) -> Hold | None:
    """Return the hold that keeps runs of *actor* from starting.

    *above* are the ids of the global admins: no freeze keeps their runs.
    """
    is_above = actor.kind is ActorKind.PERSON and actor.id in above
    if not is_above and not admits(occupancy.freeze, actor):
        return occupancy.freeze
    return None if admits(occupancy.hold, actor) else occupancy.hold


def blocker(
    occupancy: Occupancy, actor: Actor, *, above: frozenset[str] = frozenset()
) -> Claim | Hold | None:
    """Return what keeps a run of *actor* queued. A hold outlives any claim."""
    return keeper(occupancy, actor, above=above) or occupancy.claim
