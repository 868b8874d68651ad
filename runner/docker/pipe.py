"""Carries output from the thread that reads it to the task that wants it."""

import asyncio
from contextlib import suppress
from threading import Condition
from typing import Final

#: How much may wait to be taken, in bytes; more waits in the engine.
CAPACITY: Final = 1 << 20

#: Output that keeps coming is handed over at most this often, in seconds: what it
#: costs to pass it on depends on how many pieces there are, not on how long.
PAUSE: Final = 0.02

#: So many pieces without a pause mean that output keeps coming.
_IN_A_ROW: Final = 8


class Abandoned(Exception):
    """Nobody wants the output any more."""


class Pipe:
    """A bounded pipe; made by the task that reads from it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._over = asyncio.Event()
        self._taken_at = 0.0
        self._in_a_row = 0
        self._room = Condition()
        self._waiting = bytearray()
        self._ended = False
        self._abandoned = False
        self._error: Exception | None = None

    def write(self, data: bytes) -> None:
        """Hand over *data*; from the thread. Waits for room, may raise Abandoned."""
        with self._room:
            while len(self._waiting) >= CAPACITY and not self._abandoned:
                self._room.wait()
            if self._abandoned:
                raise Abandoned
            was_empty = not self._waiting
            self._waiting += data
            if was_empty:
                self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Say that nothing more comes, or what went wrong; from the thread."""
        with self._room:
            self._ended, self._error = True, error
            if not self._abandoned:
                self._wake()
                self._loop.call_soon_threadsafe(self._over.set)

    async def read(self) -> bytes | None:
        """Return what waits, once something does; None at the end."""
        while True:
            await self._filled.wait()
            await self._gather()
            data, ended = self._take()
            if data:
                return data
            if ended and self._error is not None:
                raise self._error
            if ended:
                return None

    def abandon(self) -> None:
        """Want nothing more."""
        with self._room:
            self._abandoned = True
            self._room.notify()

    async def _gather(self) -> None:
        """Let more come first, if output keeps coming."""
        since = self._loop.time() - self._taken_at
        self._in_a_row = self._in_a_row + 1 if since < 2 * PAUSE else 0
        if self._in_a_row >= _IN_A_ROW:
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._over.wait()
        self._taken_at = self._loop.time()

    def _take(self) -> tuple[bytes, bool]:
        with self._room:
            data = bytes(self._waiting)
            self._waiting.clear()
            self._room.notify()
            if not self._ended:
                self._filled.clear()
            return data, self._ended

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._filled.set)
