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


#: what tails leave of the updates to the channel's own messages
_RESERVE: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Rates a second, and bursts.

    One post a second and channel, with a short burst; `chat.update` is tier 3,
    50 a minute for the workspace (docs.slack.dev, "Rate limits").
    """

    posts: tuple[float, float] = (1.0, 4.0)
    updates: tuple[float, float] = (45 / 60, 15.0)


SLACKS_OWN: Final = Budget()


class Pace:
    """The budgets of one workspace, as they are used up."""

    def __init__(
        self, budget: Budget, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._posts: defaultdict[str, Bucket] = defaultdict(
            lambda: Bucket(*budget.posts, clock=clock)
        )
        self._updates = Bucket(*budget.updates, clock=clock)

    def post(self, channel: str) -> float:
        """Ask for a post; see `Bucket.wait`."""
        return self._posts[channel].wait()

    def update(self, *, matters: bool) -> float:
        """Ask for an update, of a tail unless it *matters*."""
        return self._updates.wait(reserve=0.0 if matters else _RESERVE)
