"""Where patterns stand in some bytes, and where one may just be beginning."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
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

#: Up to how many heads the fastest automaton is made, which takes most to make.
FEW: Final = 5000

BLANKS: Final = b" \t\r\n"
_EACH_BLANK: Final = (b" ", b"\t", b"\r", b"\n")
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


def automaton(heads: Collection[bytes], kind: MatchKind) -> BytesAhoCorasick:
    """Return what finds *heads* in one scan."""
    few = len(heads) <= FEW
    implementation = Implementation.DFA if few else Implementation.ContiguousNFA
    return BytesAhoCorasick(heads, kind, implementation)


class Heads:
    """The patterns by their beginnings, all of one size: what a fast scan finds."""

    def __init__(self, patterns: Iterable[bytes]) -> None:
        ordered = sorted(patterns)
        self.size = min(HEAD, *map(len, ordered))
        by_head = groupby(ordered, lambda pattern: pattern[: self.size])
        self.patterns = {head: tuple(group) for head, group in by_head}
        self._automaton = automaton(self.patterns, MatchKind.LeftmostFirst)

    def starts(self, data: bytes) -> Iterator[int]:
        """Give, in order, every place where a head stands.

        The scan finds heads that do not overlap. Any other one overlaps the end of
        one of them.
        """
        for _, found, end in self._automaton.find_matches_as_indexes(data):
            yield found
            for start in range(found + 1, end):
                if data[start : start + self.size] in self.patterns:
                    yield start

    def at(self, data: bytes, start: int) -> tuple[bytes, ...]:
        """Return, in order, the patterns that begin as *data* goes on at *start*."""
        return self.patterns[data[start : start + self.size]]


class Verbatim:
    """Patterns as they stand, none of them empty."""

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self.patterns = frozenset(patterns)
        self.longest = max(map(len, self.patterns))
        self._heads = Heads(self.patterns)
        self._shorter_than_head = {
            head[:size] for head in self._heads.patterns for size in range(1, len(head))
        }

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        return [
            (start, start + len(pattern))
            for start in self._heads.starts(data)
            for pattern in self._heads.at(data, start)
            if data.startswith(pattern, start)
        ]

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        return next(self.beginnings(data), len(data))

    def beginnings(self, data: bytes) -> Iterator[int]:
        """Give, in order, the start of each suffix that may become a pattern."""
        offset = max(0, len(data) - self.longest + 1)
        tail = data[offset:]
        for start in self._heads.starts(tail):
            if self._goes_on(tail, start):
                yield offset + start
        for start in range(max(0, len(tail) - self._heads.size + 1), len(tail)):
            if tail[start:] in self._shorter_than_head:
                yield offset + start

    def _goes_on(self, data: bytes, start: int) -> bool:
        prefix = data[start:]
        following = self._heads.at(data, start)
        index = bisect_right(following, prefix)
        return any(each.startswith(prefix) for each in following[index : index + 1])


class Wrapped:
    """Patterns without blanks, found also where white space wraps them.

    A text is wrapped where 1 to WRAP blanks follow WRAP bytes without a blank.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._unwrapped = Verbatim(patterns)
        self._longest = _longest_wrapped(self._unwrapped.longest)

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        found = self._unwrapped.matches(data.translate(None, BLANKS))
        if not found:
            return []
        origins = _Origins(data)
        ranges = ((origins.of(start), origins.of(end - 1) + 1) for start, end in found)
        return [(start, end) for start, end in ranges if _is_whole(data, start, end)]

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        word = 1 + max(map(data.rfind, _EACH_BLANK))
        if not wraps_before(word, data):
            return word + self._unwrapped.live(data[word:])
        letters = data[-self._longest :].translate(None, BLANKS)
        for beginning in self._unwrapped.beginnings(letters):
            start = _start_of_last(len(letters) - beginning, data)
            if start is not None and _is_whole(data, start, len(data)):
                return start
        return len(data)


def wraps_before(at: int, data: bytes) -> bool:
    """Tell whether the blanks that end *at* wrap what stands around them."""
    before = data[max(0, at - 2 * WRAP) : at]
    end = len(before.rstrip(BLANKS))
    return end >= WRAP and not _BLANK.search(before, end - WRAP, end)


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
    before = len(part.translate(None, BLANKS)) - letters
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
