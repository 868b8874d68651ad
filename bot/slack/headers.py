"""The channel's own messages: the header of a run, the card of a stack."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from bot.domain.approval import Reviews
from bot.domain.lock import Hold, Occupancy
from bot.domain.preset import Preset
from bot.domain.preset_call import usage
from bot.domain.run import Run, RunId, RunState, RunType
from bot.domain.sentences import ended_by, first_line, status
from bot.domain.stack import StackName
from bot.slack import buttons
from bot.slack.approving import NOBODYS, reviewers
from bot.slack.blocks import Block, actions, context, preformatted, section
from bot.slack.message import (
    SECTION_LENGTH,
    Message,
    icon,
    plain,
    standing,
    until,
    why,
)
from bot.slack.mrkdwn import clipped, escaped, mentioning, shortened, when, who

_PREVIEW: Final = 280
_PAST_LENGTH: Final = 120
_SUMMARY_LENGTH: Final = 300
_CONTEXT_LENGTH: Final = 2_000


def header(run: Run, occupancy: Occupancy, reviews: Reviews = NOBODYS) -> Message:
    """Render the one channel message of a run."""
    kind = "deploy · " if _is_deploy(run) else ""
    state = f"{kind}{standing(run)}"
    return Message(
        text=plain(f"{run.stack} · {state} · {clipped(run.asked, 120)}"),
        blocks=[
            section(f"{icon(run)} *{escaped(run.stack)}* · {escaped(state)}"),
            *_plan(run),
            *_approval(run),
            preformatted(_preview(run.asked)),
            context(" · ".join(_facts(run, reviews))),
            *_warnings(run, occupancy),
            *actions(*_review(run), *buttons.of_run(run, occupancy)),
        ],
    )


def card(
    stack: StackName,
    occupancy: Occupancy,
    running: Run | None,
    queue: tuple[Run, ...],
    last: Sequence[Run],
    reviews: Mapping[RunId, Reviews],
    presets: Collection[Preset] = (),
) -> Message:
    """Render the channel message of a stack."""
    agreed = reviews.get(running.id, NOBODYS).approvals if running else ()
    told = status(stack, occupancy, running, queue, [it.actor for it in agreed])
    blocks = [
        section(f":memo: *{escaped(stack)}*"),
        section(shortened(mentioning(told), SECTION_LENGTH)),
    ]
    if presets:
        blocks.append(section(_presets(stack, presets)))
    if last:
        past = [_past(run, reviews.get(run.id, NOBODYS)) for run in last]
        blocks.append(context(shortened("\n".join(past), _CONTEXT_LENGTH)))
    return Message(
        text=plain(f"{stack}: {told}"),
        blocks=[*blocks, *actions(*buttons.of_stack(occupancy.hold))],
    )


def _presets(stack: StackName, presets: Collection[Preset]) -> str:
    told = [_preset(stack, preset) for preset in presets]
    return shortened("\n".join(["Presets:", *told]), SECTION_LENGTH)


def _preset(stack: StackName, preset: Preset) -> str:
    call = escaped(f"/task {stack} {usage(preset)}").replace("`", "'")
    about = escaped(first_line(preset.description))
    return f"• `{call}`{f' {about}' if about else ''}"


def _is_deploy(run: Run) -> bool:
    return run.type is RunType.TRACKED and not run.outside


def _plan(run: Run) -> list[Block]:
    if run.state is not RunState.UNCONFIRMED or not run.summary:
        return []
    would = shortened(escaped(first_line(run.summary)), _SUMMARY_LENGTH)
    return [section(f"Plan: {would}")] if would else []


def _approval(run: Run) -> list[Block]:
    if not run.waits_for_approval or not run.approval_note:
        return []
    return [section(shortened(mentioning(run.approval_note), _SUMMARY_LENGTH))]


def _review(run: Run) -> list[Block]:
    # Whoever agrees here has to see all of it here; the thread shows it in any case.
    is_all = _preview(run.command) == run.command and not (run.apply or run.preset)
    return buttons.of_approval(run) if is_all else []


def _preview(command: str) -> str:
    lines = command.split("\n")
    return clipped("\n".join(lines[:5]), _PREVIEW) + ("\n…" if len(lines) > 5 else "")


def _facts(run: Run, reviews: Reviews) -> Iterator[str]:
    yield f"run {run.id}"
    yield f"by {who(run.actor)}"
    yield f"since {when(run.state_since)}"
    if run.outside:
        yield "performed by an outside CI"
    if run.again is not None:
        yield f"again run {run.again}"
    if run.confirmed_by is not None:
        yield f"confirmed by {who(run.confirmed_by)}"
    if said := reviewers(run, reviews):
        yield said
    if (actor := ended_by(run)) is not None:
        yield f"{run.state} by {who(actor)}"
    if run.skip_init:
        yield "`--no-init`"
    if run.commit:
        yield f"commit `{escaped(run.commit[:10])}`"
    if run.image_digest:
        yield f"image `{escaped(_short_digest(run.image_digest))}`"


def _short_digest(digest: str) -> str:
    name, _, hexes = digest.rpartition("sha256:")
    return f"{name}sha256:{hexes[:12]}"


def _past(run: Run, reviews: Reviews) -> str:
    first = escaped(run.asked.split("\n")[0])
    command = shortened(first, _PAST_LENGTH).replace("`", "'")
    said = reviewers(run, reviews)
    return (
        f"{icon(run)} run {run.id} · {who(run.actor)} · `{command}` · "
        f"{escaped(standing(run))}{f' · {said}' if said else ''}"
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
