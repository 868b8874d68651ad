"""What a job is asked for, how patient it is, and how it says that it did nothing."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.client.api import Denied

#: nothing was run; it may be at another time (sysexits.h, EX_TEMPFAIL)
NOT_NOW: Final = 75
#: nothing was run, and nothing will be (sysexits.h, EX_NOPERM)
NOT_PERMITTED: Final = 77


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be run here, and how long its turn may be waited for."""

    stack: str
    command: tuple[str, ...]
    wait: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often Handrail is asked, and how long it may be away, in seconds."""

    first: float = 1.0  #: before it is asked again, growing to `slowest`
    slowest: float = 5.0
    beat: float = 20.0  #: between two heartbeats of a command that runs
    looking: float = 0.5  #: between two looks for what a command has left behind
    announcing: float = 30.0  #: how long it may be away at the start
    withdrawing: float = 10.0  #: the same when a run is given up
    forgetting: float = 5.0  #: for an announcement whose answer was missed
    reporting: float = 300.0  #: the same when the command has ended

    def longer(self, pause: float) -> float:
        """Return what to wait after *pause*."""
        return min(pause * 1.5, self.slowest)


class NotRun(Exception):
    """The command was not run; *code* is what to exit with."""

    def __init__(self, sentence: str, *, code: int) -> None:
        super().__init__(sentence)
        self.code = code


def refused(refusal: Denied) -> NotRun:
    """Return Handrail's no as the reason why nothing was run."""
    code = NOT_NOW if refusal.is_about_now else NOT_PERMITTED
    return NotRun(str(refusal), code=code)


def now() -> float:
    """Return the time by which deadlines are measured, in seconds."""
    return asyncio.get_running_loop().time()
