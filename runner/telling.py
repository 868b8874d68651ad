"""Masks what a container prints and tells it in pieces."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from runner.events import Output

#: The most that one event carries, in bytes.
PIECE: Final = 64 * 1024

#: What is told, once, in the place of output that could not be masked.
WITHHELD: Final = b"[output withheld: masking failed]\n"


class Stream(Protocol):
    """Replaces secrets in one stream of output."""

    def feed(self, data: bytes) -> bytes:
        """Take more of the stream; return what may be shown now."""

    def flush(self) -> bytes:
        """End the stream; return what was held back."""


class Teller:
    """Tells the output of one container, but for the first *told* bytes."""

    def __init__(
        self, stream: Stream, tell: Callable[[Output], Awaitable[None]], told: int = 0
    ) -> None:
        self._stream = stream
        self._tell = tell
        self._known = told
        self._withheld = False

    async def take(self, data: bytes) -> None:
        """Tell as much as is certain to hold no half secret."""
        await self._pass_on(lambda: self._stream.feed(data))

    async def end(self) -> None:
        """Tell what was held back."""
        await self._pass_on(self._stream.flush)

    async def _pass_on(self, mask: Callable[[], bytes]) -> None:
        masked = self._masked(mask)
        known = min(self._known, len(masked))
        self._known -= known
        for start in range(known, len(masked), PIECE):
            await self._tell(Output(data=masked[start : start + PIECE]))

    def _masked(self, mask: Callable[[], bytes]) -> bytes:
        if self._withheld:
            return b""
        try:
            return mask()
        except Exception:  # noqa: BLE001 - whatever fails here must not show output
            self._withheld = True
            return WITHHELD
