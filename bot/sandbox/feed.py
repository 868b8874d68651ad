"""What changed in the workspace, in order, for the web page and for waiting."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from bot.sandbox.values import Payload

_KEPT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step; `only_for` names the one person who may see it."""

    number: int
    payload: Payload
    channel: str = ""
    only_for: str = ""


class Feed:
    """The last changes, and a way to wait for the next."""

    def __init__(self) -> None:
        #: Tells the numbers of one server's life from those of the next.
        self.life = uuid4().hex[:8]
        self.last = 0
        self.closed = False
        self._changes: deque[Change] = deque(maxlen=_KEPT)
        self._waiting: set[asyncio.Future[None]] = set()

    def publish(
        self, payload: Payload, *, channel: str = "", only_for: str = ""
    ) -> None:
        """Add a change and wake everybody who waits."""
        self.last += 1
        self._changes.append(
            Change(
                number=self.last, payload=payload, channel=channel, only_for=only_for
            )
        )
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    def after(self, number: int) -> Iterator[Change]:
        """Yield the changes later than *number*, oldest first."""
        return iter([change for change in self._changes if change.number > number])

    def covers(self, number: int) -> bool:
        """Tell whether nothing after *number* has been forgotten."""
        oldest = self._changes[0].number if self._changes else self.last + 1
        return oldest - 1 <= number <= self.last

    async def next_wake(self) -> None:
        """Return when something has changed after this call."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def close(self) -> None:
        """Let every follower end."""
        self.closed = True
        self.wake()
