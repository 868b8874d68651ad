"""Take what people say of a run that waits for approval."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from bot.control.access import Access
from bot.control.consent import is_as_agreed
from bot.control.policing import Policing
from bot.control.secrecy import Secrecy
from bot.domain.approval import Decision, Review, ReviewAnswer, counted
from bot.domain.errors import Refusal, Refused
from bot.domain.judging import rule_of
from bot.domain.people import Actor, Role
from bot.domain.run import Approval, Reason, Run, RunId
from bot.domain.sentences import any_of, ended_by, ending, name_of
from bot.domain.stack import Catalog, Stack
from bot.ports import Approvals, Archive, Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to say of a run."""

    actor: Actor
    decision: Decision
    note: str = ""
    subject: str = ""  #: what they saw, by its digest; empty: they named nothing
    said_at: datetime | None = None


class Approve:
    """Identity and role are asked for anew; what is refused changes nothing."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        archive: Archive,
        approvals: Approvals,
        policing: Policing,
        secrecy: Secrecy,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """*wake* has the run judged soon."""
        self._catalog = catalog
        self._access = access
        self._archive = archive
        self._approvals = approvals
        self._policing = policing
        self._secrecy = secrecy
        self._clock = clock
        self._wake = wake

    async def review(self, run_id: RunId, wanted: Wanted) -> None:
        """Record what *wanted* says of a run, or refuse.

        Raises RoleSourceUnavailable.
        """
        run = await self._archive.run(run_id)
        stack = self._catalog.stack(run.stack)
        await self._access.still(wanted.actor)
        at = min(wanted.said_at or self._clock(), self._clock())
        _refuse_settled(run, at)
        if not await self._policing.may_review(
            wanted.actor, stack, run, decision=wanted.decision, fresh=True
        ):
            raise _may_not(wanted, run, stack)
        subject = _subject(wanted, run, stack)
        await self._refuse_twice(wanted, run, subject)
        review = Review(
            run=run.id,
            actor=wanted.actor,
            session=await self._policing.session(wanted.actor, stack, fresh=True),
            decision=wanted.decision,
            note=await self._hidden(wanted, stack),
            at=at,
            subject=subject,
        )
        await self._record(review, run)

    async def _record(self, review: Review, run: Run) -> None:
        became = await self._approvals.review(review)
        match became:
            case ReviewAnswer.TAKEN:
                self._wake()
            case ReviewAnswer.CHANGED:
                raise _changed(run)
            case ReviewAnswer.NOT_ASKED | ReviewAnswer.OVER:
                # Another hand was first, a moment ago.
                now = await self._archive.run(run.id)
                _refuse_settled(now, review.at)
                raise _changed(now)
            case _:
                assert_never(became)

    async def _refuse_twice(self, wanted: Wanted, run: Run, subject: str) -> None:
        for review in counted(await self._approvals.reviews(run.id), subject).current:
            is_same = review.decision is wanted.decision and not wanted.note
            if is_same and review.actor.is_same(wanted.actor):
                raise Refused(
                    f"You said {wanted.decision} to run {run.id} already. "
                    f"{_who_has_to(run)}",
                    reason=Refusal.NOT_ASKED,
                )

    async def _hidden(self, wanted: Wanted, stack: Stack) -> str:
        if not wanted.note:
            return ""
        # For who may nothing there, no program is run that reads a secret.
        if await self._access.role(wanted.actor, stack) >= Role.WRITER:
            return await self._secrecy.of_writer(wanted.note, stack)
        return await self._secrecy.of_anybody(wanted.note, stack)


def _refuse_settled(run: Run, at: datetime) -> None:
    """Refuse a review of a run that waited for none when it was given."""
    if run.state.is_terminal:
        raise Refused(
            _joined(f"Run {run.id} is over{_how(run)}.", run.note),
            reason=Refusal.TOO_LATE,
        )
    if run.approval is Approval.NONE:
        raise Refused(
            f"Nobody has to agree to run {run.id}, so there is nothing to say yes or "
            "no to. To end it before it performs, reply stop.",
            reason=Refusal.NOT_ASKED,
        )
    if run.approval is Approval.APPROVED:
        raise Refused(
            _joined(
                f"Run {run.id} is approved already.",
                run.approval_note,
                "To end it before it performs, reply stop.",
            ),
            reason=Refusal.NOT_ASKED,
        )
    if run.approval_expires is not None and run.approval_expires <= at:
        raise Refused(
            f"The time to agree to run {run.id} is over. Send it again to have people "
            "asked once more.",
            reason=Refusal.TOO_LATE,
        )


def _how(run: Run) -> str:
    """Return how *run* ended, after which its note may say why."""
    if run.reason is Reason.REJECTED:
        return " and did not start"
    actor = ended_by(run)
    by = "" if actor is None else f" by {name_of(actor)}"
    return f", it {ending(run)}" if run.reason else f": {ending(run)}{by}"


def _subject(wanted: Wanted, run: Run, stack: Stack) -> str:
    """Return what *wanted* is about, or refuse: it has to be what would run now."""
    if run.subject is None or not (run.image_digest or run.outside):
        raise Refused(
            f"Handrail is still finding out what exactly run {run.id} would be. Try "
            "again in a moment.",
            reason=Refusal.UNAVAILABLE,
        )
    since = run.subject_changed_at
    was_before = since and wanted.said_at and wanted.said_at < since
    if (
        was_before
        or wanted.subject not in {"", run.subject}
        or not is_as_agreed(run, stack)
    ):
        raise _changed(run)
    return run.subject


def _changed(run: Run) -> Refused:
    return Refused(
        f"Run {run.id} is not what it was when you looked at it: its command, its "
        "image or its stack was changed, so nothing was recorded. Look at it again in "
        "its thread, and say it again if you still mean it.",
        reason=Refusal.STALE,
    )


def _may_not(wanted: Wanted, run: Run, stack: Stack) -> Refused:
    says_yes = wanted.decision is Decision.APPROVE
    ask = _joined(_who_has_to(run), _whom_to_ask(wanted, run, stack))
    if not wanted.actor.is_same(run.actor):
        which = "whose approval counts for" if says_yes else "who may reject"
        sentence = f"You are none of those {which} run {run.id}."
    elif says_yes:
        sentence = f"Run {run.id} is your own, so somebody else has to approve it."
    else:
        sentence = f"Run {run.id} is your own."
        ask = "To take it back, reply stop."
    return Refused(f"{sentence} {ask}", reason=Refusal.NOT_ALLOWED)


def _who_has_to(run: Run) -> str:
    """Return who has to agree, in the words of the rules and policies that decide."""
    return run.approval_note or "Handrail is finding out who has to agree to it."


def _whom_to_ask(wanted: Wanted, run: Run, stack: Stack) -> str:
    """Name the writers where the built-in rule says no more than that word."""
    rule = rule_of(stack, run.preset)
    if rule is None or rule.from_ or stack.policies:
        return ""
    members = dict.fromkeys((*stack.writers, *stack.admins))
    in_vain = {wanted.actor.id} | (set() if stack.self_review else {run.actor.id})
    others = [it for it in members if it not in in_vain]
    return f"Ask {any_of(others)}." if others else ""


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
