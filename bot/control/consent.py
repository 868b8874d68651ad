"""Whether what people agreed to is what would start now, and they may still agree."""

from collections.abc import Sequence

from bot.control.access import Access
from bot.control.policing import Policing
from bot.control.reviewers import reviews_of
from bot.domain.approval import Review, subject_of
from bot.domain.errors import (
    PolicyUnavailable,
    Refusal,
    Refused,
    RoleSourceUnavailable,
)
from bot.domain.run import Approval, Run
from bot.domain.sentences import name_of
from bot.domain.stack import Catalog, Stack
from bot.ports import Approvals, Clock


class Consent:
    """Asked right before a run starts, when everything may have changed."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        policing: Policing,
        approvals: Approvals,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._policing = policing
        self._approvals = approvals
        self._clock = clock

    async def stands(self, run: Run) -> bool:
        """Tell whether *run*, which has not begun, may; if not it waits for people.

        Raises RoleSourceUnavailable where it is worth while to ask again.
        """
        stack = self._catalog.stacks.get(run.stack)
        if run.approval is Approval.NONE or stack is None:
            return True  # what is to be refused of it has its own sentence
        if run.approval is Approval.PENDING:
            return False
        if not is_as_agreed(run, stack):
            # Which image it would be by now is found out while it waits.
            subject = subject_of(run, "", stack).digest
            await self._approvals.propose(run.id, subject, "", self._clock())
            return False
        return not await self._has_withdrawn(run, stack)

    async def require(self, run: Run, stack: Stack) -> None:
        """Refuse *run*, which begins on *stack*, unless it was agreed to if need be."""
        if run.approval is Approval.APPROVED:
            await self._require_agreed(run, stack)
            return
        if run.approval is Approval.PENDING:
            raise _refused(f"Nobody has agreed to run {run.id} yet.")
        try:
            asks = await self._policing.asks(run, stack)
        except PolicyUnavailable as unknown:
            raise _refused(str(unknown)) from unknown
        if asks:
            raise _refused(
                f"Since run {run.id} was sent, somebody has to agree to what runs on "
                f"{stack.name}. Send it again."
            )

    async def _require_agreed(self, run: Run, stack: Stack) -> None:
        if not is_as_agreed(run, stack):
            raise _refused(
                f"{stack.name} is not what it was when run {run.id} was agreed to, so "
                "nothing was started. Send it again."
            )
        if run.confirmed_by is None:
            return  # that they still agree was asked a moment ago
        lost = await self._lost(run, stack)
        if lost:
            raise _refused(
                f"{_names(lost)} may not approve run {run.id} any more, so its plan "
                f"is not applied. Plan again: /deploy {stack.name}."
            )

    async def _has_withdrawn(self, run: Run, stack: Stack) -> bool:
        """Withdraw the approvals of those who may not give one any more."""
        lost = await self._lost(run, stack)
        return bool(lost) and await self._approvals.withdraw(
            run.id, [it.ordinal for it in lost], _gone(lost), self._clock()
        )

    async def _lost(self, run: Run, stack: Stack) -> list[Review]:
        """Return the approvals of *run* that would not count if given now."""
        reviews = await reviews_of(self._approvals, run)
        try:
            present = [it for it in reviews.approvals if await self._is_present(it)]
            still = await self._policing.still_agreed(run, stack, present)
        except RoleSourceUnavailable as unheard:
            if unheard.again_in is not None:
                raise
            still = []  # nobody will ever say, so the answer is no
        return [it for it in reviews.approvals if it not in still]

    async def _is_present(self, review: Review) -> bool:
        try:
            await self._access.still(review.actor)
        except Refused:
            return False
        return True


def is_as_agreed(run: Run, stack: Stack) -> bool:
    """Tell whether *run* on *stack* is what it was proposed as."""
    return run.subject == subject_of(run, run.image_digest or "", stack).digest


def _gone(lost: Sequence[Review]) -> str:
    return (
        f"{_names(lost)} may not approve this any more, so that approval counts no "
        "more. It waits again."
    )


def _names(reviews: Sequence[Review]) -> str:
    return ", ".join(name_of(review.actor) for review in reviews)


def _refused(sentence: str) -> Refused:
    return Refused(sentence, reason=Refusal.POLICY)
