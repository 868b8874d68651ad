"""How a stack's tool is called and its state read, as its init tells."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Final

PROGRAMS: Final = ("terraform", "tofu")

#: The program in an image that has it alone, by the image's last name.
_BY_IMAGE: Final = {"terraform": "terraform", "opentofu": "tofu", "tofu": "tofu"}

#: One of them as a word, by its path or with its version, too.
_MENTION: Final = re.compile(
    rf"(?<![\w.-])({'|'.join(PROGRAMS)})(-?v?\d[\w.]*)?(?![\w./-])"
)
_COMMENT: Final = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
#: What may stand before a command and leaves it one.
_BEFORE: Final = frozenset(
    {"!", "{", "if", "then", "elif", "else", "do", "while", "until"}
    | {"time", "command", "env"}
)
_HERE_DOCUMENT: Final = re.compile(
    r"(?<!<)<<-?[ \t]*\\?(['\"]?)(\w+)\1([^\n]*\n).*?^\t*\2$", re.DOTALL | re.MULTILINE
)
_REDIRECTION: Final = re.compile(r"[<>]+[&|]?[ \t]*")
_BLANK: Final = re.compile(r"[ \t]+|#[^\n]*")
_END: Final = re.compile(r"[\n;&|()]+")
_CLOSED_BY: Final = {"$(": ")", "(": ")", "${": "}", '"': '"', "'": "'", "`": "`"}
#: What opens nothing within what is closed by the key; a bracket rarely does.
_PLAIN_WITHIN: Final = {")": "", '"': "'("}


def reading(init: str, named: str | None) -> str:
    """Return shell text that prints the state as JSON; empty: there is none to read.

    *named* is the program that reads it, or `none`. Without it *init* tells: one
    that runs `terraform init` is read by the same program with the same options.
    """
    if named == "none":
        return ""
    calls = list(_init_calls(init))
    known = [call for call in calls if call.name in PROGRAMS]
    if named is not None:
        known = _by(named, known or [call for call in calls if call.directory])
    texts = list(dict.fromkeys(call.reading for call in known))
    # One command, whatever is put in front of it.
    needs_shell = len(texts) > 1 or any(call.assignments for call in known)
    return f"sh -c {shlex.quote(' && '.join(texts))}" if needs_shell else "".join(texts)


def calling(init: str, named: str | None, image: str) -> str:
    """Return how the program that has the state is called; empty: nobody can tell.

    As *init* calls it, with its options and variables; *named* is as for `reading`.
    Where the init calls none, the name of *image* tells.
    """
    calls = list(_init_calls(init))
    known = [call for call in calls if call.name in PROGRAMS]
    if named in PROGRAMS:
        known = _by(named, known or [call for call in calls if call.directory])
    ways = list(dict.fromkeys(call.way for call in known))
    if not ways:
        return _BY_IMAGE.get(_last_name(image), "")
    return ways[0] if len(ways) == 1 else ""


def mentions(init: str) -> bool:
    """Tell whether *init* may run a program with a state, however it is run."""
    return bool(_MENTION.search(_COMMENT.sub("", init)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call of a program's `init`, in words as they are written."""

    assignments: tuple[str, ...] = ()
    program: str
    options: tuple[str, ...] = ()  #: those before `init`

    @property
    def name(self) -> str:
        return PurePosixPath(self.program.strip("'\"")).name

    @property
    def directory(self) -> tuple[str, ...]:
        return tuple(it for it in self.options if it.startswith("-chdir="))

    @property
    def way(self) -> str:
        return " ".join((*self.assignments, self.program, *self.options))

    @property
    def reading(self) -> str:
        return f"{self.way} show -json"


def _last_name(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _by(named: str, calls: Sequence[_Call]) -> list[_Call]:
    own = [call for call in calls if call.name == named]
    others = [replace(call, program=named, options=call.directory) for call in calls]
    return own or others or [_Call(program=named)]


def _init_calls(text: str) -> Iterator[_Call]:
    for words in _commands(text):
        if call := _init_call(words):
            yield call


def _init_call(words: Sequence[str]) -> _Call | None:
    before = list(takewhile(lambda it: it in _BEFORE or _ASSIGNMENT.match(it), words))
    program, *rest = words[len(before) :] or [""]
    options = tuple(takewhile(lambda it: it.startswith("-"), rest))
    if rest[len(options) : len(options) + 1] != ["init"]:
        return None
    assignments = tuple(it for it in before if it not in _BEFORE)
    return _Call(assignments=assignments, program=program, options=options)


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of shell *text*, as they are written."""
    text = _HERE_DOCUMENT.sub(r"\3", text.replace("\\\n", ""))
    words: list[str] = []
    at = 0
    while at < len(text):
        if found := _BLANK.match(text, at):
            at = found.end()
        elif found := _END.match(text, at):
            yield words
            words, at = [], found.end()
        elif found := _REDIRECTION.match(text, at):
            at = _past_word(text, found.end())
        else:
            start, at = at, _past_word(text, at)
            words.append(text[start:at])
    yield words


def _past_word(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t\n;&|()<>":
        at = _past_part(text, at)
    return at


def _past_part(text: str, at: int) -> int:
    """Return where the quotation, substitution or character at *at* ends."""
    closing: list[str] = []
    at = _step(text, at, closing)
    while closing and at < len(text):
        at = _step(text, at, closing)
    return at


def _step(text: str, at: int, closing: list[str]) -> int:
    """Return what follows *at*, keeping in *closing* what is open, innermost last."""
    within = closing[-1] if closing else ""
    opening = text[at : at + 2] if text[at] == "$" else text[at]
    if text[at] == within:
        closing.pop()
        return at + 1
    if within == "'" or opening in _PLAIN_WITHIN.get(within, "("):
        return at + 1
    if opening == "\\":
        return at + 2
    if opening not in _CLOSED_BY:
        return at + 1
    closing.append(_CLOSED_BY[opening])
    return at + len(opening)
