"""Approvals as they are stored, and the policies that ask for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.approval import Judgment, Review, ReviewAnswer
from bot.domain.policy import Policy, PolicyFault, PolicyKind, Ruling
from bot.domain.run import Run, RunId

#: what a policy is asked, as JSON has it
Document = Mapping[str, object]


class Approvals(Protocol):
    """The approvals of runs; each method is one transaction.

    A method that changes anything raises StoreUnavailable when it could not.
    """

    async def reviews(self, run: RunId) -> tuple[Review, ...]:
        """Return all reviews of *run*, oldest first, void ones too."""

    async def pending(self) -> tuple[Run, ...]:
        """Return the runs whose approval is pending, oldest first."""

    async def propose(self, run: RunId, subject: str, image: str, at: datetime) -> bool:
        """Note what exactly is to be agreed to, and the digest of its image.

        Reviews of another subject count no more; who gave them is told so. An
        approved run that has not begun is pending, and queued, again. False, and
        nothing, where the run has begun or ended, or nobody has to agree to it.
        """

    async def review(self, review: Review) -> ReviewAnswer:
        """Record what somebody said of a pending run, with its audit row and line."""

    async def withdraw(
        self, run: RunId, ordinals: Sequence[int], why: str, at: datetime
    ) -> bool:
        """Count the reviews with these *ordinals* no more, and tell the thread *why*.

        An approved run that has not begun is pending, and queued, again. False, and
        nothing, where the run has begun or ended, or nobody has to agree to it.
        """

    async def judge(
        self,
        run: RunId,
        judgment: Judgment,
        at: datetime,
        *,
        seen: Sequence[Review],
        subject: str | None,
    ) -> bool:
        """Record what the rules make of a pending run.

        *seen* are all reviews that there were then, *subject* what the run was then.
        False, and nothing, where it is of another subject by now, there is a newer
        review or one counts no more, or the run is not pending. A rejected run fails;
        an undecided one is told who has to agree, once.
        """

    async def expire(self, at: datetime) -> tuple[Run, ...]:
        """Discard the pending runs whose time is over, and return them."""

    async def keep_sample(
        self, policy: str, document: Document, ruling: Ruling, at: datetime
    ) -> None:
        """Keep what *policy* was asked; the last hundred of each are kept."""

    async def samples(self, policy: str) -> tuple[tuple[Document, Ruling], ...]:
        """Return what *policy* was asked, newest first, and what it answered."""


class Policies(Protocol):
    """Evaluates policies, in a process of its own. In doubt the answer is no."""

    async def rulings(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        """Return what each of *policies* makes of *document*, in order.

        Each may take five seconds for that, all at the same time. What goes wrong with
        one is a ruling that failed. Raises PolicyUnavailable where one was not asked in
        time: nobody is to blame for that, so it is worth while to ask again.
        """

    async def kind(self, policy: Policy) -> PolicyKind:
        """Return what *policy* has rules for, or raise PolicyUnavailable."""

    async def check(self, policies: Sequence[Policy]) -> tuple[PolicyFault, ...]:
        """Return all that is wrong with *policies*; raise PolicyUnavailable."""
