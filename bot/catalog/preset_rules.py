"""What presets owe the rest of the file, and the thread and the form that show them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from bot.catalog.plain_values import Layer, first, mapping, sections, stacks
from bot.catalog.presets import ParameterEntry, PresetEntry, parameter, preset
from bot.catalog.problem import Finding, Where, spelled
from bot.control.parameters import fault
from bot.domain.preset import Choice, Parameter, Preset, variable
from bot.domain.preset_call import LONGEST_TOGETHER, written_call

#: A menu of Slack has 100 options, and one is for a command of one's own:
#: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
MOST_PRESETS: Final = 99

_SETTING: Final = ("env", "secrets")


def check(config: object) -> Iterator[Finding]:
    """Yield what is wrong."""
    for where, section in sections(config):
        for name, entry in mapping(section, "presets").items():
            yield from _defaults((*where, "presets", name), entry)
            yield from _too_long((*where, "presets", name), entry)
    for layers in stacks(config):
        yield from _taken_variables(layers)
        yield from _too_many(layers)


def _defaults(where: Where, entry: object) -> Iterator[Finding]:
    for name, said in mapping(entry, "parameters").items():
        if wrong := _wrong_default(name, said):
            yield Finding(where=(*where, "parameters", name, "default"), text=wrong)


def _wrong_default(name: str, entry: object) -> str:
    with suppress(ValidationError):  # which is told already
        said = parameter(name, ParameterEntry.model_validate(entry))
        if said.default is not None:
            return fault(said, said.default).removesuffix(".")
    return ""


def _too_long(where: Where, entry: object) -> Iterator[Finding]:
    with suppress(ValidationError):  # which is told already
        length = _least(preset(str(where[-1]), PresetEntry.model_validate(entry)))
        if length > LONGEST_TOGETHER:
            yield Finding(
                where=(*where, "command"),
                text=f"with its shortest call this has {length:,} characters, and a "
                f"thread shows {LONGEST_TOGETHER:,} of them; put the command into a "
                "script in the stack's source and run that",
            )


def _least(said: Preset) -> int:
    shortest = {name: _shortest(it) for name, it in said.parameters.items()}
    return len(said.command) + len(written_call(said.name, shortest))


def _shortest(said: Parameter) -> str:
    return min(said.kind.of, key=len) if isinstance(said.kind, Choice) else "1"


def _too_many(layers: Sequence[Layer]) -> Iterator[Finding]:
    names = {name for _, section in layers for name in mapping(section, "presets")}
    place = first(layers, "presets")
    if place is not None and len(names) > MOST_PRESETS:
        yield Finding(
            where=(*place, "presets"),
            text=f"{spelled(layers[0][0])} has {len(names)} presets, those of its "
            f"contexts and of defaults among them; the form shows {MOST_PRESETS}, so "
            "keep at most so many",
        )


def _taken_variables(layers: Sequence[Layer]) -> Iterator[Finding]:
    for where in _parameters(layers):
        name = variable(str(where[-1]))
        for place in filter(None, (_set(layers, it, name) for it in _SETTING)):
            yield Finding(
                where=where,
                text=f"{spelled(place)} is the variable of this parameter, too; rename "
                "one of them",
                on_key=True,
            )


def _parameters(layers: Sequence[Layer]) -> Iterator[Where]:
    presets = (
        ((*place, "presets", name), entry)
        for place, section in layers
        for name, entry in mapping(section, "presets").items()
    )
    for where, entry in presets:
        yield from ((*where, "parameters", it) for it in mapping(entry, "parameters"))


def _set(layers: Sequence[Layer], group: str, name: str) -> Where | None:
    """Return where the variable *name* is set in *group*."""
    groups: list[tuple[Where, Mapping[str, object]]] = [
        (place, mapping(section, group)) for place, section in layers
    ]
    place = first(groups, name)
    return None if place is None else (*place, group, name)
