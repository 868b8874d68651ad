"""Rego as a row of tokens: as much of its grammar as finding a name needs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a token is."""

    COMMENT = "comment"
    TEXT = "text"  #: a string, raw or not, with its quotes
    WORD = "word"
    SPACE = "space"
    MARK = "mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of a source; *start* is its offset in characters."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Return the offset behind it."""
        return self.start + len(self.text)


_TOKEN: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<text>`[^`]*`? | "(?:[^"\\\n]|\\.)*"?)
      | (?P<word>[^\W\d]\w*)
      | (?P<space>\s+)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


def tokens(source: str) -> tuple[Token, ...]:
    """Return what *source* means by itself: neither space nor comments."""
    return tuple(it for it in _all(source) if it.kind not in {Kind.SPACE, Kind.COMMENT})


def place_of(source: str, name: str) -> tuple[int, int]:
    """Return the row and column of *name*, as in `http.send`; zeros: nowhere."""
    wanted = re.split(r"(\.)", name)
    found = tokens(source)
    for at, first in enumerate(found):
        if [it.text for it in found[at : at + len(wanted)]] == wanted:
            return place_at(source, first.start)
    return 0, 0


def place_of_rule(source: str, name: str) -> tuple[int, int]:
    """Return the row and column of the first rule called *name*; zeros: nowhere."""
    for token in tokens(source):
        row, column = place_at(source, token.start)
        if column == 1 and token.text == name:
            return row, column
    return place_of(source, name)


def place_at(source: str, offset: int) -> tuple[int, int]:
    """Return the row and column of the character at *offset*, counted from 1."""
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def joined(found: Sequence[Token], first: int, last: int) -> bool:
    """Tell whether the tokens from *first* to *last* are there, with no gap."""
    if last >= len(found):
        return False
    return all(found[at].end == found[at + 1].start for at in range(first, last))


def _all(source: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(source):
        yield Token(kind=Kind(str(found.lastgroup)), text=found[0], start=found.start())
