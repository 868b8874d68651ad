"""Approvals: who has agreed to a run, and to what exactly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from bot.domain.people import Actor
from bot.domain.policy import Session
from bot.domain.run import Run, RunId
from bot.domain.stack import Stack

_SEPARATOR = "\0"


class Decision(StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What one person said of one run, and of what that run was then."""

    run: RunId
    ordinal: int = 0  #: 1, 2, 3 … within the record, once it is stored
    actor: Actor
    session: Session
    decision: Decision
    note: str = ""
    at: datetime  #: when it was said, which may be long before it was heard
    subject: str  #: `Subject.digest` of what the reviewer saw
    #: it counts no more: the run became another one, or its author may not review
    void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """The reviews of a run: those that count, and those that do not any more."""

    current: tuple[Review, ...] = ()  #: each person's newest, of what the run is now
    older: tuple[Review, ...] = ()

    @property
    def approvals(self) -> tuple[Review, ...]:
        """Return who agrees."""
        return tuple(it for it in self.current if it.decision is Decision.APPROVE)

    @property
    def rejections(self) -> tuple[Review, ...]:
        """Return who does not."""
        return tuple(it for it in self.current if it.decision is Decision.REJECT)


def counted(reviews: Iterable[Review], subject: str) -> Reviews:
    """Return which of *reviews* count for *subject*: what each said last."""
    given = tuple(reviews)
    newest: dict[tuple[str, str, str], Review] = {}
    for review in sorted(given, key=lambda it: (it.at, it.ordinal)):
        if review.subject == subject:
            who = (review.actor.kind, review.actor.id, review.actor.team)
            newest[who] = review
    valid = tuple(it for it in newest.values() if not it.void)
    current = tuple(it for it in given if any(it is one for one in valid))
    older = tuple(it for it in given if not any(it is one for one in current))
    return Reviews(current=current, older=older)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that a reviewer agrees to. What differs in one of it is another subject."""

    command: str
    apply: str
    skip_init: bool
    preset: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    image: str  #: digest
    configuration: str  #: `configuration_digest` of the stack

    @property
    def digest(self) -> str:
        """Return its SHA-256, in hex."""
        given = [f"{name}={value}" for name, value in sorted(self.parameters.items())]
        parts = [
            *(self.command, self.apply, str(self.skip_init), self.preset),
            *(str(len(given)), *given),
            *(self.image, self.configuration),
        ]
        return sha256(_SEPARATOR.join(map(repr, parts)).encode()).hexdigest()


def subject_of(run: Run, image: str, stack: Stack) -> Subject:
    """Return what a reviewer of *run* agrees to as long as *stack* is as it is."""
    return Subject(
        command=run.command,
        apply=run.apply,
        skip_init=run.skip_init,
        preset=run.preset,
        parameters=run.parameters,
        image=image,
        configuration=configuration_digest(stack, run.preset),
    )


def configuration_digest(stack: Stack, preset: str = "") -> str:
    """Return the SHA-256, in hex, of all of *stack* that a run of it depends on.

    Values of secrets are not part of it; where they come from is.
    """
    own = {name: it for name, it in stack.presets.items() if name == preset}
    # Who may read, and where it is told, changes nothing that happens.
    what = replace(stack, presets=own, readers=None, channel=None)
    return sha256(repr(what).encode()).hexdigest()


class Outcome(StrEnum):
    """What policies and built-in rules make of a run."""

    APPROVED = "approved"
    REJECTED = "rejected"
    UNDECIDED = "undecided"  #: it waits for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """What all approval rules of a stack together make of a run, and why."""

    outcome: Outcome
    #: sentences: why it is rejected, by what it is approved, or who has to agree
    notes: tuple[str, ...] = ()


class ReviewAnswer(StrEnum):
    """What became of a review."""

    TAKEN = "taken"
    NOT_ASKED = "not_asked"  #: nobody has to agree, or those who had to have
    CHANGED = "changed"  #: the run is not what the reviewer saw
    OVER = "over"  #: the run has ended
