"""Where ids and timestamps come from."""

import re
import time
from collections.abc import Callable
from itertools import count


class Mint:
    """Gives out ids and timestamps, each once."""

    def __init__(self) -> None:
        #: what time it is in the workspace, in seconds; a test may set it
        self.now: Callable[[], float] = time.time
        self._numbers = count(1)
        self._given: set[str] = set()
        self._last_microsecond = 0

    def id(self, prefix: str, name: str = "") -> str:
        """Return an unused id, readable if *name* allows (`U0ANN`)."""
        readable = f"{prefix}0{re.sub('[^A-Z0-9]', '', name.upper())}"
        if name and readable not in self._given:
            self._given.add(readable)
            return readable
        return f"{prefix}0{next(self._numbers):09d}"

    def ts(self) -> str:
        """Return a timestamp later than every one before it."""
        now = int(self.now() * 1_000_000)
        self._last_microsecond = max(now, self._last_microsecond + 1)
        seconds, micros = divmod(self._last_microsecond, 1_000_000)
        return f"{seconds}.{micros:06d}"
