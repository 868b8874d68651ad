"""YAML as composed nodes: plain values that still know their line and column."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import yaml
from yaml.constructor import ConstructorError
from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from bot.catalog.problem import (
    TOP,
    ConfigProblems,
    Finding,
    Problem,
    Where,
    plain,
    short,
    spelled,
)

_MERGE: Final = "tag:yaml.org,2002:merge"
_KEYS: Final = {"tag:yaml.org,2002:str", _MERGE}
_COLLECTIONS: Final = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}

#: What PyYAML says, and what to do about it.
_ADVICE: Final = (
    (
        r"found character '\\t'",
        "there is a tab here; YAML is indented with spaces",
    ),
    (
        r"found character '([@`%])'",
        "a text that begins with {0} has to be in quotes",
    ),
    (
        r"mapping values are not allowed",
        (
            "a text that contains a colon and a space has to be in quotes; otherwise "
            "indent this line like its neighbours"
        ),
    ),
    (
        r"but found another document|expected '<document start>'",
        "the file goes on after its end; write one document, its keys at the left edge",
    ),
    (
        r"found undefined alias",
        "this alias has no anchor before it; define it with & first",
    ),
    (
        r"<stream end>|while scanning a quoted scalar",
        "a bracket or a quote is not closed; a text with # in it has to be in quotes",
    ),
)


@dataclass(slots=True)
class Document:
    """A file's one document.

    *value* is made of dicts, lists and scalars, without what was left blank;
    *findings* say what was wrong with the YAML itself.
    """

    file: str
    root: Node
    value: object = None
    findings: list[Finding] = field(default_factory=list)

    def problem(self, finding: Finding) -> Problem:
        """Return *finding* with its line: that of the mapping for a missing key."""
        mark = self._mark(finding)
        return Problem(
            file=self.file,
            line=mark.line + 1,
            column=mark.column + 1,
            where=spelled(finding.where),
            text=plain(finding.text),
        )

    def written(self, where: Where) -> str | None:
        """Return the scalar at *where* as it is written, None if there is none."""
        node = self.root
        for part in where:
            pair = _pair(node, part)
            if pair is None:
                return None
            node = pair[1]
        return str(node.value) if isinstance(node, ScalarNode) else None

    def _mark(self, finding: Finding) -> Mark:
        key = node = self.root
        for part in finding.where:
            pair = _pair(node, part)
            if pair is None:
                return node.start_mark
            key, node = pair
        return (key if finding.on_key else node).start_mark


def read_document(path: Path) -> Document:
    """Return what *path* holds, or raise ConfigProblems where it is not YAML."""
    text = _read(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            _refuse(path, "the file is empty; begin it with `version: 1`", None)
        document = Document(file=str(path), root=root)
        document.value = _Values(document.findings).of(root, TOP)
    except MarkedYAMLError as error:
        _refuse(path, _advice(error), error.problem_mark or error.context_mark)
    except ReaderError as error:
        before = text[: error.position].splitlines() or [""]
        mark = Mark("", 0, len(before) - 1, len(before[-1]), None, 0)
        _refuse(path, "there is a control character here; remove it", mark)
    except (YAMLError, RecursionError):
        _refuse(path, "this is nested too deeply to be read; nest it less", None)
    return document


class _Values:
    """Turns nodes into values, and takes out of them what cannot be one."""

    def __init__(self, findings: list[Finding]) -> None:
        self._loader = yaml.SafeLoader("")
        self._findings = findings
        # An alias stands for the same node, which is then looked at once.
        self._made: dict[int, object] = {}

    def of(self, node: Node, where: Where) -> object:
        if id(node) not in self._made:
            self._made[id(node)] = {}  # what an alias inside of itself would see
            self._made[id(node)] = self._make(node, where)
        return self._made[id(node)]

    def _make(self, node: Node, where: Where) -> object:
        if isinstance(node, ScalarNode):
            return self._scalar(node, where)
        if node.tag not in _COLLECTIONS:
            self._say(where, f"the tag {short(node.tag)} means nothing here; remove it")
        if isinstance(node, MappingNode):
            return self._mapping(node, where)
        return self._list(node, where)

    def _scalar(self, node: ScalarNode, where: Where) -> object:
        try:
            return self._loader.construct_object(node)
        except (ConstructorError, ValueError):
            self._say(
                where, f"`{short(node.value)}` cannot be read; write it in quotes"
            )
            return node.value

    def _list(self, node: Node, where: Where) -> list[object]:
        made: list[object] = []
        for index, item in enumerate(node.value):
            value = self.of(item, (*where, index))
            if value is None:
                self._blank((*where, index), " (in quotes if it begins with #)")
            # A blank stays, as text, so that the indices go on fitting the nodes.
            made.append("" if value is None else value)
        return made

    def _mapping(self, node: MappingNode, where: Where) -> dict[str, object]:
        self._refuse_twins(node, where)
        try:
            self._loader.flatten_mapping(node)
        except ConstructorError:
            self._say(where, "what `<<` merges has to be a mapping, or a list of them")
        made: dict[str, object] = {}
        for key, child in node.value:
            name = self._name(key, where)
            if name is None:
                continue
            value = self.of(child, (*where, name))
            made.pop(name, None)
            if value is None:
                self._blank((*where, name))
            else:
                made[name] = value
        return made

    def _name(self, key: Node, where: Where) -> str | None:
        if not isinstance(key, ScalarNode):
            self._say(where, "a key has to be a text, not a list or a mapping")
            return None
        name = str(key.value)
        if key.tag not in _KEYS:
            told = short(name)
            self._say(
                (*where, name),
                f'YAML reads the key `{told}` as no text; write "{told}" in quotes',
                on_key=True,
            )
        return name

    def _refuse_twins(self, node: MappingNode, where: Where) -> None:
        names = [str(key.value) for key, _ in node.value if key.tag != _MERGE]
        for name in (name for name, times in Counter(names).items() if times > 1):
            first = next(key for key, _ in node.value if str(key.value) == name)
            self._say(
                (*where, name),
                f"this key stands twice, first in line {first.start_mark.line + 1}; "
                "keep one of them",
                on_key=True,
            )

    def _blank(self, where: Where, hint: str = "") -> None:
        self._findings.append(
            Finding(
                where=where,
                text=f"nothing is written here; write a value{hint}, or remove it",
                on_key=True,
                excuses=where,
            )
        )

    def _say(self, where: Where, text: str, *, on_key: bool = False) -> None:
        self._findings.append(Finding(where=where, text=text, on_key=on_key))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        _refuse(
            path,
            "there is no such file; write it, or name another in HANDRAIL_CONFIG",
            None,
        )
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror}", None)
    except UnicodeDecodeError:
        _refuse(path, "is not UTF-8; save it as UTF-8", None)


def _refuse(path: Path, text: str, mark: Mark | None) -> NoReturn:
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    raise ConfigProblems(
        [Problem(file=str(path), line=line, column=column, text=text)]
    ) from None


def _advice(error: MarkedYAMLError) -> str:
    said = " ".join(filter(None, [error.context, error.problem]))
    for pattern, advice in _ADVICE:
        if found := re.search(pattern, said):
            return advice.format(*found.groups())
    return f"this is not YAML ({said}); look at the indentation and the quotes here"


def _pair(node: Node, part: str | int) -> tuple[Node, Node] | None:
    """Return the key and the value at *part* of *node*; an item is its own key."""
    if isinstance(node, SequenceNode):
        is_there = isinstance(part, int) and part < len(node.value)
        return (node.value[part], node.value[part]) if is_there else None
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((pair for pair in reversed(pairs) if pair[0].value == part), None)
