"""Whether Slack answers: while it does not, one letter at a time asks again."""

import time
from collections.abc import Callable
from typing import Final

_LONGEST_PAUSE: Final = 30.0


class Reach:
    """How far a workspace is to be had, as the last answers show."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._failed_at = 0.0
        self._ask_at = 0.0

    def may_ask(self, under_way: int) -> bool:
        """Tell whether one more may be sent, while so many are on their way."""
        if not self._failures:
            return True
        return under_way == 0 and self._clock() >= self._ask_at

    def now(self) -> float:
        """Return when an attempt begins, for `failed`."""
        return self._clock()

    def answered(self) -> None:
        """Note that Slack is there."""
        self._failures = 0

    def failed(self, since: float) -> None:
        """Note that an attempt of *since* got no answer, and pause for longer.

        What began before the last failure was known tells nothing new.
        """
        if self._failures and since < self._failed_at:
            return
        self._failed_at = self._clock()
        self._ask_at = self._failed_at + min(2.0**self._failures, _LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 10)
