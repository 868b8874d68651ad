"""Presets as people call them: `!restart service=api note="two words"`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, assert_never

from bot.domain.errors import Refusal, Refused
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset, in_words
from bot.domain.slack_text import flag

#: what a call begins with, at once followed by the preset's name
MARK: Final = "!"

#: characters of a preset's command and of its call together: a thread shows both whole,
#: because people may have to agree to them
LONGEST_TOGETHER: Final = 10_000

_NAME: Final = re.compile(r"[^\W_][\w-]*", re.ASCII)
_WORD: Final = re.compile(r"\S*")
_BLANKS: Final = re.compile(r"\s*")
_BEFORE_VALUE: Final = re.compile(r"[^\s=]*=?")
_QUOTES: Final = re.compile("[\"'\u2018-\u201f]")
_ESCAPED: Final = re.compile(r'\\(["\\])')

#: what opens a value in quotes, and the value with the quote behind it; a phone makes
#: typographic quotes of plain ones
_QUOTED: Final[Mapping[str, re.Pattern[str]]] = {
    '"': re.compile(r'((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"([^']*)'"),
    **dict.fromkeys(
        "\u201c\u201d\u201e\u201f",
        re.compile('((?:[^"\u201c-\u201f\\\\]|\\\\.)*)["\u201c-\u201f]', re.DOTALL),
    ),
    **dict.fromkeys(
        "\u2018\u2019\u201a\u201b", re.compile("([^'\u2018-\u201b]*)['\u2018-\u201b]")
    ),
}
_TYPOGRAPHIC: Final = _QUOTED.keys() - {'"', "'"}
_VERBATIM: Final = frozenset("'\u2018\u2019\u201a\u201b")

_UNDONE: Final = "Typographic quotes around a value were read as plain ones."
_NO_PRESET: Final = (
    "Behind ! comes the name of a preset (!restart service=api) or the number of a run "
    "(!12). A command that begins with ! is written behind --, as in -- !true."
)
_HOW: Final = (
    "Write each parameter as name=value, with no blank around the =, and put quotes "
    'around a value that has blanks in it: note="two words".'
)
#: characters of what somebody typed, or of a pattern, that a sentence repeats
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetCall:
    """A preset, and what is said for its parameters."""

    preset: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()  #: what was undone


def is_call(text: str) -> bool:
    """Tell whether *text* calls a preset: `! grep x` is a shell's own negation."""
    return text.startswith(MARK) and (text == MARK or not text[1].isspace())


def read_call(text: str) -> PresetCall:
    """Return which preset *text* calls, `!` and all, or raise Refused."""
    named = _WORD.match(text, len(MARK))
    name = named[0] if named else ""
    if not _NAME.fullmatch(name):
        raise _refused(_NO_PRESET)
    if name.isdigit():
        raise _refused(f"{_NO_PRESET} Behind the number of a run comes nothing.")
    given: dict[str, str] = {}
    is_undone = False
    at = _behind(_BLANKS, text, len(MARK) + len(name))
    while at < len(text):
        parameter, at = _parameter(text, at)
        if parameter in given:
            raise _refused(f"{_short(parameter)} is said twice. Say it once.")
        is_undone |= text[at : at + 1] in _TYPOGRAPHIC
        given[parameter], at = _value(text, at, parameter)
        at = _behind(_BLANKS, text, at)
    return PresetCall(
        preset=name, parameters=given, remarks=(_UNDONE,) if is_undone else ()
    )


def written_call(preset: str, parameters: Mapping[str, str]) -> str:
    """Return what `read_call` reads as *preset* with these *parameters*."""
    words = (f"{name}={written_value(value)}" for name, value in parameters.items())
    return " ".join((f"{MARK}{preset}", *words))


def written_value(value: str) -> str:
    """Return *value* as `read_call` reads it, in quotes where it needs them."""
    if value and not _QUOTES.search(value) and _behind(_WORD, value, 0) == len(value):
        return value
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


def usage(preset: Preset) -> str:
    """Return how *preset* is called; what has a default stands in brackets."""
    return " ".join((f"{MARK}{preset.name}", *map(_usage, preset.parameters.values())))


def _usage(parameter: Parameter) -> str:
    told = f"{parameter.name}=<{_kind(parameter.kind)}>"
    return told if parameter.default is None else f"[{told}]"


def _kind(kind: Choice | Pattern | Integer) -> str:
    match kind:
        case Choice(of=texts):
            return "|".join(map(written_value, texts))
        case Pattern(pattern=pattern):
            return pattern if len(pattern) <= _SHOWN else "text"
        case Integer():
            return in_words(kind)
        case _:
            assert_never(kind)


def _parameter(text: str, at: int) -> tuple[str, int]:
    """Return the name of the parameter that is said at *at*, and where its value is."""
    end = _behind(_BEFORE_VALUE, text, at)
    said = text[at:end]
    if flag(said) == "--no-init":
        raise _refused("A preset says itself whether the init runs: omit --no-init.")
    if len(said) < 2 or not said.endswith("=") or _QUOTES.search(said):
        raise _refused(f"{_short(said)!r} is no parameter. {_HOW}")
    return said[:-1], end


def _value(text: str, at: int, parameter: str) -> tuple[str, int]:
    """Return the value that begins at *at*, and what is behind it."""
    quote = text[at : at + 1]
    if quote not in _QUOTED:
        return _bare(text, at, parameter)
    found = _QUOTED[quote].match(text, at + 1)
    if found is None:
        raise _refused(
            f"The value of {_short(parameter)} opens a quote ({quote}) and never "
            "closes it. Close it and send the command again."
        )
    if text[found.end() : found.end() + 1].strip():
        raise _refused(
            f"Behind the closing quote of {_short(parameter)} comes a blank, or the "
            'end. A double quote within double quotes is written as \\".'
        )
    if quote in _VERBATIM:
        return found[1], found.end()
    return _ESCAPED.sub(r"\1", found[1]), found.end()


def _bare(text: str, at: int, parameter: str) -> tuple[str, int]:
    end = _behind(_WORD, text, at)
    if _QUOTES.search(text, at, end):
        raise _refused(
            f"The value of {_short(parameter)} has a quote within it. Put quotes "
            'around the whole value: note="it\'s late".'
        )
    return text[at:end], end


def _behind(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _refused(sentence: str) -> Refused:
    return Refused(sentence, reason=Refusal.BAD_COMMAND)
