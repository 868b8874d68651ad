"""What a saved plan would change, as Terraform's or OpenTofu's `show -json` prints it.

The values in it are not looked at: those that are sensitive stand there in clear.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

#: Masks a text.
Hide: TypeAlias = Callable[[str], str]

#: Names of the files that a planning run leaves in its workspace.
PLAN_FILE: Final = "handrail.plan"
SUMMARY_FILE: Final = "handrail.summary"

MOST_LINES: Final = 200
LONGEST_LINE: Final = 200  #: characters
LONGEST_TEXT: Final = 20_000  #: characters of the summary of another tool

#: Of the format; another promises nothing ("JSON Output Format" of Terraform).
_MAJOR_VERSIONS: Final = frozenset({"0", "1"})

#: What the actions on a resource come to, as Terraform's own plan marks them.
_MARKS: Final[Mapping[tuple[str, ...], str]] = {
    ("create",): "+",
    ("update",): "~",
    ("delete",): "-",
    ("delete", "create"): "-/+",
    ("create", "delete"): "+/-",
    ("forget",): ".",
    ("create", "forget"): "+/.",
}
#: The marks of what people have to see first.
_ORDER: Final = ("-", "-/+", "+/-", "+/.", ".", "~", "+")
_ADDING: Final = frozenset({"+", "-/+", "+/-", "+/."})
_DESTROYING: Final = frozenset({"-", "-/+", "+/-"})
_FORGETTING: Final = frozenset({".", "+/."})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """How much a plan would change, and what; a replacement is an add and a destroy."""

    adds: int = 0
    changes: int = 0
    destroys: int = 0
    imports: int = 0
    moves: int = 0
    forgets: int = 0  #: taken out of the state, and left as they are
    outputs: int = 0
    lines: tuple[str, ...] = ()  #: one change each, behind its mark; at most MOST_LINES
    left_out: int = 0  #: changes that have no line
    changes_nothing: bool = False  #: to apply it would change neither things nor state

    @property
    def counts(self) -> str:
        """Return how much it would change, in words."""
        kinds = (
            (self.imports, "to import"),
            (self.moves, "to move"),
            (self.forgets, "to forget"),
        )
        parts = [
            f"{self.adds} to add",
            f"{self.changes} to change",
            f"{self.destroys} to destroy",
            *(f"{number} {what}" for number, what in kinds if number),
        ]
        if self.outputs:
            parts.append(f"{self.outputs} output{'s' * (self.outputs > 1)} to change")
        return ", ".join(parts)

    @property
    def text(self) -> str:
        """Return the counts, then one change a line."""
        more = (f"… and {self.left_out} more",) if self.left_out else ()
        return "\n".join((self.counts, *self.lines, *more))


def summary_of(shown: bytes, hide: Hide = str) -> PlanSummary | None:
    """Return what the plan would change that *shown* describes; None if it is none.

    *hide* masks what is told of it, before anything is cut.
    """
    try:
        plan = json.loads(shown, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    if not _is_plan(plan):
        return None
    resources = map(_Change.read, _items(plan, "resource_changes"))
    changes = sorted((one for one in resources if one), key=_place)
    outputs = list(_changed_outputs(_mapping(plan, "output_changes")))
    lines = [*(one.line for one in changes), *outputs]
    return _summary(changes, len(outputs), lines, plan.get("applyable"), hide)


def text_of(shown: bytes, hide: Hide = str) -> str:
    """Return the summary that another tool than Terraform printed, as it is.

    Empty for JSON, which people do not read and may have any value in clear. *hide*
    is as for `summary_of`.
    """
    text = shown.decode("utf-8", "replace").strip()
    if text.startswith(("{", "[")):
        return ""
    told = "\n".join(map(_clean, hide(text).splitlines()))
    return told if len(told) <= LONGEST_TEXT else f"{told[:LONGEST_TEXT]}\n… (cut)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What is planned for one resource."""

    address: str
    mark: str  #: empty: nothing but a move or an import
    was: str  #: its address before, if it is moved
    imported: bool

    @classmethod
    def read(cls, found: Mapping[str, object]) -> "_Change | None":
        change = _mapping(found, "change")
        actions = tuple(map(str, _list(change, "actions")))
        was = _text(found, "previous_address")
        mark, imported = _MARKS.get(actions, ""), bool(change.get("importing"))
        if not (mark or was or imported):
            return None  # no-op, and what is only read
        address, deposed = _text(found, "address"), _text(found, "deposed")
        of = f" (deposed {deposed})" if deposed else ""
        return cls(address=address + of, mark=mark, was=was, imported=imported)

    @property
    def line(self) -> str:
        moved = f" (moved from {self.was})" if self.was else ""
        imported = " (imported)" if self.imported else ""
        return f"{self.mark or '='} {self.address}{moved}{imported}"


def _summary(
    changes: Sequence[_Change],
    outputs: int,
    lines: Sequence[str],
    applyable: object,
    hide: Hide,
) -> PlanSummary:
    def count(which: Callable[[_Change], bool]) -> int:
        return sum(map(which, changes))

    told = hide("\n".join(lines)).splitlines()
    return PlanSummary(
        adds=count(lambda it: it.mark in _ADDING),
        changes=count(lambda it: it.mark == "~"),
        destroys=count(lambda it: it.mark in _DESTROYING),
        imports=count(lambda it: it.imported),
        moves=count(lambda it: bool(it.was)),
        forgets=count(lambda it: it.mark in _FORGETTING),
        outputs=outputs,
        lines=tuple(_short(_clean(line)) for line in told[:MOST_LINES]),
        left_out=max(0, len(lines) - MOST_LINES),
        # OpenTofu and older releases do not tell whether there is anything to apply.
        changes_nothing=not lines and applyable is not True,
    )


def _place(change: _Change) -> int:
    return _ORDER.index(change.mark) if change.mark else len(_ORDER)


def _changed_outputs(outputs: Mapping[str, object]) -> Iterator[str]:
    for name in outputs:
        actions = tuple(map(str, _list(_mapping(outputs, name), "actions")))
        if mark := _MARKS.get(actions):
            yield f"{mark} output.{name}"


def _is_plan(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    version = str(document.get("format_version")).partition(".")[0]
    is_of_plan = "planned_values" in document or "resource_changes" in document
    return version in _MAJOR_VERSIONS and is_of_plan


def _items(value: Mapping[str, object], key: str) -> Iterator[Mapping[str, object]]:
    return (one for one in _list(value, key) if isinstance(one, dict))


def _list(value: Mapping[str, object], key: str) -> Sequence[object]:
    found = value.get(key)
    return found if isinstance(found, list) else []


def _mapping(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, object], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _clean(line: str) -> str:
    return "".join(one if one.isprintable() or one == "\t" else "?" for one in line)


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
