"""One Slack message, and what messages of several kinds have in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.domain.lock import EVERY, Hold
from bot.domain.run import Run, RunState
from bot.domain.sentences import ending
from bot.slack.blocks import Block, section
from bot.slack.mrkdwn import escaped, shortened, when

_ICONS: Final = {
    RunState.QUEUED: ":hourglass_flowing_sand:",
    RunState.READY: ":hourglass_flowing_sand:",
    RunState.PREPARING: ":package:",
    RunState.INITIALIZING: ":gear:",
    RunState.PERFORMING: ":rocket:",
    RunState.PLANNING: ":mag:",
    RunState.UNCONFIRMED: ":raised_hand:",
    RunState.APPLYING: ":rocket:",
    RunState.FINISHED: ":white_check_mark:",
    RunState.FAILED: ":x:",
    RunState.DISCARDED: ":no_entry:",
    RunState.STOPPED: ":octagonal_sign:",
}
_ASKING: Final = ":raised_hand:"
SECTION_LENGTH: Final = 2_900
_REASON_LENGTH: Final = 500
_TEXT_LENGTH: Final = 300
_NAMED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Slack message: *text* is for notifications and screen readers."""

    text: str
    blocks: list[Block]


def line(mrkdwn: str, *more: Block) -> Message:
    """Return a message of one paragraph, and of *more* below it."""
    return Message(
        text=shortened(mrkdwn, _TEXT_LENGTH),
        blocks=[section(shortened(mrkdwn, SECTION_LENGTH)), *more],
    )


def icon(run: Run) -> str:
    """Return the sign of where a run stands."""
    return _ASKING if run.waits_for_approval else _ICONS[run.state]


def standing(run: Run) -> str:
    """Return in plain words where a run stands."""
    if run.state.is_terminal:
        return ending(run)
    if run.waits_for_approval:
        return "waits for approval"
    if run.state is RunState.UNCONFIRMED and run.confirmed_by is not None:
        return "confirmed"
    return str(run.state)


def plain(text: str) -> str:
    """Return what anybody said as the text of a notification."""
    return shortened(escaped(text), _TEXT_LENGTH)


def why(reason: str) -> str:
    """Return a reason as the end of a sentence, nothing where there is none."""
    return f": {shortened(escaped(reason), _REASON_LENGTH)}" if reason else ""


def until(hold: Hold) -> str:
    """Return when a hold ends by itself, nothing where it does not."""
    return f" until {when(hold.until)}" if hold.until else ""


def stacks_of(holds: Iterable[Hold]) -> str:
    """Name what is held; a freeze holds every stack."""
    names = [
        "every stack" if hold.stack == EVERY else f"*{escaped(hold.stack)}*"
        for hold in holds
    ]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
