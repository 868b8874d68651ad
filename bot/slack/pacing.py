"""Keep under Slack's limits, so that 429 stays an exception."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
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
        self._fill()
        if self._tokens >= 1 + reserve:
            self._tokens -= 1
            return 0.0
        return (1 + reserve - self._tokens) / self.rate

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no token now."""
        self._fill()
        return self._tokens < 1

    def _fill(self) -> None:
        now = self.clock()
        if self._tokens < 0:
            self._tokens, self._at = self.burst, now
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now


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
        self._clock = clock
        #: until when Slack wants no call of a method, in the whole workspace
        self._resting: dict[str, float] = {}

    def post(self, channel: str) -> float:
        """Ask for a post; see `Bucket.wait`."""
        return self._posts[channel].wait()

    def update(self, *, matters: bool) -> float:
        """Ask for an update, of a tail unless it *matters*."""
        return self._updates.wait(reserve=0.0 if matters else _RESERVE)

    def rest(self, method: str, seconds: float) -> None:
        """Let nobody use *method* for so long, as Slack asked."""
        until = self._clock() + seconds
        self._resting[method] = max(until, self._resting.get(method, until))

    def is_resting(self, methods: Iterable[str]) -> bool:
        """Tell whether one of *methods* is not to be used now."""
        now = self._clock()
        return any(self._resting.get(method, now) > now for method in methods)

    def is_short_of_updates(self) -> bool:
        """Tell whether no message at all may be changed now."""
        return self._updates.is_empty or self.is_resting({"chat.update"})
