"""A case for masking, read from any bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from runner.masking.secrets import Secret, encodings, forms
from tests.unit.runner.masking.tokens import PLACES, TOKENS

#: What separates the sizes of writes, each secret, and the text.
BETWEEN = b"\xff"

_TOKENS = (*TOKENS.values(), *(b"".join(place) for place in PLACES.values()))
_BEFORE = tuple(token[: len(token) // 2] for token in _TOKENS)
_CODES = (b"\x1b[0m", b"\x1b[1;31m", b"\x1b[K", b"\r", "\u200b".encode(), b"\x1b[")
_LINES = (
    *(b"\n::add-mask::", b"\n", b"\r\n", b"\n    ", b"\\n", b"%0A", b" ", b'"'),
    *(b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----", b"-----BEGIN "),
    *(b"Authorization: Bearer ", b"https://", b"://", b":", b"@", b"@sha256:"),
    *(b"a" * 31, b"0" * 40, b"eyJ", b".", b"==", b"xoxb-", b"sig=", b"Q~", b"sk-"),
)
_LONGEST_TEXT = 3000
_MOST_SECRETS = 3

#: In a text, this and the two bytes behind it stand for something else.
_REFERENCE = re.compile(rb"([\xfb-\xfe])(.)(.)", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """Secrets, a text in which they may stand, and how it is cut into writes."""

    sizes: bytes
    values: tuple[bytes, ...]
    template: bytes

    @classmethod
    def read(cls, data: bytes) -> "Case":
        """Read the case that *data* stands for."""
        sizes, *values, template = [b"", *data.split(BETWEEN)][-2 - _MOST_SECRETS :]
        return cls(sizes, tuple(value[:80] for value in values), template)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return tuple(Secret("S", value) for value in self.values)

    @cached_property
    def plain(self) -> frozenset[bytes]:
        """Every form that is hidden where it stands."""
        return frozenset[bytes]().union(*map(forms, self.secrets))

    @cached_property
    def wrapped(self) -> frozenset[bytes]:
        """Every form that is hidden also where blanks wrap it."""
        return frozenset[bytes]().union(*map(encodings, self.secrets))

    @cached_property
    def text(self) -> bytes:
        written = _REFERENCE.sub(self._meant, self.template)
        return written[:_LONGEST_TEXT]

    def writes(self) -> Iterator[bytes]:
        """Give the text in pieces of the sizes, which come again and again."""
        sizes = [size for size in self.sizes if size] or [len(self.text) or 1]
        at = nth = 0
        while at < len(self.text):
            size = sizes[nth % len(sizes)]
            yield self.text[at : at + size]
            at, nth = at + size, nth + 1

    def _meant(self, reference: re.Match[bytes]) -> bytes:
        """Return a form, a token or half of one, a code, or what begins a line."""
        kind, which, cut = reference[1], reference[2][0], reference[3][0]
        match kind:
            case b"\xfe":
                known = sorted(self.plain | self.wrapped)
                meant = known[which * 7 % len(known)] if known else b""
                return meant if cut < 128 else meant[: cut - 128]
            case b"\xfd":
                return (_TOKENS if cut < 128 else _BEFORE)[which % len(_TOKENS)]
            case b"\xfc":
                return _CODES[which % len(_CODES)]
            case _:
                return _LINES[which % len(_LINES)]
