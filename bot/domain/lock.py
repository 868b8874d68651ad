"""What blocks what: claims of runs, holds of people, over all stacks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Self

from bot.domain.people import Actor, ActorKind
from bot.domain.run import Run, RunId, ThreadId
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

    def is_same(self, other: "Hold | None") -> bool:
        """Tell whether both are one hold, whatever its reason and end are by now."""
        return (
            other is not None
            and (self.stack, self.since) == (other.stack, other.since)
            and self.actor.is_same(other.actor)
        )

    def renewed(self, wanted: "Hold") -> Self:
        """Return this hold as its holder wants it now; it is as old as it was."""
        return replace(
            self,
            actor=wanted.actor,
            reason=wanted.reason,
            until=wanted.until,
            thread=self.thread if wanted.thread is None else wanted.thread,
        )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """Who has which stacks.

    Each verb returns the locks as they are then. Where something stands in the way
    it returns that instead, or None where what it names is not in force.
    """

    claims: Mapping[StackName, Claim] = field(default_factory=dict)
    #: a freeze stands under `EVERY`
    holds: Mapping[StackName, Hold] = field(default_factory=dict)
    #: the newest fence of each stack, of claims that were released too
    fences: Mapping[StackName, int] = field(default_factory=dict)

    def occupancy(self, stack: StackName) -> Occupancy:
        """Return who has *stack*."""
        return Occupancy(
            claim=self.claims.get(stack),
            hold=self.holds.get(stack),
            freeze=self.holds.get(EVERY),
        )

    def next(
        self, queued: Iterable[Run], *, above: frozenset[str] = frozenset()
    ) -> tuple[Run, ...]:
        """Return the first of the *queued* on each free stack that no hold keeps.

        First in, first out: *queued* are oldest first, and what is returned is too.
        """
        first: dict[StackName, Run] = {}
        for run in queued:
            if blocker(self.occupancy(run.stack), run.actor, above=above) is None:
                first.setdefault(run.stack, run)
        return tuple(first.values())

    def claim(self, stack: StackName, run: RunId, at: datetime) -> Self | Claim:
        """Give *stack* to *run*, unless a run has it."""
        if stack in self.claims:
            return self.claims[stack]
        fence = self.fences.get(stack, 0) + 1
        taken = Claim(stack=stack, run=run, fence=fence, since=at, lease=at + LEASE)
        return replace(
            self,
            claims={**self.claims, stack: taken},
            fences={**self.fences, stack: fence},
        )

    def release(self, run: RunId) -> Self | None:
        """Release what *run* itself has claimed, and nothing else."""
        left = {
            stack: claim for stack, claim in self.claims.items() if claim.run != run
        }
        return None if len(left) == len(self.claims) else replace(self, claims=left)

    def renew(self, run: RunId, at: datetime) -> Self:
        """Believe in *run* for one more lease, if it has a claim."""
        renewed = {
            stack: replace(claim, lease=at + LEASE) if claim.run == run else claim
            for stack, claim in self.claims.items()
        }
        return replace(self, claims=renewed)

    def hold(self, wanted: Sequence[Hold]) -> Self | tuple[Hold, ...]:
        """Take all of *wanted*, unless somebody else has one of them.

        What its actor has already is renewed.
        """
        before = [self.holds[hold.stack] for hold in wanted if hold.stack in self.holds]
        others = [hold for hold in before if not admits(hold, wanted[0].actor)]
        if others:
            return tuple(others)
        taken = {hold.stack: hold for hold in wanted}
        kept = {hold.stack: hold.renewed(taken[hold.stack]) for hold in before}
        return replace(self, holds={**self.holds, **taken, **kept})

    def freeze(self, wanted: Hold) -> Self | tuple[Hold, ...]:
        """Take the hold on every stack, unless somebody else has it.

        Holds on single stacks are not in its way, and stay.
        """
        return self.hold([replace(wanted, stack=EVERY)])

    def release_holds(self, holds: Sequence[Hold]) -> Self | None:
        """Release exactly *holds*, if all of them are in force."""
        if not all(hold.is_same(self.holds.get(hold.stack)) for hold in holds):
            return None
        return self._without(holds)

    def steal(self, held: Hold, wanted: Hold) -> Self | None:
        """Put *wanted* in the place of exactly *held*, if that is in force."""
        if not held.is_same(self.holds.get(held.stack)):
            return None
        stolen = replace(wanted, stack=held.stack)
        return replace(self, holds={**self.holds, held.stack: stolen})

    def expire(self, at: datetime) -> tuple[Self, tuple[Hold, ...]]:
        """Release what has come to its end, and return it too, by stack."""
        over = tuple(
            hold
            for _, hold in sorted(self.holds.items())
            if hold.until is not None and hold.until <= at
        )
        return self._without(over), over

    def _without(self, holds: Sequence[Hold]) -> Self:
        gone = {hold.stack for hold in holds}
        left = {stack: hold for stack, hold in self.holds.items() if stack not in gone}
        return replace(self, holds=left)
