"""What a thread is told of approvals: who has to agree to its run, and who did."""

from collections.abc import Iterable
from typing import Final

from bot.domain.approval import Decision, Review, Reviews
from bot.domain.run import Approval, Reason, Run
from bot.domain.telling import Reviewed
from bot.slack import buttons
from bot.slack.blocks import Block, actions, context, section
from bot.slack.message import Message, line
from bot.slack.mrkdwn import escaped, mentioning, shortened, when, who

_WHO_LENGTH: Final = 2_000
_NAMED: Final = 5
#: of a run that nobody was asked about
NOBODYS: Final = Reviews()
_HOW: Final = (
    "A review is of exactly this command, image and configuration: when one of them "
    "changes, it does not count any more. Reply `approve`, `approve: note` or "
    "`reject: why`, or press a button; `stop` takes the run back."
)


def pending(run: Run, reviews: Reviews) -> Message:
    """Render who has to agree to a run before it may start, in the rules' own words."""
    if not run.approval_note:
        return line(":hourglass_flowing_sand: Handrail finds out who has to agree.")
    return Message(
        text=shortened(f"It waits for approval. {mentioning(run.approval_note)}", 300),
        blocks=[
            section(":raised_hand: *It waits for approval, and blocks no other run.*"),
            section(shortened(mentioning(run.approval_note), _WHO_LENGTH)),
            *_so_far(run, reviews),
            context(f"{_HOW}{_expiry(run)}"),
            *actions(*buttons.of_approval(run)),
        ],
    )


def reviewed(telling: Reviewed) -> Message:
    """Render what a reviewer said of the run."""
    agrees = telling.decision is Decision.APPROVE
    emoji, did = (
        (":white_check_mark:", "approved") if agrees else (":no_entry:", "rejected")
    )
    what = f"{emoji} {who(telling.actor)} {did} this run"
    return line(f"{what}: {escaped(telling.note)}" if telling.note else f"{what}.")


def reviewers(run: Run, reviews: Reviews) -> str:
    """Name who decided about *run*, as part of a sentence; "" for nobody.

    While nobody has decided these are all who said something.
    """
    waits = run.waits_for_approval
    was_rejected = run.reason is Reason.REJECTED and run.approval is Approval.PENDING
    said = {
        "rejected": reviews.rejections if waits or was_rejected else (),
        "approved": reviews.approvals
        if waits or run.approval is Approval.APPROVED
        else (),
    }
    return ", ".join(f"{did} by {_names(some)}" for did, some in said.items() if some)


def _so_far(run: Run, reviews: Reviews) -> list[Block]:
    said = reviewers(run, reviews)
    return [context(f"Reviews so far: {said}.")] if said else []


def _names(reviews: Iterable[Review]) -> str:
    names = [who(review.actor) for review in reviews]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return " and ".join(names[:_NAMED]) + more


def _expiry(run: Run) -> str:
    if run.approval_expires is None:
        return ""
    return f" It is discarded at {when(run.approval_expires)} if nobody decides."
