"""When a run has to be ended, and what comes next when it does not end."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from runner.job import Limits

#: Seconds that a killed container may take to end before the engine counts as gone.
_AFTER_KILL: Final = 30.0

#: Seconds until what could not be done is tried again.
_LATER: Final = 1.0

#: Seconds after its time at which a look at something came late.
_LATE: Final = 1.0


class Due(StrEnum):
    """What is to be done about a run because time has passed."""

    TIMEOUT = "timeout"
    SILENCE = "silence"
    KILL = "kill"  #: it was interrupted and did not end
    GIVE_UP = "give_up"  #: it was killed and did not end


class Deadlines:
    """The times at which something is due, in seconds of one monotonic clock."""

    def __init__(
        self, limits: Limits, *, now: float, age: timedelta, grace: timedelta
    ) -> None:
        self._silence = limits.silence_timeout
        self._grace = grace.total_seconds()
        left = limits.run_timeout - age
        self._at = {Due.TIMEOUT: now + left.total_seconds()}
        self._put_off: set[Due] = set()
        self.heard(now)

    def heard(self, now: float) -> None:
        """Take note of a sign of life."""
        if self._silence is not None and Due.TIMEOUT in self._at:
            self._at[Due.SILENCE] = now + self._silence.total_seconds()

    def postponed(self, due: Due, now: float) -> None:
        """Take note that *due* cannot be done now."""
        self._at[due] = now + _LATER

    def over(self) -> None:
        """Take note that it has ended: nothing more is due."""
        self._at = {}

    def interrupted(self, now: float) -> None:
        """Take note that it was told to end."""
        self._at = {Due.KILL: now + self._grace}

    def killed(self, now: float) -> None:
        """Take note that it was killed."""
        self._at = {Due.GIVE_UP: now + _AFTER_KILL}

    def left(self, now: float) -> float | None:
        """Return the seconds until something is due, or None if nothing will be."""
        return max(0.0, min(self._at.values()) - now) if self._at else None

    def due(self, now: float) -> Due | None:
        """Return what is due, if anything.

        A look that comes late may come of a process that was halted: nothing is said
        of silence then, and all else is put off once, for what has come meanwhile.
        """
        what = min(self._at, key=self._at.__getitem__, default=None)
        if what is None or self._at[what] > now:
            return None
        if now - self._at[what] < _LATE or what in self._put_off:
            return what
        if what is Due.SILENCE:
            self.heard(now)
        else:
            self._put_off.add(what)
            self.postponed(what, now)
        return None
