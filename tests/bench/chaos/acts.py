"""What can happen in a chaos run: things people do, and things that go wrong."""

from dataclasses import dataclass
from enum import StrEnum
from signal import Signals
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Somebody, or a key, has a command run. *token* is in no other command."""

    token: str
    stack: str
    by: str  #: a person, or one of `KEYS`
    lines: int
    pause: int  #: milliseconds, some times over the run
    code: int  #: with which the command exits
    skip_init: bool
    is_repeated: bool  #: delivered, or asked for, once more


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Somebody replies in the newest thread of a stack."""

    words: str
    stack: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Somebody wants the run of a command stopped: by a reply, or by its button."""

    token: str
    by: str
    by_button: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A replica gets a signal, and is started again some seconds after its end."""

    replica: int
    how: Signals
    seconds: float


class Way(StrEnum):
    """What a replica needs connections to."""

    DATABASE = "database"
    SLACK = "slack"


class Trouble(StrEnum):
    """What can be wrong with a connection."""

    CUT = "cut"
    STALLED = "stalled"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturb:
    """The connections of a replica are in trouble for some seconds."""

    way: Way
    replica: int
    trouble: Trouble
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSockets:
    """Slack closes every socket, with or without a word."""

    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The next calls of a Web API method meet a fault: one of `FAULTS`."""

    method: str
    fault: str
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Garble:
    """The next reply reaches the bot twice, or late and so out of order."""

    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartEngine:
    """dockerd is ended, and started again some seconds later."""

    how: Signals
    seconds: float


Act: TypeAlias = (
    Task | Say | Stop | Kill | Disturb | CutSockets | Fail | Garble | RestartEngine
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """An act, and when its turn is: seconds after the beginning."""

    at: float
    act: Act
