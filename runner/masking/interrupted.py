"""Patterns that colour codes, carriage returns or zero-width characters interrupt."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Final

from runner.masking.patterns import CONTEXT, Heads, Range, Verbatim

#: How many bytes may stand between two of a pattern. A colour of 24 bits takes 19.
GAP: Final = 64

#: How many letters of a pattern, digits aside, make it worth to look for them.
SELECTIVE: Final = 4

#: How exactly it is known where the letters stood that resemble a pattern: first
#: by large blocks of bytes, then by small ones.
BLOCK: Final = 4096
SMALL: Final = 256

#: Colours and erased line ends (ECMA-48 SGR and EL, with what `tput sgr0` puts before
#: them), carriage returns, and the characters of Unicode that have no width.
#: Each starts with another byte, which makes them fast to search for.
_CODES: Final = re.compile(
    rb"\x1b(?:\[[0-9:;]{0,24}[mK]|\(B)|\r"
    rb"|\xe2(?:\x80[\x8b-\x8f]|\x81\xa0)|\xef\xbb\xbf|\xc2\xad"
)
_CODES_AND_UNFINISHED: Final = re.compile(
    rb"\x1b(?:\[[0-9:;]{0,24}(?:[mK]|\Z)|\((?:B|\Z)|\Z)|\r"
    rb"|\xe2(?:\x80(?:[\x8b-\x8f]|\Z)|\x81(?:\xa0|\Z)|\Z)"
    rb"|\xef(?:\xbb(?:\xbf|\Z)|\Z)|\xc2(?:\xad|\Z)"
)
#: Every byte that may be part of a code, and may be much else.
_OF_CODES: Final = (
    b"\x1b[(0123456789:;mKB\r\xe2\x80\x81\x8b\x8c\x8d\x8e\x8f\xa0\xef\xbb\xbf\xc2\xad"
)


def uninterrupted(data: bytes) -> bytes:
    """Return *data* without colour codes and other bytes that cannot be seen."""
    return _CODES.sub(b"", data)


class Interrupted:
    """Patterns between whose bytes stand codes that cannot be seen.

    Where none stand, nothing is found: that is for the patterns themselves.

    Codes are frequent in coloured output, and to take them out is slow. So a fast
    scan looks at what is left when every byte that may belong to a code is left
    out. Codes are taken out exactly only where that resembles a pattern.
    """

    def __init__(self, patterns: Verbatim) -> None:
        self._patterns = patterns
        lettered = {each.translate(None, _OF_CODES) for each in patterns.patterns}
        selective = min(map(len, lettered)) >= SELECTIVE
        self._heads = Heads(lettered) if selective else None

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        if not _may_be_interrupted(data):
            return []
        return [
            (offset + start, offset + end)
            for offset, until in self._resembling(data)
            for start, end in self._matches_within(data[offset:until])
            # A code that the cut went through is none any more.
            if not offset or start >= CONTEXT
        ]

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        if not _may_be_interrupted(data):
            return len(data)
        text = self._tail(data)
        tail, live = text.data, self._live_within(text)
        if _is_cut(tail[-CONTEXT:]):
            text = _Uninterrupted(tail, _CODES_AND_UNFINISHED)
            live = min(live, self._live_within(text))
        return len(data) - len(tail) + live

    def _matches_within(self, data: bytes) -> Iterator[Range]:
        text = _Uninterrupted(data, _CODES)
        if len(text.letters) == len(data):
            return
        for start, end in self._patterns.matches(text.letters):
            if text.is_interrupted_between(start, end):
                yield text.origin(start), text.origin(end - 1) + 1

    def _live_within(self, text: "_Uninterrupted") -> int:
        for start in self._patterns.beginnings(text.letters):
            if text.may_go_on_from(start):
                return text.origin(start)
        return len(text.data)

    def _tail(self, data: bytes) -> "_Uninterrupted":
        """Return the end of *data* that has all the letters of a longest pattern."""
        # The cut may go through a code, of which the rest passes for letters.
        enough = self._patterns.longest + CONTEXT
        size = enough + CONTEXT
        while True:
            text = _Uninterrupted(data[-size:], _CODES)
            if size >= len(data) or len(text.letters) >= enough:
                return text
            size *= 2

    def _resembling(self, data: bytes) -> Iterable[Range]:
        """Return, without overlap, the parts of *data* that resemble a pattern."""
        if self._heads is None:
            return [(0, len(data))]
        letters = _Letters(data)
        found: list[Range] = []
        for start in self._heads.starts(letters.all):
            end = start + len(max(self._heads.at(letters.all, start), key=len))
            # Bytes that were left out may stand up to the letters around these.
            first = max(0, letters.before(start) - CONTEXT)
            until = letters.behind(end)
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], until))
            else:
                found.append((first, until))
        return found


class _Letters:
    """The bytes that belong to no code, and about where they stood."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        blocks = _letters_by_block(data, BLOCK)
        self.all = b"".join(blocks)
        self._ends = list(accumulate(map(len, blocks), initial=0))
        self._small: dict[int, list[int]] = {}

    def before(self, index: int) -> int:
        """Return a place between the letters *index* - 1 and *index*, or before."""
        return self._block(index - 1)

    def behind(self, index: int) -> int:
        """Return a place behind the letter *index*, or the end."""
        return self._block(index) + SMALL

    def _block(self, index: int) -> int:
        """Return where the small block begins that has the letter *index*."""
        large = max(0, bisect_right(self._ends, index) - 1)
        at = large * BLOCK
        if at >= len(self._data):
            return at
        if large not in self._small:
            small = _letters_by_block(self._data[at : at + BLOCK], SMALL)
            ends = accumulate(map(len, small), initial=self._ends[large])
            self._small[large] = list(ends)
        return at + max(0, bisect_right(self._small[large], index) - 1) * SMALL


