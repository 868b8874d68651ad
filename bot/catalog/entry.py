"""A mapping of `handrail.yaml`, whatever its keys."""

from collections.abc import Container
from typing import TypeGuard

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """A mapping of the file, in which nothing is taken for something else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def is_known(value: object, model: type[Entry]) -> TypeGuard[Container[str]]:
    """Tell whether *value* has keys of *model* alone; others have their own error."""
    return isinstance(value, dict) and value.keys() <= model.model_fields.keys()


def count(value: Container[str], *names: str) -> int:
    """Return how many of *names* are keys of *value*."""
    return sum(name in value for name in names)


def unless_none(value: object) -> object:
    """Return *value*, or None where `none` is written."""
    # YAML reads a bare `no` or `off` as false.
    return None if value is False or value == "none" else value
