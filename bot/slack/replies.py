"""What the thread of a run is told while it goes on."""

from typing import Final, assert_never

from bot.domain.approval import Reviews
from bot.domain.lock import EVERY, Claim, Hold
from bot.domain.preset import variable
from bot.domain.preset_call import LONGEST_TOGETHER
from bot.domain.run import Approval, Reason, Run, RunState, RunType
from bot.domain.sentences import ended_by, first_line, span
from bot.domain.telling import Confirmed, Echo, Said, StopAsked
from bot.slack.approving import NOBODYS, reviewers
from bot.slack.blocks import Block, context, preformatted, section
from bot.slack.message import Message, line, plain, until, why
from bot.slack.mrkdwn import clipped, escaped, mentioning, shortened, when, who
from bot.slack.output import last_lines

_TAIL_LINES: Final = 30
_TAIL_LENGTH: Final = 3_000
#: beside the longest command, five remarks still fit into one message
_REMARK_LENGTH: Final = 900
_REMARKS: Final = 5
#: of a deploy two commands fit into one message; they stand in handrail.yaml
_DEPLOY_LENGTH: Final = 4_000
#: beside a preset's command and its call these fit, too
_REMARKS_OF_CALL: Final = 2
_CHANGES_LENGTH: Final = 3_000
_COUNTS_LENGTH: Final = 1_000
_ASKED_LENGTH: Final = 1_500


def echo(telling: Echo, run: Run) -> Message:
    """Render the exact command and its init flag, and what was undone in it."""
    remarks = [
        context(shortened(escaped(remark), _REMARK_LENGTH))
        for remark in telling.remarks[: _REMARKS_OF_CALL if run.preset else _REMARKS]
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
    elif run.preset:
        return _preset(run, by, flag)
    elif run.again is not None:
        told = f"{by} runs what run {run.again} ran, exactly this, {flag}:"
    else:
        told = f"{by} runs exactly this, {flag}:"
    return [section(told), preformatted(run.command)]


def _preset(run: Run, by: str, flag: str) -> list[Block]:
    once_more = "" if run.again is None else f" as run {run.again} did"
    told = f"It runs exactly this, {flag}"
    if run.parameters:
        told += f", which finds its parameters as {_variables(run)}"
    return [
        section(f"{by} calls a preset{once_more}:"),
        preformatted(clipped(run.asked, LONGEST_TOGETHER - len(run.command))),
        section(f"{told}:"),
        preformatted(run.command),
    ]


def _variables(run: Run) -> str:
    names = [f"`{variable(name)}`" for name in run.parameters]
    return shortened(", ".join(names), _REMARK_LENGTH)


def _deploy(run: Run, told: str) -> list[Block]:
    return [
        section(told),
        preformatted(clipped(run.command, _DEPLOY_LENGTH)),
        section("And this applies exactly that plan, once a writer confirms it:"),
        preformatted(clipped(run.apply, _DEPLOY_LENGTH) or " "),
    ]


def waiting(place: int, blocking: Claim | Hold | None, link: str | None) -> Message:
    """Render what keeps a run queued, and at which *place*.

    *link* leads to the run that does, or to where the hold was taken.
    """
    return line(
        f":hourglass_flowing_sand: Queued, number {place}: {_cause(blocking, link)}. "
        "Reply `stop` to take it out of the queue."
    )


def waited(run: Run, reviews: Reviews = NOBODYS) -> Message:
    """Render how long a run was queued, who decided about it, or who was asked to."""
    end = run.started_at or run.ended_at or run.state_since
    became = f":hourglass: {_became(run, reviews)} after {span(end - run.created_at)}."
    is_decided = run.approval is not Approval.PENDING or run.reason is Reason.REJECTED
    if is_decided or not run.approval_note:
        return line(became)
    asked = shortened(mentioning(run.approval_note), _ASKED_LENGTH)
    return line(became, context(f"What was still open: {asked}"))


def _became(run: Run, reviews: Reviews) -> str:
    decided = reviewers(run, reviews)
    if run.state is RunState.DISCARDED and run.started_at is None:
        actor = ended_by(run)
        by = "" if actor is None else f" by {who(actor)}"
        return f"It was discarded{by}"
    match run.approval:
        case Approval.NONE:
            return "Its turn came"
        case Approval.APPROVED:
            return f"It was {decided or 'approved'}, and its turn came"
        case Approval.PENDING:
            is_rejected = run.reason is Reason.REJECTED
            return f"It was {decided or 'rejected'}" if is_rejected else "It failed"
        case _:
            assert_never(run.approval)


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
    return line(to + mentioning(telling.text))


def tail(output: bytes) -> Message:
    """Render the last lines of the output so far."""
    text = last_lines(output, lines=_TAIL_LINES, length=_TAIL_LENGTH)
    return Message(text="Output so far", blocks=[preformatted(text or " ")])
