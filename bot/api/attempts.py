"""Count failed attempts, by the address that they come from."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(seconds=60)
LIMIT: Final = 20

#: how many addresses are remembered; the one that failed longest ago is forgotten
MOST: Final = 10_000


@dataclass(slots=True)
class _Failures:
    since: datetime
    count: int = 0
    told: bool = False  #: whether it stands in the record that more are refused


class Attempts:
    """Failed attempts by address, within a window; bounded whoever asks.

    Only who fails is refused. That tells which guess was right, but a secret of 256
    bits is not guessed: what is limited is the noise in the log and in the record.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        limit: int = LIMIT,
        window: timedelta = WINDOW,
        most: int = MOST,
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._window = window
        self._most = most
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, address: str) -> int:
        """Return for how many seconds *address* may not try again; 0 if it may."""
        failures = self._failures.get(address)
        if failures is None or failures.count < self._limit:
            return 0
        left = failures.since + self._window - self._clock()
        return max(0, math.ceil(left.total_seconds()))

    def failed(self, address: str) -> None:
        """Count a failed attempt."""
        now = self._clock()
        failures = self._failures.get(address)
        if failures is None or now >= failures.since + self._window:
            failures = self._failures[address] = _Failures(since=now)
        failures.count += 1
        self._failures.move_to_end(address)
        if len(self._failures) > self._most:
            self._failures.popitem(last=False)

    def is_news(self, address: str) -> bool:
        """Tell, once in a window, whether it is to be recorded that it has to wait."""
        failures = self._failures.get(address)
        if failures is None or failures.told:
            return False
        failures.told = True
        return True
