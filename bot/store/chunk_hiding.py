"""Hide texts in chunks of one stream, and leave to each chunk what begins in it."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from bot.ports import HideStream
from bot.store.output import Chunk

#: how many bytes of a chunk are fed singly while an earlier one waits for its end
_SINGLY: Final = 64


class Hidden(NamedTuple):
    """A chunk, and what is left of its data."""

    chunk: Chunk
    data: bytes


@dataclass(slots=True)
class _Open:
    chunk: Chunk
    left: int  #: how many of its bytes are not yet shown or replaced
    data: bytes = b""


class ChunkHiding:
    """Takes the chunks in order. A text may begin in one and end in any later one."""

    def __init__(self, stream: HideStream) -> None:
        self._stream = stream
        self._held = b""  # what went in and did not come out yet
        self._position = 0
        self._open: deque[_Open] = deque()

    def feed(self, chunks: Iterable[Chunk]) -> list[Hidden]:
        """Take the next *chunks*, and return those that are done."""
        return [done for chunk in chunks for done in self._feed(chunk)]

    def flush(self) -> list[Hidden]:
        """Return the chunks that waited for more."""
        self._settle(self._stream.flush(), len(self._held))
        return list(self._done())

    def _feed(self, chunk: Chunk) -> Iterator[Hidden]:
        self._open.append(_Open(chunk, len(chunk.data)))
        yield from self._done()
        at = 0
        while at < len(chunk.data):
            # In small steps over the border, so that what comes out is of one
            # chunk, or is the one text that lies across.
            waits = self._open[0].chunk is not chunk
            size = 1 + at // _SINGLY if waits else len(chunk.data)
            piece = chunk.data[at : at + size]
            at += size
            self._held += piece
            shown = self._stream.feed(piece)
            self._settle(shown, self._stream.position - self._position)
            yield from self._done()

    def _settle(self, shown: bytes, size: int) -> None:
        """Give *shown*, which is what the next *size* bytes became, to its chunks."""
        self._position += size
        came, self._held = self._held[:size], self._held[size:]
        is_same = shown == came
        for waiting in self._open:
            taken = min(waiting.left, size)
            waiting.left -= taken
            size -= taken
            share = taken if is_same else len(shown)
            waiting.data += shown[:share]
            shown = shown[share:]

    def _done(self) -> Iterator[Hidden]:
        while self._open and not self._open[0].left:
            done = self._open.popleft()
            yield Hidden(done.chunk, done.data)
