"""Masks what a container prints and tells it in pieces."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

from runner.events import Output

#: How much is masked at a time, in bytes: about the most that one event carries.
PIECE: Final = 64 * 1024

#: What is told, once, in the place of output that could not be masked.
WITHHELD: Final = b"[output withheld: masking failed]\n"


class Stream(Protocol):
    """Replaces secrets in one stream of output."""

    @property
    def position(self) -> int:
        """How many bytes of the stream have been shown or replaced."""

    def feed(self, data: bytes) -> bytes:
        """Take more of the stream; return what may be shown now."""

    def flush(self) -> bytes:
        """End the stream; return what was held back."""


class Teller:
    """Tells the output of one container."""

    def __init__(
        self, stream: Stream, tell: Callable[[Output], Awaitable[None]]
    ) -> None:
        self._stream = stream
        self._tell = tell
        self._withheld = False

    async def take(self, data: bytes) -> None:
        """Tell as much as is certain to hold no half secret."""
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            await self._pass_on(partial(self._stream.feed, piece))

    async def end(self) -> None:
        """Tell what was held back."""
        await self._pass_on(self._stream.flush)

    async def _pass_on(self, mask: Callable[[], bytes]) -> None:
        if masked := self._masked(mask):
            await self._tell(Output(data=masked, position=self._stream.position))

    def _masked(self, mask: Callable[[], bytes]) -> bytes:
        if self._withheld:
            return b""
        try:
            return mask()
        except Exception:  # noqa: BLE001 - whatever fails here must not show output
            self._withheld = True
            return WITHHELD
