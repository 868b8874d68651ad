"""The values that stand in a secret which is a document: JSON, YAML, key = value."""

import json
import re
from collections.abc import Iterator
from itertools import accumulate, chain, islice
from typing import Final

import yaml

#: More would take too long to look for.
MOST_LEAVES: Final = 2_500

#: Larger documents are not read as YAML, which takes a second for some of 100 kB.
LARGEST_YAML: Final = 16 * 1024

#: Deeper ones are not either: each token takes longer by the depth that it is in.
DEEPEST_YAML: Final = 64

#: A line as dotenv, INI and properties files have it.
_SETTING: Final = re.compile(
    r"^[ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*[=:](.*)$", re.MULTILINE
)
#: What YAML with keys or items has, and a single scalar has not.
_NESTED: Final = re.compile(r"^[ \t]*(- |[^\s:#].*?:(\s|$))", re.MULTILINE)

_BRACKET: Final = re.compile(r"[\[\]{}]")

#: What PyYAML lets out of the functions it calls: of "\\UFFFFFFFF", of a version of
#: 5,000 digits.
_PASSED_ON: Final = (ValueError, OverflowError, LookupError)


def leaves(value: bytes) -> tuple[bytes, ...]:
    """Return the first MOST_LEAVES values within *value*, without their names."""
    return tuple(islice(_distinct(value), MOST_LEAVES))


def is_read_in_part(value: bytes) -> bool:
    """Tell whether `leaves` may leave something out, as *value* is too large."""
    if len(value) <= MOST_LEAVES and not _is_deep(value.decode(errors="replace")):
        return False
    text = _text(value)
    unread = not _json(text) and _is_nested(text) and _is_too_much(text)
    return unread or next(islice(_distinct(value), MOST_LEAVES, None), None) is not None


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return ""


def _distinct(value: bytes) -> Iterator[bytes]:
    text = _text(value)
    document = _json(text)
    read = _of_json(document) if document else _of_yaml(text)
    seen: set[str] = set()
    for leaf in map(str.strip, chain(read, _set(text))):
        if leaf not in seen:
            seen.add(leaf)
            yield leaf.encode("utf-8", "surrogatepass")


def _json(text: str) -> list[object]:
    """Return the document that *text* is, if it is one, in a list."""
    if text[:1] not in {"{", "["}:
        return []
    try:
        # Numbers stay as they are written.
        return [json.loads(text, parse_int=str, parse_float=str)]
    except (ValueError, RecursionError):
        return []


def _of_json(document: list[object]) -> Iterator[str]:
    pending = [*document]
    while pending:
        match pending.pop():
            case str(leaf):
                yield leaf
            case list(items):
                pending += reversed(items)
            case dict(members):
                pending += reversed(members.values())
            case _:
                continue


def _of_yaml(text: str) -> Iterator[str]:
    if _is_too_much(text) or not _is_nested(text):
        return
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, *_PASSED_ON):
        return
    pending: list[yaml.Node | None] = [*reversed(documents)]
    seen: set[int] = set()  # an alias is the very node it stands for
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        match node:
            case yaml.ScalarNode(value=leaf):
                yield leaf
            case yaml.SequenceNode(value=items):
                pending += items[::-1]
            case yaml.MappingNode(value=members):
                pending += [member for _, member in reversed(members)]
            case _:
                continue


def _is_nested(text: str) -> bool:
    return bool(_NESTED.search(text))


def _is_too_much(text: str) -> bool:
    return len(text) > LARGEST_YAML or _is_deep(text)


def _is_deep(text: str) -> bool:
    """Tell whether brackets, in texts too, are open in more than a few others."""
    steps = (1 if found[0] in "[{" else -1 for found in _BRACKET.finditer(text))
    return any(depth > DEEPEST_YAML for depth in accumulate(steps))


def _set(text: str) -> Iterator[str]:
    """Give what is set in each line, without the quotes around it."""
    for setting in _SETTING.finditer(text):
        value = setting[1].strip(" \t\r;")
        yield value
        yield value.strip("\"'")
