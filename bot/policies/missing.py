"""Policies where there is nothing to evaluate them with: the answer is no."""

from collections.abc import Sequence
from pathlib import Path

from bot.domain.errors import PolicyUnavailable
from bot.domain.policy import Policy, PolicyFault, PolicyKind, Ruling
from bot.policies.testing import TestResult
from bot.ports import Document

NOT_SET = (
    "HANDRAIL_OPA is not set. Install Open Policy Agent 1.0 or newer and set it to the "
    "path of the program, or to the address of an OPA that runs."
)


class NoPolicies:
    """Refuses whatever a policy is attached to."""

    def __init__(self, why: str = NOT_SET) -> None:
        self._why = why

    async def rulings(
        self,
        policies: Sequence[Policy],
        document: Document,  # noqa: ARG002
    ) -> tuple[Ruling, ...]:
        """Raise PolicyUnavailable, unless there is nothing to ask."""
        for policy in policies:
            raise PolicyUnavailable(f"Policy {policy.name}: {self._why}")
        return ()

    async def kind(self, policy: Policy) -> PolicyKind:
        """Raise PolicyUnavailable."""
        raise PolicyUnavailable(f"Policy {policy.name}: {self._why}")

    async def check(self, policies: Sequence[Policy]) -> tuple[PolicyFault, ...]:
        """Raise PolicyUnavailable, unless there is nothing to check."""
        if policies:
            raise PolicyUnavailable(self._why)
        return ()

    async def run_tests(
        self,
        policy: Policy,  # noqa: ARG002
        files: Sequence[Path],  # noqa: ARG002
    ) -> tuple[TestResult, ...]:
        """Raise PolicyUnavailable."""
        raise PolicyUnavailable(self._why)
