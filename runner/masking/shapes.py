"""Tokens that are known by their shape, though nobody named them as secrets."""

from collections.abc import Iterable, Mapping
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from runner.masking.grammar import Shape
from runner.masking.headers import HEADERS, URLS
from runner.masking.patterns import Range
from runner.masking.pem import PRIVATE_KEYS
from runner.masking.tokens import TOKENS

#: Every shape that is hidden.
SHAPES: Final[tuple[Shape, ...]] = (*TOKENS, *PRIVATE_KEYS, *HEADERS, *URLS)


class WellKnown:
    """A view of all that has the shape of a token, a private key or a password."""

    def __init__(self) -> None:
        anchors = _by_anchor(SHAPES)
        self._shapes = tuple(anchors.values())
        self._scan = BytesAhoCorasick(anchors, MatchKind.Standard, Implementation.DFA)
        # The same bytes are asked about twice.
        self._last: tuple[bytes, list[tuple[int, int, int]]] = (b"", [])
        self._cut = _beginnings(anchors)
        self._longest_cut = max(map(len, self._cut))
        self._last_of_cut = frozenset(each[-1] for each in self._cut)

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        return [
            found
            for nth, start, _ in self._found(data)
            for shape in self._shapes[nth]
            if (found := shape.found(data, start))
        ]

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        # In order, so that of much that has begun only the first is looked at.
        begun = (
            start
            for start, nth in sorted(
                (start, nth) for nth, start, _ in self._found(data)
            )
            if any(shape.is_begun(data, start) for shape in self._shapes[nth])
        )
        return min(next(begun, len(data)), self._cut_anchor(data))

    def _found(self, data: bytes) -> list[tuple[int, int, int]]:
        """Return which anchors stand in *data*, and from where to where."""
        last, found = self._last
        if last is not data:
            found = self._scan.find_matches_as_indexes(data, overlapping=True)
            self._last = data, found
        return found

    def _cut_anchor(self, data: bytes) -> int:
        """Return where an anchor starts that more bytes may complete."""
        if not data or data[-1] not in self._last_of_cut:
            return len(data)
        for start in range(max(0, len(data) - self._longest_cut), len(data)):
            shapes = self._cut.get(data[start:], ())
            if any(shape.is_begun(data, start) for shape in shapes):
                return start
        return len(data)


def _by_anchor(shapes: Iterable[Shape]) -> dict[bytes, tuple[Shape, ...]]:
    known: dict[bytes, tuple[Shape, ...]] = {}
    for shape in shapes:
        for anchor in shape.anchors:
            known[anchor] = (*known.get(anchor, ()), shape)
    return known


def _beginnings(
    anchors: Mapping[bytes, tuple[Shape, ...]],
) -> dict[bytes, tuple[Shape, ...]]:
    """Return what a text may end with that ends within an anchor."""
    known: dict[bytes, tuple[Shape, ...]] = {}
    for anchor, shapes in anchors.items():
        for size in range(1, len(anchor)):
            known[anchor[:size]] = (*known.get(anchor[:size], ()), *shapes)
    return known
