"""What threads look like: pure rendering of the record into Slack's messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.lock import Hold, Occupancy
from bot.domain.run import Run, RunState
from bot.domain.sentences import ending, span, status
from bot.domain.stack import StackName
from bot.domain.telling import (
    Echo,
    Held,
    Released,
    Said,
    StopAsked,
    Waiting,
)
from bot.slack.blocks import Block, actions, button, context, preformatted, section
from bot.slack.mrkdwn import clipped, escaped, shortened, when, who
from bot.slack.output import Excerpt, last_lines

_ICONS: Final = {
    RunState.QUEUED: ":hourglass_flowing_sand:",
    RunState.READY: ":hourglass_flowing_sand:",
    RunState.PREPARING: ":package:",
    RunState.INITIALIZING: ":gear:",
    RunState.PERFORMING: ":rocket:",
    RunState.FINISHED: ":white_check_mark:",
    RunState.FAILED: ":x:",
    RunState.DISCARDED: ":no_entry:",
    RunState.STOPPED: ":octagonal_sign:",
}
_STOPPABLE: Final = frozenset(
    {RunState.QUEUED, RunState.READY, RunState.PREPARING, RunState.INITIALIZING}
)
_PREVIEW: Final = 280
_TAIL_LINES: Final = 30
_TAIL_LENGTH: Final = 3_000
_REASON_LENGTH: Final = 500
#: beside the longest command, five remarks still fit into one message
_REMARK_LENGTH: Final = 900
_REMARKS: Final = 5
_PAST_LENGTH: Final = 120
_SECTION_LENGTH: Final = 2_900
_TEXT_LENGTH: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Slack message: *text* is for notifications and screen readers."""

    text: str
    blocks: list[Block]


def header(run: Run, hold: Hold | None) -> Message:
    """Render the one channel message of a run."""
    state = ending(run) if run.state.is_terminal else str(run.state)
    title = f"{_ICONS[run.state]} *{escaped(run.stack)}* · {escaped(state)}"
    return Message(
        text=_plain(f"{run.stack} · {state} · {clipped(run.command, 120)}"),
        blocks=[
            section(title),
            preformatted(_preview(run.command)),
            context(" · ".join(_facts(run))),
            *_hold_line(hold),
            *actions(*_buttons(run, hold)),
        ],
    )


def card(
    stack: StackName,
    occupancy: Occupancy,
    running: Run | None,
    queue: tuple[Run, ...],
    last: Sequence[Run],
    now: datetime,
) -> Message:
    """Render the channel message of a stack."""
    told = status(stack, occupancy, running, queue, now)
    blocks = [
        section(f":memo: *{escaped(stack)}*"),
        section(shortened(escaped(told), _SECTION_LENGTH)),
    ]
    if last:
        blocks.append(context("\n".join(map(_past, last))))
    return Message(
        text=_plain(f"{stack}: {told}"),
        blocks=[
            *blocks,
            *actions(_lock_button(occupancy.hold)),
        ],
    )


def echo(telling: Echo, run: Run) -> Message:
    """Render the exact command and its init flag, and what was undone in it."""
    flag = "without init (`--no-init`)" if run.skip_init else "after the stack's init"
    remarks = [
        context(shortened(escaped(remark), _REMARK_LENGTH))
        for remark in telling.remarks[:_REMARKS]
    ]
    return Message(
        text=_plain(f"Run {run.id} by {run.actor.name}"),
        blocks=[
            section(f"{who(run.actor)} runs exactly this, {flag}:"),
            preformatted(run.command),
            *remarks,
        ],
    )


def waiting(telling: Waiting, link: str | None) -> Message:
    """Render what keeps a run queued; *link* leads to the run that does."""
    since = f" since {when(telling.since)}" if telling.since else ""
    if telling.hold is not None:
        cause = f"{who(telling.hold.actor)} holds the stack{since}{_why(telling.hold)}"
    elif telling.blocking_run is not None:
        name = f"run {telling.blocking_run}"
        cause = f"{f'<{link}|{name}>' if link else name} has the stack{since}"
    else:
        cause = "it starts in a moment"
    return _line(f":hourglass_flowing_sand: Queued, number {telling.place}: {cause}.")


def held(telling: Held) -> Message:
    """Render that a hold was taken."""
    hold = telling.hold
    return _line(
        f":lock: {who(hold.actor)} holds *{escaped(hold.stack)}*{_why(hold)}. "
        "Only their runs start until they reply `unlock`."
    )