def _letters_by_block(data: bytes, size: int) -> list[bytes]:
    starts = range(0, len(data), size)
    return [data[at : at + size].translate(None, _OF_CODES) for at in starts]


def _is_cut(end: bytes) -> bool:
    """Tell whether *end* may end within a code."""
    return _CODES.sub(b"", end) != _CODES_AND_UNFINISHED.sub(b"", end)


def _may_be_interrupted(data: bytes) -> bool:
    return not data.isascii() or b"\x1b" in data or b"\r" in data


class _Uninterrupted:
    """Some bytes without the codes among them, and where these stood."""

    def __init__(self, data: bytes, codes: re.Pattern[bytes]) -> None:
        self.data = data
        self.letters = codes.sub(b"", data)
        self._codes = codes

    @cached_property
    def _cuts(self) -> tuple[list[int], list[int]]:
        """Where in the letters codes stood, and how many bytes went up to each."""
        places: list[int] = []
        removed = [0]
        for found in self._codes.finditer(self.data):
            place = found.start() - removed[-1]
            if places[-1:] == [place]:  # next to the code before
                removed[-1] += len(found[0])
            else:
                places.append(place)
                removed.append(removed[-1] + len(found[0]))
        return places, removed

    def origin(self, index: int) -> int:
        """Return where the letter *index* stood."""
        places, removed = self._cuts
        return index + removed[bisect_right(places, index)]

    def is_interrupted_between(self, start: int, end: int) -> bool:
        """Tell whether codes stand between the letters, none longer than GAP."""
        gaps = self._gaps(start, end - 1)
        return bool(gaps) and max(gaps) <= GAP

    def may_go_on_from(self, start: int) -> bool:
        """Tell whether no gap between the letter *start* and the end is too long."""
        return max(self._gaps(start, len(self.letters)), default=0) <= GAP

    def _gaps(self, after: int, last: int) -> list[int]:
        places, removed = self._cuts
        first, until = bisect_right(places, after), bisect_right(places, last)
        return [more - less for less, more in pairwise(removed[first : until + 1])]
