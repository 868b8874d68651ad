"""A module as OPA has compiled it: which rules it has, and what these call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.domain.policy import APPROVAL_RULES, SAMPLE_RULE, TASK_RULES
from bot.policies.references import Reference

KNOWN_RULES: Final = (*TASK_RULES, *APPROVAL_RULES, SAMPLE_RULE)
MESSAGE_RULES: Final = ("deny",)
NOTE_RULES: Final = ("approve_with_note", "reject_with_note", "undecided_with_note")

_SCALARS: Final = frozenset({"boolean", "number", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The head of a rule."""

    name: str
    function: bool = False
    partial: bool = False  #: a set or an object, element by element
    valued: bool = False
    #: the type of its value where that is a constant, as in `deny { … }`; empty: not
    constant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What is to be known of a compiled module."""

    package: tuple[str, ...]
    rules: tuple[Rule, ...]
    called: frozenset[str]  #: built-in functions
    named: frozenset[str]  #: all that is referred to and neither data nor input
    references: frozenset[Reference]  #: all that is referred to in data

    @property
    def known(self) -> frozenset[str]:
        """Return the names of those of its rules that Handrail asks for."""
        return frozenset(it.name for it in self.rules) & frozenset(KNOWN_RULES)


def read_module(tree: object) -> Module:
    """Return the module whose syntax tree OPA gave as JSON."""
    rules = tuple(map(_rule, _each(_get(tree, "rules"))))
    nodes = tuple(_nodes(tree))
    refs = [node for node in nodes if _get(node, "type") == "ref"]
    return Module(
        package=tuple(_steps(_get(_get(tree, "package"), "path"))[1:]),
        rules=rules,
        called=frozenset(name for node in nodes if (name := _called(node))),
        named=frozenset(name for ref in refs if (name := _name(ref))),
        references=frozenset(map(_reference, filter(_is_data, refs))),
    )


def misshapen(rule: Rule) -> str:
    """Return what is wrong with the form of *rule*, as a sentence; empty: nothing."""
    if rule.name not in KNOWN_RULES:
        return ""
    if rule.function:
        return f"{rule.name} is a function; it has to be a rule."
    return _wrong_value(rule)


def _wrong_value(rule: Rule) -> str:
    if rule.name in MESSAGE_RULES:
        wrong = rule.constant in _SCALARS | {"string"} or (rule.partial and rule.valued)
        form = f'a set of sentences, as in {rule.name} contains "why" if {{ … }}'
    elif rule.name in NOTE_RULES:
        wrong = rule.constant in _SCALARS or (rule.partial and rule.valued)
        form = f'sentences, as in {rule.name} contains "why" if {{ … }}'
    else:
        wrong = rule.partial or rule.constant not in {"", "boolean"}
        form = "true or false"
    return f"{rule.name} has to be {form}." if wrong else ""


def _rule(tree: object) -> Rule:
    head = _get(tree, "head")
    value = _get(head, "value")
    steps = _each(_get(head, "ref"))
    name = _get(steps[0], "value") if steps else _get(head, "name")
    kind = str(_get(value, "type") or "")
    constant = kind in _SCALARS or kind in {"string", "object"}
    return Rule(
        name=str(name),
        function=_get(head, "args") is not None,
        partial=_get(head, "key") is not None or len(steps) > 1,
        valued=value is not None,
        constant=kind if constant else "",
    )


def _called(node: object) -> str:
    """Return the built-in function that an expression or a term calls; empty: none."""
    if _get(node, "type") == "call":
        terms = _each(_get(node, "value"))
    else:
        terms = _each(_get(node, "terms"))
    return _name(terms[0]) if terms and _get(terms[0], "type") == "ref" else ""


def _name(ref: object) -> str:
    steps = _steps(_get(ref, "value"))
    # OPA has renamed declared variables, so that none looks like a function.
    if not steps or steps[0] in {"data", "input"} or steps[0].startswith(("__", "$")):
        return ""
    return ".".join(steps)


def _is_data(ref: object) -> bool:
    return _steps(_get(ref, "value"))[:1] == ["data"]


def _reference(ref: object) -> Reference:
    behind = _each(_get(ref, "value"))[1:]
    return tuple(
        str(_get(it, "value")) if _get(it, "type") == "string" else "" for it in behind
    )


def _steps(path: object) -> list[str]:
    return [str(_get(step, "value")) for step in _each(path)]


def _nodes(tree: object) -> Iterator[object]:
    """Yield every object below *tree*; without recursion, as trees may be deep."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left += node.values()
        elif isinstance(node, list):
            left += node


def _get(node: object, key: str) -> object:
    return node.get(key) if isinstance(node, dict) else None


def _each(node: object) -> list[object]:
    return node if isinstance(node, list) else []
