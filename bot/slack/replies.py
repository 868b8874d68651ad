"""What the thread of a run is told while it goes on."""

from typing import Final

from bot.domain.lock import EVERY, Claim, Hold
from bot.domain.run import Run, RunState, RunType
from bot.domain.sentences import first_line, span
from bot.domain.telling import Confirmed, Echo, Said, StopAsked
from bot.slack.blocks import Block, context, preformatted, section
from bot.slack.message import Message, line, plain, until, why
from bot.slack.mrkdwn import clipped, escaped, shortened, when, who
from bot.slack.output import last_lines

_TAIL_LINES: Final = 30
_TAIL_LENGTH: Final = 3_000
#: beside the longest command, five remarks still fit into one message
_REMARK_LENGTH: Final = 900
_REMARKS: Final = 5
#: of a deploy two commands fit into one message; they stand in handrail.yaml
_DEPLOY_LENGTH: Final = 4_000
_CHANGES_LENGTH: Final = 3_000
_COUNTS_LENGTH: Final = 1_000


def echo(telling: Echo, run: Run) -> Message:
    """Render the exact command and its init flag, and what was undone in it."""
    remarks = [
        context(shortened(escaped(remark), _REMARK_LENGTH))
        for remark in telling.remarks[:_REMARKS]
    ]
    return Message(
        text=plain(f"Run {run.id} by {run.actor.name}"),
        blocks=[*_commands(run), *remarks],
    )


def _commands(run: Run) -> list[Block]:
    by = who(run.actor)
    flag = "without init (`--no-init`)" if run.skip_init else "after the stack's init"
    if run.outside:
        told = f"{by} performs exactly this, outside of Handrail:"
    elif run.type is RunType.TRACKED:
        return _deploy(run, f"{by} deploys. This makes the plan, {flag}:")
    elif run.again is not None:
        told = f"{by} runs what run {run.again} ran, exactly this, {flag}:"
    else:
        told = f"{by} runs exactly this, {flag}:"
    return [section(told), preformatted(run.command)]


def _deploy(run: Run, told: str) -> list[Block]:
    return [
        section(told),
        preformatted(clipped(run.command, _DEPLOY_LENGTH)),
        section("And this applies exactly that plan, once a writer confirms it:"),
        preformatted(clipped(run.apply, _DEPLOY_LENGTH) or " "),
    ]


def waiting(
    run: Run, place: int, blocking: Claim | Hold | None, link: str | None
) -> Message:
    """Render what keeps a run queued, or how long it did.

    *link* leads to the run that does, or to where the hold was taken.
    """
    if run.state is not RunState.QUEUED:
        return line(f":hourglass: {_waited(run)}.")
    return line(
        f":hourglass_flowing_sand: Queued, number {place}: {_cause(blocking, link)}. "
        "Reply `stop` to take it out of the queue."
    )


def _waited(run: Run) -> str:
    end = run.started_at or run.ended_at or run.state_since
    waited = span(end - run.created_at)
    if run.state is RunState.DISCARDED and run.started_at is None:
        return f"It was discarded after {waited} in the queue"
    return f"Its turn came after {waited}"


def _cause(blocking: Claim | Hold | None, link: str | None) -> str:
    if blocking is None:
        return "it starts in a moment"
    since = f"since {when(blocking.since)}"
    if isinstance(blocking, Claim):
        return f"{_linked(f'run {blocking.run}', link)} has the stack {since}"
    what = "has frozen every stack" if blocking.stack == EVERY else "holds the stack"
    return (
        f"{who(blocking.actor)} {_linked(what, link)} {since}"
        f"{until(blocking)}{why(blocking.reason)}"
    )


def _linked(words: str, link: str | None) -> str:
    return f"<{link}|{words}>" if link else words


def planned(run: Run) -> Message:
    """Render what a plan would change, and how it is confirmed."""
    counts = shortened(escaped(first_line(run.summary)), _COUNTS_LENGTH)
    told = f":mag: Plan: *{counts}*" if counts else ":mag: The plan is made."
    changes = run.summary.strip().partition("\n")[2]
    return line(
        told,
        *([preformatted(_bounded(changes))] if changes.strip() else []),
        *_what_now(run),
    )


def _bounded(changes: str) -> str:
    if len(changes) <= _CHANGES_LENGTH:
        return changes
    shown = changes[:_CHANGES_LENGTH].rpartition("\n")[0] or changes[:_CHANGES_LENGTH]
    left_out = changes[len(shown) :].strip("\n").count("\n") + 1
    return f"{shown}\n… and {left_out:,} more lines, in the output"


def _what_now(run: Run) -> list[Block]:
    if run.state is not RunState.UNCONFIRMED or run.confirmed_by is not None:
        return []
    return [
        context(
            "Nothing is changed yet. A writer replies `confirm`, and exactly this plan "
            "is applied, or `discard`; so do the buttons of the thread's first message."
        )
    ]


def confirmed(telling: Confirmed) -> Message:
    """Render that a plan was confirmed."""
    return line(
        f":ballot_box_with_check: {who(telling.actor)} confirmed the plan. Exactly "
        "this plan is applied."
    )


def stop_asked(telling: StopAsked) -> Message:
    """Render that the run will be stopped."""
    return line(f":octagonal_sign: {who(telling.actor)} asked to stop the run.")


def said(telling: Said) -> Message:
    """Render a sentence of Handrail's own."""
    to = f"{who(telling.to)} " if telling.to is not None else ""
    return line(to + escaped(telling.text))


def tail(output: bytes) -> Message:
    """Render the last lines of the output so far."""
    text = last_lines(output, lines=_TAIL_LINES, length=_TAIL_LENGTH)
    return Message(text="Output so far", blocks=[preformatted(text or " ")])
