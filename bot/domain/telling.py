"""What a thread is told: values that Slack's messages are rendered from."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.lock import Hold
from bot.domain.people import Actor
from bot.domain.run import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The one channel message of a run, rendered from the record as it is now."""

    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The channel message of a stack, rendered from the record as it is now."""

    stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """The exact command, its init flag, and what was undone in it."""

    run: RunId
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What keeps a run queued, and its place."""

    place: int  #: 1 is the next to start
    blocking_run: RunId | None = None
    hold: Hold | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold was taken."""

    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A hold was released by *actor*."""

    hold: Hold
    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """Somebody asked to stop the run, and it will be."""

    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence of Handrail's own, in plain text."""

    text: str
    to: Actor | None = None  #: whom it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The last lines of the output, rendered from the record as it is now."""

    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """How the run ended; the whole output follows as a file when it does not fit."""

    run: RunId


Telling = (
    Header | Card | Echo | Waiting | Held | Released | StopAsked | Said | Tail | Final
)

#: told again rather than twice: an undelivered one stands for all later ones
IN_PLACE = (Header, Card, Tail)
