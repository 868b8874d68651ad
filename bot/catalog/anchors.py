"""What a pattern lets through that is meant to match whole commands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from bot.control.patterns import fault, matches_whole

_PIECE: Final = re.compile(
    r"""
      (?P<literal>\\Q.*?(?:\\E|$))
    | (?P<escape>\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|.))
    | (?P<flags>\(\?[a-zA-Z-]+\))
    | (?P<open>\((?:\?(?:P?<[^>]*>|[a-zA-Z-]*:))?)
    | (?P<close>\))
    | (?P<bar>\|)
    | (?P<set>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
    | (?P<times>(?:[*+?]|\{\d+(?:,\d*)?\})\??)
    | (?P<one>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_MANY_LINES: Final = re.compile(r"\(\?[a-zA-Z]*m")
#: `[^']*` between single quotes is safe for a shell; what takes these in is for none.
_SIGNS: Final = ("'", "&")

#: RE2 itself nests 1,000 deep
_DEEPEST: Final = 100

_BEFORE: Final = (
    "matches within a command, so that `rm -rf /;` may come before it; write all of "
    "the command in it, from ^ to $"
)
_BEHIND: Final = (
    "matches how a command begins, so that `; rm -rf /` may follow; write all of the "
    "command in it, up to $"
)
_LINES: Final = (
    "has the flag m, by which ^ and $ hold to one line, so that others may follow; "
    "leave that out"
)
_BRANCH: Final = "; put alternatives in parentheses, as in ^(a|b)$"
_ANYTHING: Final = (
    "takes in anything at `{0}`, `; rm -rf /` too; write which characters may stand "
    "there"
)


def hole(pattern: str) -> str:
    """Return how *pattern* lets more through than it says; empty: it does not."""
    if fault(pattern):
        return ""  # it matches nothing, which OPA tells
    whole, is_by_line = _parsed(pattern), bool(_MANY_LINES.search(pattern))
    edges = _Edges(begin=r"\A", end=r"\z") if is_by_line else _Edges()
    hint = _BRANCH if len(whole.branches) > 1 else ""
    if is_by_line and not _is_held(whole, edges) and _is_held(whole, _Edges()):
        return _LINES
    if not whole.begins(edges):
        return _BEFORE + hint
    if not whole.ends(edges):
        return _BEHIND + hint
    wide = next(whole.anything(repeated=False), "")
    return _ANYTHING.format(wide) if wide else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edges:
    """What holds a pattern to the whole text; those of lines only without flag m."""

    begin: str = "^"
    end: str = "$"

    def is_begin(self, text: str) -> bool:
        return text in (self.begin, r"\A")

    def is_end(self, text: str) -> bool:
        return text in (self.end, r"\z")


@dataclass(slots=True, kw_only=True)
class _Item:
    """A character, a set of them or a group, and how often it may come."""

    text: str
    group: "_Group | None" = None
    times: str = ""

    @property
    def is_optional(self) -> bool:
        return self.times[:1] in ("*", "?") or self.times.startswith("{0")

    @property
    def is_repeated(self) -> bool:
        return self.times[:1] in ("*", "+", "{")

    def begins(self, edges: _Edges) -> bool:
        if self.is_optional:
            return False
        return self.group.begins(edges) if self.group else edges.is_begin(self.text)

    def ends(self, edges: _Edges) -> bool:
        if self.is_optional:
            return False
        return self.group.ends(edges) if self.group else edges.is_end(self.text)

    def anything(self, *, repeated: bool) -> Iterator[str]:
        repeated |= self.is_repeated
        if self.group:
            yield from self.group.anything(repeated=repeated)
        elif repeated and all(matches_whole(self.text, it) for it in _SIGNS):
            yield self.text + self.times


@dataclass(slots=True, kw_only=True)
class _Group:
    """Alternatives, each of them a row of items."""

    branches: list[list[_Item]] = field(default_factory=lambda: [[]])

    def add(self, item: _Item) -> None:
        self.branches[-1].append(item)

    def repeat(self, times: str) -> Self:
        if self.branches[-1]:
            self.branches[-1][-1].times = times
        return self

    def begins(self, edges: _Edges) -> bool:
        return all(row and row[0].begins(edges) for row in self.branches)

    def ends(self, edges: _Edges) -> bool:
        return all(row and row[-1].ends(edges) for row in self.branches)

    def anything(self, *, repeated: bool) -> Iterator[str]:
        for row in self.branches:
            for item in row:
                yield from item.anything(repeated=repeated)


def _is_held(whole: _Group, edges: _Edges) -> bool:
    return whole.begins(edges) and whole.ends(edges)


def _parsed(pattern: str) -> _Group:
    """Return *pattern* as a tree; a bracket that is not closed ends with it."""
    groups = [_Group()]
    for found in _PIECE.finditer(pattern):
        match found.lastgroup:
            case "open" if len(groups) < _DEEPEST:
                opened = _Group()
                groups[-1].add(_Item(text="(", group=opened))
                groups.append(opened)
            case "close" if len(groups) > 1:
                groups.pop()
            case "bar":
                groups[-1].branches.append([])
            case "times":
                groups[-1].repeat(found[0])
            case "flags":
                pass
            case _:
                groups[-1].add(_Item(text=found[0]))
    return groups[0]
