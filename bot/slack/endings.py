"""The last message of a run: how it ended, and its output."""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.domain.approval import Reviews
from bot.domain.audit import AuditHead
from bot.domain.people import Actor
from bot.domain.run import Reason, Run
from bot.domain.sentences import dropped, ended_by, ending, name_of, span
from bot.domain.state_lock import StateLock
from bot.slack.approving import NOBODYS, reviewers
from bot.slack.blocks import Block, context, preformatted, section
from bot.slack.message import SECTION_LENGTH, Message, icon, plain
from bot.slack.mrkdwn import clipped, escaped, mentioning, shortened, who
from bot.slack.output import Excerpt

#: what a final message says where the output is a file beside it
ATTACHED: Final = "is attached to this thread."
_FIELD_LENGTH: Final = 300
#: hexadecimal digits that a person can compare; the message's metadata has them all
_HASH_LENGTH: Final = 16


def final(
    run: Run,
    excerpt: Excerpt,
    *,
    attached: bool,
    head: AuditHead | None = None,
    reviews: Reviews = NOBODYS,
    more: Sequence[Block] = (),
    brief: bool = False,
) -> Message:
    """Render how the run ended, with its output or what matters of it.

    The last line is the audit row that says so too, and *more* stands before it.
    A *brief* one only says where the output is.
    """
    actor = ended_by(run)
    named = ending(run) if actor is None else f"{ending(run)} by {name_of(actor)}"
    lasted = _lasted(run)
    return Message(
        text=plain(f"{run.stack}: {named}{lasted} ({name_of(run.actor)})"),
        blocks=[
            section(f"{icon(run)} *{escaped(ending(run))}*{_by(actor)}{lasted}"),
            *_why(run, reviews),
            *_output(run, excerpt, attached=attached, brief=brief),
            *([] if run.state_lock is None else _state_lock(run.state_lock)),
            *more,
            *_audited(head),
        ],
    )


def _lasted(run: Run) -> str:
    if run.ended_at is None or run.started_at is None:
        return ""
    return f", after {span(run.ended_at - run.started_at)}"


def _by(actor: Actor | None) -> str:
    return "" if actor is None else f" by {who(actor)}"


def _why(run: Run, reviews: Reviews) -> Iterator[Block]:
    if run.note:
        yield section(shortened(mentioning(run.note), SECTION_LENGTH))
    # Of a rejected one that note says who rejected it, and why.
    if run.reason is not Reason.REJECTED and (said := reviewers(run, reviews)):
        yield context(f"It was {said}.")


def _output(
    run: Run, excerpt: Excerpt, *, attached: bool, brief: bool
) -> Iterator[Block]:
    if dropped(run):
        yield context(escaped(dropped(run)))
    elif excerpt.size and not brief:
        yield preformatted(excerpt.text() or " ")
    if not excerpt.is_whole or (brief and excerpt.size):
        yield context(_whereabouts(run, excerpt, attached=attached))
    if run.outside:
        yield context("Its output is where its CI keeps it.")


def _audited(head: AuditHead | None) -> list[Block]:
    if head is None:
        return []
    return [context(f"audit {head.ordinal} · {head.hash[:_HASH_LENGTH]}")]


def _whereabouts(run: Run, excerpt: Excerpt, *, attached: bool) -> str:
    size = f"{excerpt.size:,} bytes, {excerpt.lines:,} lines"
    if attached:
        return f"The whole output ({size}) {ATTACHED}"
    return (
        f"The whole output ({size}) could not be attached; "
        f"`handrail output {run.id}` prints it on the bot's host."
    )


def _state_lock(lock: StateLock) -> list[Block]:
    fields = {
        "ID": lock.id,
        "Path": lock.path,
        "Operation": lock.operation,
        "Who": lock.who,
        "Created": lock.created,
    }
    printed = [
        f"{f'{name}:':<11}{clipped(value, _FIELD_LENGTH)}"
        for name, value in fields.items()
        if value
    ]
    return [
        section(":lock: The state is locked, by the tool itself:"),
        preformatted("\n".join(printed)),
        context(
            "Whoever took that lock may still be at work. Once it is certain that "
            "nobody is, an admin can reply `force-unlock`: a run of its own then gives "
            "up the lock with exactly this ID."
        ),
    ]
