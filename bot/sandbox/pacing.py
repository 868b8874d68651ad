"""How often each method may be called: Slack's tiers, in token buckets."""

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

#: https://docs.slack.dev/apis/web-api/rate-limits, calls per minute.
TIER_2, TIER_3, TIER_4 = 20, 50, 100
#: chat.postMessage: one a second in each channel, short bursts tolerated.
POST_BURST, POSTS_PER_SECOND = 5, 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """A bucket's size and how many calls a second flow back into it."""

    burst: int
    per_second: float

    @classmethod
    def per_minute(cls, calls: int) -> "Pace":
        """Return the pace of a tier."""
        return cls(calls, calls / 60)


POSTING = Pace(POST_BURST, POSTS_PER_SECOND)


class Pacing:
    """Counts calls per key and says how long to wait."""

    def __init__(
        self, *, on: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.on = on
        self._clock = clock
        self._left: dict[Hashable, tuple[float, float]] = {}

    def wait_for(self, key: Hashable, pace: Pace) -> int:
        """Take one call from *key*'s bucket, or return whole seconds to wait."""
        if not self.on:
            return 0
        now = self._clock()
        left, seen = self._left.get(key, (float(pace.burst), now))
        left = min(pace.burst, left + (now - seen) * pace.per_second)
        taken = left >= 1
        self._left[key] = (left - 1 if taken else left, now)
        return 0 if taken else max(1, math.ceil((1 - left) / pace.per_second))
