"""Where patterns stand in some bytes, and where one may just be beginning."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

#: The first byte of a match and the byte after its last.
Range = tuple[int, int]

#: How many bytes without a blank stand before a place where a text is wrapped.
#: Encoders wrap at 64 or 76 columns. Ordinary lines end in a shorter word, so
#: their ends are not held back as if a secret might go on in the next line.
WRAP: Final = 40

#: How many bytes before a match decide whether it is one.
CONTEXT: Final = WRAP

#: How many bytes of a pattern the fast scan looks for.
HEAD: Final = 8

_BLANKS: Final = b" \t\r\n"
_BLANK: Final = re.compile(rb"[ \t\r\n]")
_WRAPPING: Final = re.compile(rb"(?<=[^ \t\r\n]{%d})[ \t\r\n]{1,%d}" % (WRAP, WRAP))


class View(Protocol):
    """A way to look for patterns in bytes."""

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete.

        That is the length of *data* if there is none.
        """


class Verbatim:
    """Patterns as they stand, none of them empty.

    A fast scan looks for the heads of the patterns; only what stands near one is
    looked at for all that overlaps there.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._patterns = sorted(set(patterns))
        self._automaton = BytesAhoCorasick(self._patterns)
        self.longest = max(map(len, self._patterns))
        self._head = min(HEAD, *map(len, self._patterns))
        heads = {pattern[: self._head] for pattern in self._patterns}
        self._heads = BytesAhoCorasick(
            heads, MatchKind.LeftmostFirst, Implementation.DFA
        )
        self._shorter_than_head = {
            head[:size] for head in heads for size in range(1, self._head)
        }

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        found: list[Range] = []
        for offset, end in self._near_heads(data, self._head + self.longest):
            part = data[offset:end]
            within = self._automaton.find_matches_as_indexes(part, overlapping=True)
            found += [(offset + start, offset + end) for _, start, end in within]
        return found

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        return next(self.beginnings(data), len(data))

    def beginnings(self, data: bytes) -> Iterator[int]:
        """Give, in order, the start of each suffix that may become a pattern."""
        offset = max(0, len(data) - self.longest + 1)
        tail = data[offset:]
        too_short_for_head = max(0, len(tail) - self._head + 1)
        for first, end in self._near_heads(tail, self._head):
            for start in range(first, min(end, too_short_for_head)):
                if self._goes_on(tail[start:]):
                    yield offset + start
        for start in range(too_short_for_head, len(tail)):
            if tail[start:] in self._shorter_than_head:
                yield offset + start

    def _near_heads(self, data: bytes, after: int) -> list[Range]:
        """Return, without overlap, what is near a head: up to *after* from its start.

        The scan finds heads that do not overlap. Any other one overlaps the end of
        one of them.
        """
        near: list[Range] = []
        for _, start, _ in self._heads.find_matches_as_indexes(data):
            if near and start <= near[-1][1]:
                near[-1] = (near[-1][0], start + after)
            else:
                near.append((start, start + after))
        return near

    def _goes_on(self, prefix: bytes) -> bool:
        index = bisect_right(self._patterns, prefix)
        following = self._patterns[index : index + 1]
        return any(pattern.startswith(prefix) for pattern in following)


class Wrapped:
    """Patterns without blanks, found also where white space wraps them.

    A text is wrapped where 1 to WRAP blanks follow WRAP bytes without a blank.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._unwrapped = Verbatim(patterns)
        self._longest = _longest_wrapped(self._unwrapped.longest)

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        found = self._unwrapped.matches(data.translate(None, _BLANKS))
        if not found:
            return []
        origins = _Origins(data)
        ranges = ((origins.of(start), origins.of(end - 1) + 1) for start, end in found)
        return [(start, end) for start, end in ranges if _is_whole(data, start, end)]

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        letters = data[-self._longest :].translate(None, _BLANKS)
        for beginning in self._unwrapped.beginnings(letters):
            start = _start_of_last(len(letters) - beginning, data)
            if start is not None and _is_whole(data, start, len(data)):
                return start
        return len(data)


class _Origins:
    """Where the bytes stood before the blanks were taken out."""

    def __init__(self, data: bytes) -> None:
        blanks = (match.start() for match in _BLANK.finditer(data))
        self._removed = [at - before for before, at in enumerate(blanks)]

    def of(self, index: int) -> int:
        return index + bisect_right(self._removed, index)


def _longest_wrapped(letters: int) -> int:
    """Return how long a text of *letters* bytes can get by being wrapped.

    Blanks may follow its first byte, then at least WRAP bytes come between them.
    """
    return letters + WRAP * (letters // WRAP + 1)


def _start_of_last(letters: int, data: bytes) -> int | None:
    """Return where the last *letters* bytes of *data* begin, blanks not counted.

    None if that is too far away for them to be one wrapped text.
    """
    part = data[-_longest_wrapped(letters) :]
    before = len(part.translate(None, _BLANKS)) - letters
    if before < 0:
        return None
    return len(data) - len(part) + _Origins(part).of(before)


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Tell whether *data* from *start* to *end* is one text, wrapped or not."""
    if not _BLANK.search(data, start, end):
        return True
    context = min(start, CONTEXT)
    text = _WRAPPING.sub(b"", data[start - context : end])
    return not _BLANK.search(text, context)
