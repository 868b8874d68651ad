"""Where a text resembles a pattern at all, found in one scan of its letters."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from ahocorasick_rs import MatchKind

from runner.masking.patterns import Range, automaton

#: How many letters of a pattern the scan looks for: few, to stay in the caches.
HEAD: Final = 8

#: How many letters are looked for of patterns that begin in one case, as words and
#: digits do. Ordinary output has much that begins like them.
LONG_HEAD: Final = 16

#: How exactly it is known where letters stood: first by large blocks of bytes, then
#: by small ones.
BLOCK: Final = 1024
SMALL: Final = 64


class Sieve:
    """Patterns by their letters: what is left when some bytes are left out.

    Where a pattern stands, its letters stand among those of the text, whatever of
    the bytes that are left out stands between them.
    """

    def __init__(self, patterns: Iterable[bytes], left_out: bytes) -> None:
        """Make one of *patterns* that all have letters besides *left_out*."""
        self._left_out = left_out
        lettered = {pattern.translate(None, left_out) for pattern in patterns}
        reach: dict[bytes, int] = {}
        for letters in lettered:
            head = _head(letters)
            reach[head] = max(len(letters), reach.get(head, 0))
        self._reach = list(reach.values())
        self._longest = max(self._reach)
        self._head = max(map(len, reach))
        self._begun = {head[:size] for head in reach for size in range(1, len(head))}
        self._automaton = automaton(reach, MatchKind.Standard)

    def ranges(self, data: bytes) -> list[Range]:
        """Return, in order, the parts of *data* in which all matches stand."""
        if len(data) <= BLOCK and not self.finds_in(data):
            return []
        letters = _Letters(data, self._left_out)
        spans = _merged(self._spans(letters.all))
        return _merged((letters.before(at), letters.behind(end)) for at, end in spans)

    def finds_in(self, data: bytes) -> bool:
        """Tell whether the letters that a pattern begins with stand in *data*."""
        letters = data.translate(None, self._left_out)
        return bool(self._automaton.find_matches_as_indexes(letters))

    def tail(self, data: bytes) -> bytes:
        """Return an end of *data* with all starts that more bytes may complete."""
        return self._last(self._longest + 1, data)

    def end(self, data: bytes) -> bytes:
        """Return the same, if no letters that a pattern begins with are at its end."""
        letters = self._last(self._head, data).translate(None, self._left_out)
        for start in range(max(0, len(letters) - self._head + 1), len(letters)):
            if letters[start:] in self._begun:
                return self._last(len(letters) - start + 1, data)
        return self._last(1, data)

    def _spans(self, letters: bytes) -> Iterator[Range]:
        """Give where letters may be those of a pattern."""
        found = self._automaton.find_matches_as_indexes(letters, overlapping=True)
        for which, start, _ in found:
            yield start, start + self._reach[which]

    def _last(self, letters: int, data: bytes) -> bytes:
        """Return an end of *data* that has so many letters, or all of it."""
        size = 2 * letters
        while size < len(data):
            end = data[-size:]
            if len(end.translate(None, self._left_out)) >= letters:
                return end
            size *= 2
        return data


class _Letters:
    """The bytes that are not left out, and about where they stood."""

    def __init__(self, data: bytes, left_out: bytes) -> None:
        self._data = data
        self._left_out = left_out
        blocks = self._by_block(data, BLOCK)
        self.all = b"".join(blocks)
        self._ends = list(accumulate(map(len, blocks), initial=0))
        self._small: dict[int, list[int]] = {}

    def before(self, index: int) -> int:
        """Return a place between the letters *index* - 1 and *index*, or before."""
        return self._block(index - 1)

    def behind(self, index: int) -> int:
        """Return a place behind the letter *index*, or the end."""
        return min(self._block(index) + SMALL, len(self._data))

    def _block(self, index: int) -> int:
        """Return where the small block begins that has the letter *index*."""
        large = max(0, bisect_right(self._ends, index) - 1)
        at = large * BLOCK
        if at >= len(self._data):
            return at
        if large not in self._small:
            small = self._by_block(self._data[at : at + BLOCK], SMALL)
            ends = accumulate(map(len, small), initial=self._ends[large])
            self._small[large] = list(ends)
        return at + max(0, bisect_right(self._small[large], index) - 1) * SMALL

    def _by_block(self, data: bytes, size: int) -> list[bytes]:
        starts = range(0, len(data), size)
        return [data[at : at + size].translate(None, self._left_out) for at in starts]


def _head(letters: bytes) -> bytes:
    head = letters[:HEAD]
    is_of_one_case = head in {head.lower(), head.upper()}
    return letters[:LONG_HEAD] if is_of_one_case else head


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """Return *ranges*, which come about in order, with those that meet as one."""
    merged: list[Range] = []
    for start, end in ranges:
        if merged and start <= merged[-1][1]:
            merged[-1] = (min(start, merged[-1][0]), max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
