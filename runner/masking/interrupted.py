"""Patterns that colour codes, carriage returns or zero-width characters interrupt."""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import pairwise
from typing import Final

from runner.masking.patterns import CONTEXT, Range, Verbatim

#: How many bytes may stand between two of a pattern. A colour of 24 bits takes 19.
GAP: Final = 64

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
#: What may be the beginning of a code, and the size of the longest.
_UNFINISHED: Final = re.compile(
    rb"(?:\x1b(?:\[[0-9:;]{0,24}|\()?|\xe2[\x80\x81]?|\xef\xbb?|\xc2)\Z"
)
_LONGEST_CODE: Final = 27

#: Every byte that may be part of a code, finished or not, and may be much else.
OF_CODES: Final = (
    b"\x1b[(0123456789:;mKB\r\xe2\x80\x81\x8b\x8c\x8d\x8e\x8f\xa0\xef\xbb\xbf\xc2\xad"
)


def uninterrupted(data: bytes) -> bytes:
    """Return *data* without colour codes and other bytes that cannot be seen."""
    return _CODES.sub(b"", data)


def may_be_interrupted(data: bytes) -> bool:
    """Tell, at once, whether codes may stand in *data*."""
    return not data.isascii() or b"\x1b" in data or b"\r" in data


class Interrupted:
    """Patterns between whose bytes stand codes that cannot be seen.

    Where none stand, nothing is found: that is for the patterns themselves.
    """

    def __init__(self, patterns: Verbatim) -> None:
        self._patterns = patterns

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        if not may_be_interrupted(data):
            return []
        text = _Uninterrupted(data, _CODES)
        if len(text.letters) == len(data):
            return []
        return [
            (text.origin(start), text.origin(end - 1) + 1)
            for start, end in self._patterns.matches(text.letters)
            if text.is_interrupted_between(start, end)
        ]

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        if not may_be_interrupted(data):
            return len(data)
        text = self._tail(data)
        tail, live = text.data, self._live_within(text)
        if _UNFINISHED.search(tail, max(0, len(tail) - _LONGEST_CODE)):
            text = _Uninterrupted(tail, _CODES_AND_UNFINISHED)
            live = min(live, self._live_within(text))
        return len(data) - len(tail) + live

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


class _Uninterrupted:
    """Some bytes without the codes among them, and where these stood."""

    def __init__(self, data: bytes, codes: re.Pattern[bytes]) -> None:
        self.data = data
        self.letters = codes.sub(b"", data)
        self._codes = codes

    @cached_property
    def _cuts(self) -> tuple[list[int], list[int]]:
        """Where in the letters codes stood, and how many bytes went up to each."""
        places = [-1]
        removed = [0]
        gone = 0
        for start, end in map(re.Match.span, self._codes.finditer(self.data)):
            place = start - gone
            gone += end - start
            if place == places[-1]:  # next to the code before
                removed[-1] = gone
            else:
                places.append(place)
                removed.append(gone)
        return places[1:], removed

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
