"""What a thread is told: values that Slack's messages are rendered from."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.approval import Decision
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
    """What keeps a run queued, and its place, from the record as it is now."""

    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Holds were taken, all at once."""

    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Holds were released by *actor*."""

    holds: tuple[Hold, ...]
    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stolen:
    """A hold passed from its holder to an admin, whose hold gives the reason."""

    held: Hold
    wanted: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A hold came to its end by itself."""

    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a tracked run would change, rendered from the record as it is now."""

    run: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Somebody agreed, or did not agree, to the thread's run."""

    actor: Actor
    decision: Decision
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Somebody confirmed the plan of the thread's run."""

    actor: Actor


class NoticeKind(StrEnum):
    """What a direct message is about."""

    STOLEN = "stolen"  #: your hold was taken over by *actor*
    RELEASED = "released"  #: your hold was released by *actor*
    ENDS_SOON = "ends_soon"  #: your hold ends; Extend, Release
    STILL_NEEDED = "still_needed"  #: your hold has no end; Keep, Release
    HOLDER_GONE = "holder_gone"  #: to admins: the holder is deactivated
    FREE = "free"  #: the stack on which you were refused is free
    MOVED = "moved"  #: to admins: a thread goes on in another channel
    UNDONE = "undone"  #: of your command, *reason*, nothing was done


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A thread that goes on in another channel, by the ids of both."""

    run: RunId | None  #: None: it is of its stack
    left: str
    to: str  #: or a person's id
    why: str  #: Slack's word for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A direct message: the first and only one of its thread."""

    kind: NoticeKind
    stack: str
    hold: Hold | None = None
    actor: Actor | None = None
    reason: str = ""
    move: Move | None = None


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
    Header
    | Card
    | Notice
    | Echo
    | Waiting
    | Held
    | Released
    | Stolen
    | Expired
    | Planned
    | Confirmed
    | Reviewed
    | StopAsked
    | Said
    | Tail
    | Final
)

#: told again rather than twice: an undelivered one stands for all later ones
IN_PLACE = (Header, Card, Waiting, Tail)
