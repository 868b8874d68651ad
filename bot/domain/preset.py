"""Presets: commands that are written beforehand, with typed parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.rule import ApprovalRule

#: what a parameter's value reaches the command as, in capitals behind this
VARIABLE_PREFIX: Final = "PARAM_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of these texts."""

    of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A text that an RE2 pattern matches as a whole."""

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer:
    """A whole number; both ends are included."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What has to be said for a preset."""

    name: str
    kind: Choice | Pattern | Integer
    description: str = ""
    default: str | None = None  #: None: it has to be said

    @property
    def variable(self) -> str:
        """Return the environment variable in which the command finds it."""
        return variable(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named command of a stack, for people who may run nothing else there."""

    name: str
    command: str
    description: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    skip_init: bool = False
    #: who may run it beside the stack's writers, as those are written
    runners: tuple[str, ...] = ()
    #: who has to agree; None: as for any other command of the stack
    approvals: ApprovalRule | None = None


def in_words(kind: Integer) -> str:
    """Return in words which numbers *kind* takes: `number from 1 to 9`."""
    if kind.least is not None and kind.most is not None:
        return f"number from {kind.least} to {kind.most}"
    if kind.least is not None:
        return f"number of at least {kind.least}"
    return "number" if kind.most is None else f"number of at most {kind.most}"


def variable(parameter: str) -> str:
    """Return the environment variable in which a command finds *parameter*."""
    return f"{VARIABLE_PREFIX}{parameter.upper()}"
