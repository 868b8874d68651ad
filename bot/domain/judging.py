"""What reviews and rulings come to: each rule judges, and all of them together."""

from collections.abc import Sequence

from bot.domain.approval import Judgment, Outcome, Review
from bot.domain.policy import Ruling
from bot.domain.rule import ApprovalRule
from bot.domain.sentences import any_of, name_of
from bot.domain.stack import Stack


def rule_of(stack: Stack, preset: str) -> ApprovalRule | None:
    """Return the built-in rule for a command of *stack*; None: there is none."""
    named = stack.presets.get(preset)
    if named is not None and named.approvals is not None:
        return named.approvals
    return stack.approvals


def by_rule(
    rule: ApprovalRule,
    stack: Stack,
    agreed: Sequence[Review],
    rejections: Sequence[Review],
) -> Judgment:
    """Judge by the built-in *rule*; *agreed* are the approvals that count for it."""
    if rejections:
        said = tuple(map(_rejected, rejections))
        return Judgment(outcome=Outcome.REJECTED, notes=said)
    names = ", ".join(name_of(review.actor) for review in agreed)
    if len(agreed) >= rule.count:
        return Judgment(outcome=Outcome.APPROVED, notes=(f"Approved by {names}.",))
    have = f"{len(agreed)} {_has(len(agreed))} ({names})" if agreed else "nobody has"
    note = f"{rule.count} of {_asked(rule, stack)} {_has(rule.count)} to agree; {have}."
    return Judgment(outcome=Outcome.UNDECIDED, notes=(note,))


def by_ruling(ruling: Ruling) -> Judgment:
    """Judge by what a policy made of it. What failed has not agreed."""
    policy = ruling.policy
    if ruling.failed:
        return Judgment(outcome=Outcome.REJECTED, notes=(ruling.failed,))
    if ruling.rejects:
        notes = _named(policy, ruling.reject_notes) or (f"{policy} rejects it.",)
        return Judgment(outcome=Outcome.REJECTED, notes=notes)
    if ruling.approves:
        notes = _named(policy, ruling.approve_notes) or (f"{policy} approves it.",)
        return Judgment(outcome=Outcome.APPROVED, notes=notes)
    silent = f"{policy} does not say who has to agree."
    return Judgment(
        outcome=Outcome.UNDECIDED, notes=ruling.undecided_notes or (silent,)
    )


def together(judgments: Sequence[Judgment]) -> Judgment:
    """Judge by all: one that rejects is enough, and approved is what all approve."""
    for decisive in (Outcome.REJECTED, Outcome.UNDECIDED, Outcome.APPROVED):
        notes = [it.notes for it in judgments if it.outcome is decisive]
        if notes:
            return Judgment(outcome=decisive, notes=tuple(sum(notes, ())))
    return Judgment(outcome=Outcome.APPROVED, notes=("Nobody has to agree any more.",))


def _rejected(review: Review) -> str:
    why = f": {review.note}" if review.note else ""
    return f"{name_of(review.actor)} rejected it{why}"


def _named(policy: str, notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{policy}: {note}" for note in notes)


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _asked(rule: ApprovalRule, stack: Stack) -> str:
    return any_of(rule.from_) or f"the writers of {stack.name}"
