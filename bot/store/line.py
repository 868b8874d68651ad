"""A lock for which people stand in line, and some may go to its front."""

import asyncio
from collections import deque


class Line:
    """Held by one at a time, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._is_held = False
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, first: bool = False) -> None:
        """Hold it; *first* goes before all who wait, but for others like it."""
        if not self._is_held:
            self._is_held = True
            return
        turn = asyncio.get_running_loop().create_future()
        (self._first if first else self._others).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had come just then
                self.release()
            raise

    def release(self) -> None:
        """Give it to the next one who still waits."""
        while waiting := self._first or self._others:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._is_held = False
