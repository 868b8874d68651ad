"""The channel's own messages: the header of a run, the card of a stack."""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.domain.lock import Hold, Occupancy
from bot.domain.run import Run, RunState, RunType
from bot.domain.sentences import ending, first_line, status
from bot.domain.stack import StackName
from bot.slack import buttons
from bot.slack.blocks import Block, actions, context, preformatted, section
from bot.slack.message import ICONS, SECTION_LENGTH, Message, plain, until, why
from bot.slack.mrkdwn import clipped, escaped, shortened, when, who

_PREVIEW: Final = 280
_PAST_LENGTH: Final = 120
_SUMMARY_LENGTH: Final = 300


def header(run: Run, occupancy: Occupancy) -> Message:
    """Render the one channel message of a run."""
    kind = "deploy · " if _is_deploy(run) else ""
    state = f"{kind}{_state(run)}"
    return Message(
        text=plain(f"{run.stack} · {state} · {clipped(run.command, 120)}"),
        blocks=[
            section(f"{ICONS[run.state]} *{escaped(run.stack)}* · {escaped(state)}"),
            *_plan(run),
            preformatted(_preview(run.command)),
            context(" · ".join(_facts(run))),
            *_warnings(run, occupancy),
            *actions(*buttons.of_run(run, occupancy)),
        ],
    )


def card(
    stack: StackName,
    occupancy: Occupancy,
    running: Run | None,
    queue: tuple[Run, ...],
    last: Sequence[Run],
) -> Message:
    """Render the channel message of a stack."""
    told = status(stack, occupancy, running, queue)
    blocks = [
        section(f":memo: *{escaped(stack)}*"),
        section(shortened(escaped(told), SECTION_LENGTH)),
    ]
    if last:
        blocks.append(context("\n".join(map(_past, last))))
    return Message(
        text=plain(f"{stack}: {told}"),
        blocks=[*blocks, *actions(*buttons.of_stack(occupancy.hold))],
    )


def _is_deploy(run: Run) -> bool:
    return run.type is RunType.TRACKED and not run.outside


def _state(run: Run) -> str:
    if run.state.is_terminal:
        return ending(run)
    if run.state is RunState.UNCONFIRMED and run.confirmed_by is not None:
        return "confirmed"
    return str(run.state)


def _plan(run: Run) -> list[Block]:
    if run.state is not RunState.UNCONFIRMED or not run.summary:
        return []
    would = shortened(escaped(first_line(run.summary)), _SUMMARY_LENGTH)
    return [section(f"Plan: {would}")] if would else []


def _preview(command: str) -> str:
    lines = command.split("\n")
    return clipped("\n".join(lines[:5]), _PREVIEW) + ("\n…" if len(lines) > 5 else "")


def _facts(run: Run) -> Iterator[str]:
    yield f"run {run.id}"
    yield f"by {who(run.actor)}"
    yield f"since {when(run.state_since)}"
    if run.outside:
        yield "performed by an outside CI"
    if run.again is not None:
        yield f"again run {run.again}"
    if run.confirmed_by is not None:
        yield f"confirmed by {who(run.confirmed_by)}"
    if run.skip_init:
        yield "`--no-init`"
    if run.commit:
        yield f"commit `{escaped(run.commit[:10])}`"
    if run.image_digest:
        yield f"image `{escaped(_short_digest(run.image_digest))}`"


def _short_digest(digest: str) -> str:
    name, _, hexes = digest.rpartition("sha256:")
    return f"{name}sha256:{hexes[:12]}"


def _past(run: Run) -> str:
    first = escaped(run.command.split("\n")[0])
    command = shortened(first, _PAST_LENGTH).replace("`", "'")
    return (
        f"{ICONS[run.state]} run {run.id} · {who(run.actor)} · `{command}` · "
        f"{escaped(_state(run))}"
    )


def _warnings(run: Run, occupancy: Occupancy) -> Iterator[Block]:
    if run.lost_since is not None and not run.state.is_terminal:
        lost = "its CI was not heard of" if run.outside else "its engine is away"
        yield context(
            f":warning: {lost} since {when(run.lost_since)}; the stack stays busy "
            "until it is back, or until an admin replies `release: reason`"
        )
    if occupancy.freeze is not None:
        yield context(f":snowflake: every stack is frozen by {_by(occupancy.freeze)}")
    if occupancy.hold is not None:
        yield context(f":lock: held by {_by(occupancy.hold)}")


def _by(hold: Hold) -> str:
    return f"{who(hold.actor)}{until(hold)}{why(hold.reason)}"