def released(telling: Released) -> Message:
    """Render that a hold was released, naming the one who lost it."""
    hold = telling.hold
    whose = "" if hold.actor.is_same(telling.actor) else f" from {who(hold.actor)}"
    why = f": {escaped(telling.reason)}" if telling.reason else ""
    return _line(
        f":unlock: {who(telling.actor)} released *{escaped(hold.stack)}*{whose}{why}."
    )


def stop_asked(telling: StopAsked) -> Message:
    """Render that the run will be stopped."""
    return _line(f":octagonal_sign: {who(telling.actor)} asked to stop the run.")


def said(telling: Said) -> Message:
    """Render a sentence of Handrail's own."""
    to = f"{who(telling.to)} " if telling.to is not None else ""
    return _line(to + escaped(telling.text))


def tail(output: bytes) -> Message:
    """Render the last lines of the output so far."""
    text = last_lines(output, lines=_TAIL_LINES, length=_TAIL_LENGTH)
    return Message(text="Output so far", blocks=[preformatted(text or " ")])


def final(run: Run, excerpt: Excerpt, *, attached: bool) -> Message:
    """Render how the run ended, with its output or what matters of it."""
    lasted = (
        f", after {span(run.ended_at - run.started_at)}"
        if run.ended_at and run.started_at
        else ""
    )
    blocks = [section(f"{_ICONS[run.state]} *{escaped(ending(run))}*{lasted}")]
    if run.note:
        blocks.append(section(shortened(escaped(run.note), _SECTION_LENGTH)))
    if excerpt.size:
        blocks.append(preformatted(excerpt.text() or " "))
    if not excerpt.is_whole:
        blocks.append(context(_whereabouts(run, excerpt, attached=attached)))
    return Message(
        text=_plain(f"{run.stack}: {ending(run)}{lasted} ({run.actor.name})"),
        blocks=blocks,
    )


def _whereabouts(run: Run, excerpt: Excerpt, *, attached: bool) -> str:
    size = f"{excerpt.size:,} bytes, {excerpt.lines:,} lines"
    if attached:
        return f"The whole output ({size}) is attached to this thread."
    return (
        f"The whole output ({size}) could not be attached; "
        f"`handrail output {run.id}` prints it on the bot's host."
    )


def _preview(command: str) -> str:
    lines = command.split("\n")
    return clipped("\n".join(lines[:5]), _PREVIEW) + ("\n…" if len(lines) > 5 else "")


def _facts(run: Run) -> list[str]:
    facts = [f"run {run.id}", f"by {who(run.actor)}", f"since {when(run.state_since)}"]
    if run.skip_init:
        facts.append("`--no-init`")
    if run.commit:
        facts.append(f"commit `{escaped(run.commit[:10])}`")
    if run.image_digest:
        facts.append(f"image `{escaped(_short_digest(run.image_digest))}`")
    return facts


def _short_digest(digest: str) -> str:
    name, _, hexes = digest.rpartition("sha256:")
    return f"{name}sha256:{hexes[:12]}"


def _past(run: Run) -> str:
    line = escaped(run.command.split("\n")[0])
    command = shortened(line, _PAST_LENGTH).replace("`", "'")
    return (
        f"{_ICONS[run.state]} run {run.id} · {who(run.actor)} · `{command}` · "
        f"{escaped(ending(run) if run.state.is_terminal else str(run.state))}"
    )


def _hold_line(hold: Hold | None) -> list[Block]:
    if hold is None:
        return []
    return [context(f":lock: held by {who(hold.actor)}{_why(hold)}")]


def _why(hold: Hold) -> str:
    return f": {shortened(escaped(hold.reason), _REASON_LENGTH)}" if hold.reason else ""


def _buttons(run: Run, hold: Hold | None) -> list[Block]:
    stop = button(
        "stop",
        "Stop",
        style="danger",
        confirm="The run ends before its command performs.",
    )
    return [
        *([stop] if run.state in _STOPPABLE else []),
        _lock_button(hold),
    ]


def _lock_button(hold: Hold | None) -> Block:
    return button("lock", "Lock") if hold is None else button("unlock", "Unlock")


def _plain(text: str) -> str:
    return shortened(escaped(text), _TEXT_LENGTH)


def _line(mrkdwn: str) -> Message:
    return Message(
        text=shortened(mrkdwn, _TEXT_LENGTH),
        blocks=[section(shortened(mrkdwn, _SECTION_LENGTH))],
    )
