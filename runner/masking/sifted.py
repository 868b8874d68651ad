"""The views of secrets, made so that little of the text is looked at exactly."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from runner.masking.interrupted import OF_CODES, Interrupted, may_be_interrupted
from runner.masking.patterns import (
    BLANKS,
    CONTEXT,
    Range,
    Verbatim,
    View,
    Wrapped,
    wraps_before,
)
from runner.masking.sieve import LONG_HEAD, Sieve

#: How many letters of a pattern, digits aside, make it worth to look for them.
SELECTIVE: Final = 4

#: What stands between the letters of a pattern: what wraps it, or may be part of a
#: code in it.
_NO_LETTERS: Final = BLANKS + OF_CODES

#: Blanks that are no codes, and close what stands before them.
_CLOSING: Final = (b" ", b"\n")

#: As much of a pattern as has no more letters than are looked for.
_BEGUN: Final = re.compile(
    rb"(?:[%(no)b]*+[^%(no)b]){0,%(many)d}[%(no)b]*+"
    % {b"no": re.escape(_NO_LETTERS), b"many": LONG_HEAD}
)

#: What bytes are spelled in.
_DIGITS: Final = b"0123456789abcdefABCDEF%"
_IN_DIGITS: Final = re.compile(rb"[%b]+" % _DIGITS)
_DIGITS_ALIKE: Final = bytes(48 if byte in _DIGITS else 0 for byte in range(256))


def views(plain: Iterable[bytes], encoded: Iterable[bytes]) -> Iterator[View]:
    """Give what finds *plain*, also interrupted, and *encoded*, also wrapped."""
    lettered, others = _by_letters(plain)
    wrapped, others_wrapped = _by_letters(encoded)
    digits = {each for each in wrapped | others_wrapped if _IN_DIGITS.fullmatch(each)}
    if lettered or wrapped - digits:
        yield Sifted(lettered, wrapped - digits)
    if digits:
        yield Digits(digits)
    yield from _exact(others, others_wrapped - digits)


def _by_letters(patterns: Iterable[bytes]) -> tuple[set[bytes], set[bytes]]:
    """Tell patterns that have enough letters from those that have not."""
    lettered, others = set[bytes](), set[bytes]()
    for pattern in patterns:
        few = len(pattern.translate(None, _NO_LETTERS)) < SELECTIVE
        (others if few else lettered).add(pattern)
    return lettered, others


def _exact(plain: Collection[bytes], encoded: Collection[bytes]) -> Iterator[View]:
    if plain:
        verbatim = Verbatim(plain)
        yield verbatim
        yield Interrupted(verbatim)
    if encoded:
        yield Wrapped(encoded)


class Sifted:
    """Plain and encoded patterns, found also where codes or blanks stand in them.

    To take codes out of coloured output is slow, and so is each more scan. So one
    scan looks at what is left when every byte is left out that may belong to a code,
    digits above all. Only what resembles a pattern there is looked at exactly.
    """

    def __init__(self, plain: Collection[bytes], encoded: Collection[bytes]) -> None:
        """Look for patterns that have SELECTIVE letters or more."""
        self._views = tuple(_exact(plain, encoded))
        self._sieve = Sieve({*plain, *encoded}, _NO_LETTERS)
        kinds = (Verbatim, Wrapped)
        self._uninterrupted = tuple(v for v in self._views if isinstance(v, kinds))
        self._wrapped = tuple(v for v in self._views if isinstance(v, Wrapped))
        self._pairs = frozenset(_pairs(plain))
        self._inner = frozenset(pair[-1:] for pair in self._pairs)

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        return [
            match
            for start, end in self._sieve.ranges(data)
            for match in self._between(start, end, data)
        ]

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        tail = self._sieve.tail(data)
        if self._sieve.finds_in(tail):
            return self._live_within(tail, self._views_of(tail), data)
        if not self._is_closed(data):
            tail = self._sieve.end(data)
            return self._live_within(tail, self._views_of(tail), data)
        if wraps_before(len(data), data):
            return self._live_within(self._sieve.end(data), self._wrapped, data)
        return len(data)

    def _live_within(self, tail: bytes, views: Sequence[View], data: bytes) -> int:
        # What stands before a start tells what it is.
        end = data[-len(tail) - CONTEXT :]
        live = min([len(end), *[view.live(end) for view in views]])
        return len(data) - len(end) + live

    def _is_closed(self, data: bytes) -> bool:
        """Tell whether nothing plain that is short goes on behind *data*."""
        if data[-1:] not in _CLOSING:
            return False
        if data[-1:] not in self._inner:
            return True
        return data[-2:] not in self._pairs and data[-2:-1] not in OF_CODES

    def _views_of(self, data: bytes) -> tuple[View, ...]:
        return self._views if may_be_interrupted(data) else self._uninterrupted

    def _between(self, start: int, end: int, data: bytes) -> Iterator[Range]:
        # A cut may go through a code, of which the rest passes for letters.
        offset = max(0, start - CONTEXT)
        part = data[offset : end + CONTEXT]
        for view in self._views_of(data[start:end]):
            for first, last in view.matches(part):
                if start <= offset + first and offset + last <= end:
                    yield offset + first, offset + last


def _pairs(patterns: Iterable[bytes]) -> Iterator[bytes]:
    """Give each blank among the first letters of *patterns* with the byte before it."""
    for begun in map(_begun, patterns):
        if begun[:1] in _CLOSING:
            yield from (bytes([before]) + begun[:1] for before in range(256))
        for at in range(1, len(begun)):
            if begun[at : at + 1] in _CLOSING:
                yield begun[at - 1 : at + 1]


def _begun(pattern: bytes) -> bytes:
    """Return as much of *pattern* as has few letters, or nothing if it has no blank."""
    found = _BEGUN.match(pattern) if b" " in pattern or b"\n" in pattern else None
    return found[0] if found else b""


class Digits:
    """Encoded patterns that are looked for only where many digits stand together."""

    def __init__(self, patterns: Collection[bytes]) -> None:
        """Look for *patterns*, all in digits."""
        self._wrapped = Wrapped(patterns)
        self._run = b"0" * min(map(len, patterns))

    def matches(self, data: bytes) -> list[Range]:
        """Return every match in *data*, overlapping ones too, in any order."""
        if self._run not in data.translate(_DIGITS_ALIKE, BLANKS):
            return []
        return self._wrapped.matches(data)

    def live(self, data: bytes) -> int:
        """Return where the first match starts that more bytes may complete."""
        if data.rstrip(BLANKS)[-1:] not in _DIGITS:
            return len(data)
        return self._wrapped.live(data)
