"""The buttons of messages: what they are called, and what is asked before they act."""

from typing import Final

from bot.domain.lock import Hold, Occupancy
from bot.domain.run import STOPPABLE, WAITING, Run, RunState, RunType
from bot.domain.sentences import first_line
from bot.slack.blocks import Block, button
from bot.slack.mrkdwn import clipped

#: a dialog's text may have 300 characters
_ASKED: Final = 200
_CAN_END: Final = STOPPABLE | (WAITING - {RunState.UNCONFIRMED})


def of_run(run: Run, occupancy: Occupancy) -> list[Block]:
    """Return the buttons that fit where a run stands, and who holds its stack."""
    return [*_for_the_run(run), *of_stack(occupancy.hold)]


def of_stack(hold: Hold | None) -> list[Block]:
    """Return the buttons that fit who holds a stack."""
    if hold is None:
        return [button("lock", "Lock")]
    return [button("unlock", "Unlock"), button("steal", "Steal", value=_named(hold))]


def of_approval(run: Run) -> list[Block]:
    """Return what is said of exactly what *run* is now, while people are asked to."""
    if not run.waits_for_approval or not run.approval_note or run.subject is None:
        return []
    return [
        button("approve", "Approve", value=run.subject, style="primary"),
        button("reject", "Reject", value=run.subject, style="danger"),
    ]


def of_notice(hold: Hold, *, has_end: bool) -> list[Block]:
    """Return what its holder can do about *hold*, and about no later one."""
    value = _named(hold)
    longer = (
        button("extend", "Extend by 1 h", value=value)
        if has_end
        else button("keep_hold", "Keep", value=value)
    )
    return [longer, button("release_hold", "Release", value=value)]


def notify_me(stack: str) -> Block:
    """Return the button by which somebody is told when *stack* is free."""
    return button("notify", "Notify me", value=stack)


def _named(hold: Hold) -> str:
    """Name *hold* and no later one on its stack."""
    return f"{hold.stack}|{hold.since.isoformat()}"


def _for_the_run(run: Run) -> list[Block]:
    if run.state in _CAN_END:
        return [_stop(run)]
    if run.state is RunState.UNCONFIRMED and run.confirmed_by is None:
        return [_confirm(run), _discard()]
    if run.state.is_terminal and run.type is RunType.TASK:
        return [_again(run)]
    return []


def _stop(run: Run) -> Block:
    return button(
        "stop",
        "Stop",
        style="danger",
        confirm="The run ends before anything is changed."
        if run.type is RunType.TRACKED
        else "The run ends before its command performs.",
    )


def _confirm(run: Run) -> Block:
    would = clipped(first_line(run.summary), _ASKED) or "What it planned"
    return button(
        "confirm",
        "Confirm",
        style="primary",
        confirm=f"Exactly this plan is applied to {run.stack}: {would}",
    )


def _discard() -> Block:
    return button("discard", "Discard")


def _again(run: Run) -> Block:
    return button(
        "again",
        "Run again",
        confirm=f"It becomes a new run, by you: {clipped(run.asked, _ASKED)}",
    )
