"""The values that stand in a secret which is a document: JSON, YAML, key = value."""

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import yaml

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


def leaves(value: bytes) -> frozenset[bytes]:
    """Return every value within *value*, without the names they stand under."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return frozenset()
    found = (leaf.strip() for leaf in (*_of_json(text), *_of_yaml(text), *_set(text)))
    return frozenset(leaf.encode("utf-8", "surrogatepass") for leaf in found)


def _of_json(text: str) -> Iterator[str]:
    if text[:1] not in {"{", "["}:
        return
    try:
        # Numbers stay as they are written.
        pending = [json.loads(text, parse_int=str, parse_float=str)]
    except (ValueError, RecursionError):
        return
    while pending:
        match pending.pop():
            case str(leaf):
                yield leaf
            case list(items):
                pending += items
            case dict(members):
                pending += members.values()
            case _:
                continue


def _of_yaml(text: str) -> Iterator[str]:
    if len(text) > LARGEST_YAML or not _NESTED.search(text) or _is_deep(text):
        return
    try:
        pending: list[yaml.Node | None] = list(
            yaml.compose_all(text, Loader=yaml.SafeLoader)
        )
    except (yaml.YAMLError, RecursionError, *_PASSED_ON):
        return
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
                pending += items
            case yaml.MappingNode(value=members):
                pending += [member for _, member in members]
            case _:
                continue


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
