"""`handrail.yaml` as plain values, of which any may have the wrong type."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from bot.catalog.problem import Where

#: A mapping of the file that a stack is made of, and where it stands.
Layer: TypeAlias = tuple[Where, Mapping[str, object]]


def mapping(value: object, key: str) -> Mapping[str, object]:
    """Return the mapping at *key*; empty: there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(value: object, key: str) -> Sequence[object]:
    """Return the list at *key*; empty: there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def sections(config: object) -> Iterator[Layer]:
    """Yield all that stacks are made of: defaults, contexts and the stacks."""
    yield ("defaults",), mapping(config, "defaults")
    for group in ("contexts", "stacks"):
        written = mapping(config, group)
        named = {name: mapping(written, name) for name in written}
        yield from (((group, name), section) for name, section in named.items())


def stacks(config: object) -> Iterator[Sequence[Layer]]:
    """Yield what each stack is made of; what comes first wins."""
    for name, stack in mapping(config, "stacks").items():
        if isinstance(stack, Mapping):
            yield _layers(("stacks", name), stack, config)


def first(layers: Sequence[Layer], key: str) -> Where | None:
    """Return where *key* is written first."""
    return next((place for place, section in layers if key in section), None)


def _layers(
    where: Where, stack: Mapping[str, object], config: object
) -> Sequence[Layer]:
    defaults, contexts = mapping(config, "defaults"), mapping(config, "contexts")
    named = items(stack if "contexts" in stack else defaults, "contexts")
    shared = [
        (("contexts", name), mapping(contexts, name))
        for name in reversed(named)
        if isinstance(name, str)
    ]
    return [(where, stack), *shared, (("defaults",), defaults)]
