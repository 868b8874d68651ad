"""Allow lists: patterns of whole commands, in which signs of the shell are safe.

A character that means something to a shell matches only where the entry writes that
very character: `.`, `[^a]`, a range and the like stand for all others. To that end
those characters are moved, in the command and where the entry writes them, to code
points that nothing else in a pattern matches.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from bot.control.patterns import fault as fault_of_pattern
from bot.control.patterns import matches_whole

#: What a shell reads as anything but itself.
METACHARACTERS: Final = ";&|`$()<>\n\r'\"\\*?[]{}~#!"

#: Noncharacters of Unicode: they are in no class, and in no text that is meant.
_FIRST, _LAST = 0xFDD0, 0xFDEF
_MOVED: Final = r"\x{FDD0}-\x{FDEF}"
_MOVES: Final = {ord(it): _FIRST + at for at, it in enumerate(METACHARACTERS)}

_ANY: Final = f"[^{_MOVED}]"
_NOTHING: Final = r"[^\x00-\x{10FFFF}]"

_CONTROLS: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_NUMBERED: Final = re.compile(r"\\(?:x\{?([0-9A-Fa-f]+)\}?|([0-7]{1,3}))")

# The parts of a pattern, as RE2's page of its syntax has them.
_CHARACTER: Final = (
    r"\\(?:x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|[^dDsSwWpPbBAzCQE])"
)
_NAMED: Final = r"\\[dDsSwW]|\\[pP](?:\{[^}]*\}|.)"
_TOKEN: Final = re.compile(
    rf"""
      \\Q(?P<quoted>.*?)(?:\\E|\Z)
    | (?P<named>{_NAMED})
    | (?P<any>\.|\\C)
    | (?P<syntax>\\[bBAz]|\(\?P?<[^>]*>|\(\?[imsU-]*[:)]|\{{\d+(?:,\d*)?\}}|[|()*+?^$])
    | (?P<opened>\[\^?)
    | (?P<character>{_CHARACTER}|.)
    """,
    re.ASCII | re.DOTALL | re.VERBOSE,
)
_ITEM: Final = re.compile(
    rf"""
      (?P<named>\[:\^?\w*:\]|{_NAMED})
    | (?P<first>{_CHARACTER}|.)(?:-(?!\])(?P<last>{_CHARACTER}|.))?
    """,
    re.ASCII | re.DOTALL | re.VERBOSE,
)


def fault(entry: str) -> str:
    """Return what RE2 has against *entry*; empty: nothing."""
    return fault_of_pattern(entry) or fault_of_pattern(_guarded(entry))


def matches(entry: str, command: str) -> bool:
    """Tell whether *entry* allows *command*, all of it and with all its signs."""
    if any(_FIRST <= ord(it) <= _LAST for it in command):
        return False
    # The entry has to match as it is, too, should a part of it be misread here.
    return matches_whole(entry, command) and matches_whole(
        _guarded(entry), command.translate(_MOVES)
    )


@lru_cache(maxsize=1000)
def _guarded(entry: str) -> str:
    """Return *entry* as a pattern of commands in which metacharacters are moved."""
    return "".join(_parts(entry))


def _parts(entry: str) -> Iterator[str]:
    at = 0
    while found := _TOKEN.match(entry, at):
        at = found.end()
        if found["opened"]:
            end = _end_of_class(entry, at)
            yield _class(found["opened"], entry[at:end])
            at = end + 1
        else:
            yield _part(found)


def _part(found: re.Match[str]) -> str:
    if found["character"]:
        return _written(_code(found["character"]))
    if found["named"]:
        return _named(found["named"])
    if found["any"]:
        return _ANY
    return found["syntax"] or "".join(_written(ord(it)) for it in found["quoted"])


def _end_of_class(entry: str, start: int) -> int:
    """Return where the class ends whose items begin at *start*."""
    at = start
    while at < len(entry) and (at == start or entry[at] != "]"):
        found = _ITEM.match(entry, at)
        at = found.end() if found else len(entry)
    return at


def _class(opened: str, items: str) -> str:
    if opened == "[^":
        return f"[^{items}{_MOVED}]"
    # RE2 has no intersection of classes, but what it has can be one of several.
    return f"(?:{'|'.join(map(_item, _ITEM.finditer(items)))})"


def _item(found: re.Match[str]) -> str:
    if found["named"]:
        return _named(found["named"])
    first = _code(found["first"])
    if found["last"] is None:
        return _written(first)
    return _between(first, _code(found["last"]))


def _named(text: str) -> str:
    r"""Return a named class, as `\W` or `[:alpha:]`, without what is moved."""
    if text.startswith("[:"):
        opposite = text.replace("[:^", "[:")
        return f"[{text}]" if opposite == text else f"[^{opposite}{_MOVED}]"
    is_negative = text[1].isupper() != ("{^" in text)
    opposite = f"\\{text[1].lower()}{text[2:].replace('{^', '{')}"
    if opposite == r"\p{Any}":
        return _NOTHING if is_negative else _ANY
    return f"[^{opposite}{_MOVED}]" if is_negative else opposite


def _between(first: int, last: int) -> str:
    """Return the characters of a range, which writes none of them by itself."""
    parts = [(first, min(last, _FIRST - 1)), (max(first, _LAST + 1), last)]
    ranges = [rf"\x{{{low:X}}}-\x{{{high:X}}}" for low, high in parts if low <= high]
    return f"[{''.join(ranges)}]" if ranges else _NOTHING


def _written(code: int) -> str:
    if _FIRST <= code <= _LAST:
        return _NOTHING
    return rf"\x{{{_MOVES.get(code, code):X}}}"


def _code(text: str) -> int:
    r"""Return the character that stands there as itself, as `\;` or as a number."""
    if text == "\\" or not text.startswith("\\"):
        return ord(text)
    if number := _NUMBERED.fullmatch(text):
        return int(number[1], 16) if number[1] else int(number[2], 8)
    return _CONTROLS.get(text[1], ord(text[1]))
