"""Policies: what they are asked, and what they answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: rules that refuse a command, and rules that decide about its approval
TASK_RULES: Final = ("deny",)
APPROVAL_RULES: Final = (
    "approve",
    "reject",
    "approve_with_note",
    "reject_with_note",
    "undecided_with_note",
)
SAMPLE_RULE: Final = "sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A file of Rego, as `handrail.yaml` attaches it."""

    name: str  #: as it is written there
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """As whom somebody acted, at that time: what policies may decide by."""

    login: str  #: the id of the person, or the name of the API key
    name: str = ""
    teams: tuple[str, ...] = ()  #: handles of user groups, without the @
    admin: bool = False
    machine: bool = False  #: an API key
    creator_ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What one policy makes of one document."""

    policy: str
    deny: tuple[str, ...] = ()
    approve: bool = False
    reject: bool = False
    approve_notes: tuple[str, ...] = ()
    reject_notes: tuple[str, ...] = ()
    undecided_notes: tuple[str, ...] = ()
    sample: bool = False
    #: why it could not be evaluated, as a sentence; then nothing else is known
    failed: str = ""

    @property
    def approves(self) -> bool:
        """Tell whether it agrees."""
        return self.approve or bool(self.approve_notes)

    @property
    def rejects(self) -> bool:
        """Tell whether it forbids; what cannot be evaluated does."""
        return self.reject or bool(self.reject_notes) or bool(self.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """What a policy has rules for."""

    denies: bool = False
    decides: bool = False  #: about approval


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFault:
    """What is wrong with a policy; *row* and *column* count from 1, 0: unknown."""

    policy: str
    message: str
    row: int = 0
    column: int = 0


def denials(rulings: Iterable[Ruling]) -> tuple[str, ...]:
    """Return all sentences that refuse a command, those of failed policies too."""
    return tuple(
        message
        for ruling in rulings
        for message in ((ruling.failed,) if ruling.failed else ruling.deny)
    )
