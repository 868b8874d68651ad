"""What is said for a preset's parameters, checked against what may be."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final, assert_never

from bot.control.patterns import matches_whole
from bot.domain.errors import Refusal, Refused
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset, in_words

#: How many characters a value may have.
LONGEST: Final = 1000

_SHOWN: Final = 40
#: Of so many texts to choose from, some are named.
_NAMED: Final = 12
#: A shell reads 010 as eight.
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


def checked(preset: Preset, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the value of each parameter of *preset*, or refuse with every fault."""
    if found := faults(preset, given):
        raise Refused(" ".join(found.values()), reason=Refusal.BAD_COMMAND)
    defaults = {
        name: it.default
        for name, it in preset.parameters.items()
        if it.default is not None
    }
    values = {**defaults, **given}
    return {name: values[name] for name in preset.parameters}


def faults(preset: Preset, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return a sentence for each name of a parameter that *given* is wrong about."""
    return dict(_faults(preset, given))


def fault(parameter: Parameter, value: str) -> str:
    """Return a sentence that says what *value* has to be; empty: it is that."""
    name = f"`{parameter.name}`"
    if len(value) > LONGEST:
        return (
            f"{name} has {len(value):,} characters; {LONGEST:,} are the most that it "
            "may have."
        )
    if "\0" in value or not _is_text(value):
        return f"{name} holds a character that no variable can hold; leave it out."
    wanted = _wanted(parameter.kind, value)
    return f"{name} cannot be {_shown(value)}; {wanted}." if wanted else ""


def _faults(preset: Preset, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in given:
        if name not in preset.parameters:
            yield name, _unknown(name, preset)
    for name, parameter in preset.parameters.items():
        if name in given and (wrong := fault(parameter, given[name])):
            yield name, wrong
        if name not in given and parameter.default is None:
            yield name, f"`{name}` is missing; write {name}={_example(parameter.kind)}."


def _wanted(kind: Choice | Pattern | Integer, value: str) -> str:
    """Return what to write instead of *value*; empty: it is right."""
    match kind:
        case Choice(of=of):
            return "" if value in of else f"write one of {_listed(of)}"
        case Pattern(pattern=pattern):
            right = matches_whole(pattern, value)
            return "" if right else f"write what `{pattern}` matches as a whole"
        case Integer():
            return "" if _fits(kind, value) else f"write a whole {in_words(kind)}"
        case _:
            assert_never(kind)


def _fits(kind: Integer, value: str) -> bool:
    if not _WHOLE.fullmatch(value):
        return False
    number = int(value)
    return (kind.least is None or kind.least <= number) and (
        kind.most is None or number <= kind.most
    )


def _unknown(name: str, preset: Preset) -> str:
    said = f"`!{preset.name}` has no parameter {_shown(name)}"
    near = get_close_matches(name.lower(), preset.parameters, n=1)
    if near:
        return f"{said}; did you mean `{near[0]}`?"
    known = ", ".join(f"`{it}`" for it in preset.parameters)
    return f"{said}; it has {known or 'none'}."


def _example(kind: Choice | Pattern | Integer) -> str:
    match kind:
        case Choice(of=of):
            return _shown(of[0])
        case Pattern():
            return "…"
        case Integer(least=least, most=most):
            return str(next((it for it in (least, most) if it is not None), 1))
        case _:
            assert_never(kind)


def _listed(texts: tuple[str, ...]) -> str:
    more = ", …" if len(texts) > _NAMED else ""
    return f"{', '.join(map(_shown, texts[:_NAMED]))}{more}"


def _shown(text: str) -> str:
    """Return *text* in one line, in quotes, and not all of a long one."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")


def _is_text(value: str) -> bool:
    """Tell whether *value* has no half of a character, which JSON can write."""
    return all(not "\ud800" <= it <= "\udfff" for it in value)
