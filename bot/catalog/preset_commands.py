"""Commands of presets in which a parameter does not do what it seems to."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from bot.catalog.plain_values import mapping, sections
from bot.catalog.presets import PresetEntry, preset
from bot.catalog.problem import Finding
from bot.catalog.quoting import Quoted, read
from bot.domain.preset import VARIABLE_PREFIX, Integer, Preset

_NAMED: Final = re.compile(rf"\$(?:\{{#?)?({VARIABLE_PREFIX}\w+)", re.ASCII)
#: `name=$PARAM_X` that begins a command, which no shell splits into words
_ASSIGNED: Final = re.compile(r"(?:^|[;&|(\n])\s*\w+=$", re.ASCII)
#: another shell reads the text behind it, and finds the variable itself
_ANOTHER_SHELL: Final = re.compile(r"(?:\s-\w*c|\b(?:eval|trap))\s+$", re.ASCII)


def doubts(config: object) -> Iterator[Finding]:
    """Yield what is worth a look in the presets of *config*, which has no mistake."""
    taken = _set_elsewhere(config)
    for where, section in sections(config):
        for name, entry in mapping(section, "presets").items():
            place = (*where, "presets", name, "command")
            yield from (
                Finding(where=place, text=it) for it in _told(name, entry, taken)
            )


def _set_elsewhere(config: object) -> set[str]:
    groups = (
        mapping(section, group)
        for _, section in sections(config)
        for group in ("env", "secrets")
    )
    return {name for group in groups for name in group}


def _told(name: str, entry: object, taken: set[str]) -> Iterator[str]:
    with suppress(ValidationError):  # which is told already
        said = preset(name, PresetEntry.model_validate(entry))
        yield from _unknown(said, taken)
        yield from _unused(said)
        yield from dict.fromkeys(_quoted_badly(said))


def _unknown(said: Preset, taken: set[str]) -> Iterator[str]:
    known = taken | {it.variable for it in said.parameters.values()}
    for variable in dict.fromkeys(_NAMED.findall(said.command)):
        if variable not in known:
            yield (
                f"names ${variable}, which no parameter of the preset sets; correct "
                "the name, or add the parameter"
            )


def _unused(said: Preset) -> Iterator[str]:
    for name, parameter in said.parameters.items():
        variable = parameter.variable
        if not re.search(rf"\b{variable}\b", said.command, re.ASCII):
            yield (
                f'does not name "${variable}", so that the parameter {name} is for '
                "nothing, unless what it calls reads that variable"
            )


def _quoted_badly(said: Preset) -> Iterator[str]:
    reading = read(said.command)
    if "<<" in said.command:
        return  # a shell reads the lines of a here-document in another way
    if reading.unclosed:
        yield f"opens a quote ({reading.unclosed}) that is never closed; close it"
        return
    # A number is one word, and means nothing else to a shell.
    words = {
        it.variable
        for it in said.parameters.values()
        if not isinstance(it.kind, Integer)
    }
    for found in _NAMED.finditer(said.command):
        quoted = reading.dollars.get(found.start())
        if quoted is not None:
            yield from _badly(found[1], quoted, is_word=found[1] in words)


def _badly(variable: str, quoted: Quoted, *, is_word: bool) -> Iterator[str]:
    if quoted.quote == "'" and not _ANOTHER_SHELL.search(quoted.before):
        yield (
            f"has ${variable} in single quotes, where it is not replaced; put it into "
            "double quotes"
        )
    if not quoted.quote and is_word and not _ASSIGNED.search(quoted.before):
        yield (
            f"has ${variable} outside of double quotes, where a shell splits its value "
            f'into words; write "${variable}"'
        )
