"""Keep under Slack's limits, so that 429 stays an exception."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at *rate* a second, up to *burst*."""

    rate: float
    burst: float
    clock: Callable[[], float] = time.monotonic
    _tokens: float = -1.0
    _at: float = 0.0

    def wait(self, *, reserve: float = 0.0) -> float:
        """Take a token and return 0, or return in how many seconds there is one.

        *reserve* tokens are left for others who matter more.
        """
        now = self.clock()
        if self._tokens < 0:
            self._tokens, self._at = self.burst, now
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens >= 1 + reserve:
            self._tokens -= 1
            return 0.0
        return (1 + reserve - self._tokens) / self.rate


#: one post a second and channel, with a short burst; `chat.update` is tier 3,
#: 50 a minute for the workspace (docs.slack.dev, "Rate limits")
_POSTS: Final = (1.0, 3.0)
_UPDATES: Final = (45 / 60, 15.0)
#: what tails leave of the updates to the channel's own messages
_RESERVE: Final = 5.0


class Pace:
    """The budgets of one workspace."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._posts: defaultdict[str, Bucket] = defaultdict(
            lambda: Bucket(*_POSTS, clock=clock)
        )
        self._updates = Bucket(*_UPDATES, clock=clock)

    def post(self, channel: str) -> float:
        """Ask for a post; see `Bucket.wait`."""
        return self._posts[channel].wait()

    def update(self, *, matters: bool) -> float:
        """Ask for an update, of a tail unless it *matters*."""
        return self._updates.wait(reserve=0.0 if matters else _RESERVE)
