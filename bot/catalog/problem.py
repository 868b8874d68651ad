"""What is wrong with `handrail.yaml`, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.domain.errors import HandrailError

#: A place in the file: keys and list indices, from the top.
Where = tuple[str | int, ...]

TOP: Final[Where] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A sentence about a place, before its line is known."""

    where: Where
    text: str
    #: it is about the key, not about what stands behind it
    on_key: bool = False
    #: a place that is empty because of this, which needs no sentence of its own
    excuses: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A thing to correct. *line* and *column* count from 1; 0: the whole file."""

    file: str
    line: int = 0
    column: int = 0
    where: str = ""
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(filter(None, [place, self.where, self.text]))


class ConfigProblems(HandrailError):
    """The configuration cannot be used; `problems` are in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def spelled(where: Where) -> str:
    """Return *where* as people read it: `stacks.net-prod.writers[0]`."""
    return "".join(map(_step, where)).removeprefix(".")


def plain(text: str) -> str:
    """Return *text* in one line, with nothing in it that a terminal would obey."""
    return "".join(it if it.isprintable() else "?" for it in " ".join(text.split()))


def short(text: str) -> str:
    """Return *text* as `plain` does, and in at most 40 characters."""
    line = plain(text)
    return line if len(line) <= 40 else f"{line[:39]}…"


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    name = short(part)
    return f'["{name}"]' if "." in name else f".{name}"
