"""What blocks what: claims of runs, holds of people."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.people import Actor
from bot.domain.run import RunId
from bot.domain.stack import StackName


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The stack belongs to one run until that run releases it."""

    stack: StackName
    run: RunId
    fence: int  #: grows with each claim of the stack
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person's exclusive lock on a stack."""

    stack: StackName
    actor: Actor
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Who has a stack now."""

    claim: Claim | None = None
    hold: Hold | None = None


def admits(hold: Hold | None, actor: Actor) -> bool:
    """Tell whether *actor*'s runs may start while *hold* is in force."""
    return hold is None or hold.actor.is_same(actor)


def blocker(occupancy: Occupancy, actor: Actor) -> Claim | Hold | None:
    """Return what keeps a run of *actor* queued. A hold outlives any claim."""
    if not admits(occupancy.hold, actor):
        return occupancy.hold
    return occupancy.claim
