"""Policies that answer what a test says, without any Rego."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.errors import PolicyUnavailable
from bot.domain.policy import Policy, PolicyFault, PolicyKind, Ruling
from bot.ports import Document

#: what a policy makes of a document: the fields of a `Ruling`
Rules = Callable[[Any], Mapping[str, Any]]


@dataclass
class ScriptedPolicies:
    """The port `Policies`, by the names of the policies; keeps what it was asked."""

    denying: MutableMapping[str, Rules] = field(default_factory=dict)
    deciding: MutableMapping[str, Rules] = field(default_factory=dict)
    away: bool = False
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def rulings(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        self.asked += [(it.name, document) for it in policies]
        rules = self.denying if "request" in document else self.deciding
        names = (it.name for it in policies)
        return tuple(Ruling(policy=it, **rules[it](document)) for it in names)

    async def kind(self, policy: Policy) -> PolicyKind:
        if self.away:
            raise PolicyUnavailable("OPA does not answer.")
        return PolicyKind(
            denies=policy.name in self.denying, decides=policy.name in self.deciding
        )

    async def check(self, policies: Sequence[Policy]) -> tuple[PolicyFault, ...]:
        return ()


def a_policy(name: str) -> Policy:
    """Return a policy that a stack has attached."""
    return Policy(name=name, path=Path("/policies") / name)


def approvals(document: Any) -> list[str]:
    """Return the logins of those whose approval counts."""
    return [it["author"] for it in document["reviews"]["current"]["approvals"]]


def rejections(document: Any) -> list[str]:
    """Return the logins of those whose rejection counts."""
    return [it["author"] for it in document["reviews"]["current"]["rejections"]]
