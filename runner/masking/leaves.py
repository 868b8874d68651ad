"""The values that stand in a secret which is a document: JSON, YAML, key = value."""

import json
import re
from collections.abc import Iterator
from typing import Final

import yaml

#: Larger documents are not read as YAML, which takes a second per megabyte.
LARGEST_YAML: Final = 64 * 1024

#: A line as dotenv, INI and properties files have it.
_SETTING: Final = re.compile(
    r"^[ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*[=:](.*)$", re.MULTILINE
)
#: What YAML with keys or items has, and a single scalar has not.
_NESTED: Final = re.compile(r"^[ \t]*(- |[^\s:#].*?:(\s|$))", re.MULTILINE)


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
    if len(text) > LARGEST_YAML or not _NESTED.search(text):
        return
    try:
        pending: list[yaml.Node | None] = list(
            yaml.compose_all(text, Loader=yaml.SafeLoader)
        )
    except (yaml.YAMLError, RecursionError):
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


def _set(text: str) -> Iterator[str]:
    """Give what is set in each line, without the quotes around it."""
    for setting in _SETTING.finditer(text):
        value = setting[1].strip(" \t\r;")
        yield value
        yield value.strip("\"'")
