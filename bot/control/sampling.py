"""Policies whose inputs are kept where they ask for it."""

from collections.abc import Sequence

from bot.domain.policy import Policy, PolicyFault, PolicyKind, Ruling
from bot.ports import Approvals, Clock, Document, Policies


class Sampling:
    """The port `Policies`, which keeps the documents that a `sample` rule wants."""

    def __init__(
        self, policies: Policies, approvals: Approvals, *, clock: Clock
    ) -> None:
        self._policies = policies
        self._approvals = approvals
        self._clock = clock

    async def rulings(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        """Return what each of *policies* makes of *document*.

        Where one cannot be asked nothing is decided, and nothing is kept.
        """
        rulings = await self._policies.rulings(policies, document)
        for ruling in rulings:
            if ruling.sample:
                at = self._clock()
                await self._approvals.keep_sample(ruling.policy, document, ruling, at)
        return rulings

    async def kind(self, policy: Policy) -> PolicyKind:
        """Return what *policy* has rules for; raise PolicyUnavailable."""
        return await self._policies.kind(policy)

    async def check(self, policies: Sequence[Policy]) -> tuple[PolicyFault, ...]:
        """Return all that is wrong with *policies*; raise PolicyUnavailable."""
        return await self._policies.check(policies)
