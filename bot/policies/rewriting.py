"""Give a file of Rego a package of its own, with its rows and columns kept in mind.

All policies are in one OPA, and most say `package spacelift`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bot.domain.rego import Kind, Token, joined, place_at, tokens

#: what Rego's second syntax is switched on by, in either mode of an OPA
V1_IMPORT: Final = "import rego.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What stands in the place of `source[start:end]`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A source as OPA gets it, from which places in the source are found again."""

    source: str
    edits: tuple[Edit, ...] = ()  #: in order, none over another
    behind: str = ""  #: what follows the source

    @cached_property
    def text(self) -> str:
        """Return what OPA gets."""
        pieces, at = [], 0
        for edit in self.edits:
            pieces += [self.source[at : edit.start], edit.text]
            at = edit.end
        return "".join([*pieces, self.source[at:], self.behind])

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Return where in the source is what OPA has at *row* and *column*."""
        rows = self.text.split("\n")
        if not 1 <= row <= len(rows):
            return 0, 0
        offset = sum(len(it) + 1 for it in rows[: row - 1]) + max(column, 1) - 1
        return place_at(self.source, self._offset(offset))

    def _offset(self, there: int) -> int:
        shift = 0
        for edit in self.edits:
            begins = edit.start + shift
            if there < begins:
                break
            if there < begins + len(edit.text):
                return edit.start
            shift += len(edit.text) - (edit.end - edit.start)
        return min(there - shift, len(self.source))


def package_of(source: str) -> str:
    """Return the package of *source* as it is written; empty: there is none."""
    found = tokens(source)
    return "".join(it.text for it in found[1 : _package_end(found)])


def says_v1(source: str) -> bool:
    """Tell whether *source* says itself that it is in the second syntax."""
    words = [it.text for it in tokens(source)]
    wanted = ["import", "rego", ".", "v1"]
    return any(words[at : at + 4] == wanted for at in range(len(words)))


def rewritten(
    source: str, homes: Mapping[str, str], *, v1: bool, behind: str = ""
) -> Rewritten:
    """Return *source* with the packages that begin with a key of *homes* moved there.

    With *v1* it says that it is in the second syntax, if it does not yet.
    """
    found = tokens(source)
    edits = [*_declaration(found, homes), *_references(found, homes)]
    if v1 and not says_v1(source) and (end := _package_end(found)):
        behind_it = found[end - 1].end
        edits.append(Edit(start=behind_it, end=behind_it, text=f"\n{V1_IMPORT}"))
    edits.sort(key=lambda it: it.start)
    return Rewritten(source=source, edits=tuple(edits), behind=behind)


def _package_end(found: Sequence[Token]) -> int:
    """Return behind which token the declaration of the package ends; 0: none."""
    if len(found) < 2 or found[0].text != "package" or found[1].kind is not Kind.WORD:
        return 0
    at = 2
    while joined(found, at - 1, at + 1) and found[at].text == ".":
        at += 2
    return at


def _declaration(found: Sequence[Token], homes: Mapping[str, str]) -> Iterator[Edit]:
    if _package_end(found) and found[1].text in homes:
        name = found[1]
        yield Edit(start=name.start, end=name.end, text=homes[name.text])


def _references(found: Sequence[Token], homes: Mapping[str, str]) -> Iterator[Edit]:
    for at, token in enumerate(found):
        inside = at > 0 and found[at - 1].text == "."
        if token.text != "data" or inside or not joined(found, at, at + 2):
            continue
        name = found[at + 2]
        if found[at + 1].text == "." and name.text in homes:
            home = homes[name.text] + _alias(found, at)
            yield Edit(start=name.start, end=name.end, text=home)
        elif found[at + 1].text == "[" and name.text[1:-1] in homes:
            steps = homes[name.text[1:-1]].split(".")
            quoted = "][".join(f'"{step}"' for step in steps)
            yield Edit(start=name.start, end=name.end, text=quoted)


def _alias(found: Sequence[Token], at: int) -> str:
    """Return what keeps the name of an import that is `data.<name>` and no more."""
    if at == 0 or found[at - 1].text != "import":
        return ""
    rest = [it.text for it in found[at + 3 : at + 4]]
    return "" if rest in (["."], ["["], ["as"]) else f" as {found[at + 2].text}"
