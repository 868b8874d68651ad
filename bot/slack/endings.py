"""The last message of a run: how it ended, and its output."""

from collections.abc import Sequence
from typing import Final

from bot.domain.audit import AuditHead
from bot.domain.run import Run
from bot.domain.sentences import dropped, ending, name_of, span
from bot.domain.state_lock import StateLock
from bot.slack.blocks import Block, context, preformatted, section
from bot.slack.message import ICONS, SECTION_LENGTH, Message, plain
from bot.slack.mrkdwn import clipped, escaped, shortened
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
    more: Sequence[Block] = (),
    brief: bool = False,
) -> Message:
    """Render how the run ended, with its output or what matters of it.

    The last line is the audit row that says so too, and *more* stands before it.
    A *brief* one only says where the output is.
    """
    lasted = (
        f", after {span(run.ended_at - run.started_at)}"
        if run.ended_at and run.started_at
        else ""
    )
    blocks = [section(f"{ICONS[run.state]} *{escaped(ending(run))}*{lasted}")]
    if run.note:
        blocks.append(section(shortened(escaped(run.note), SECTION_LENGTH)))
    if dropped(run):
        blocks.append(context(escaped(dropped(run))))
    elif excerpt.size and not brief:
        blocks.append(preformatted(excerpt.text() or " "))
    if not excerpt.is_whole or (brief and excerpt.size):
        blocks.append(context(_whereabouts(run, excerpt, attached=attached)))
    if run.outside:
        blocks.append(context("Its output is where its CI keeps it."))
    if run.state_lock is not None:
        blocks += _state_lock(run.state_lock)
    blocks += more
    if head is not None:
        blocks.append(context(f"audit {head.ordinal} · {head.hash[:_HASH_LENGTH]}"))
    return Message(
        text=plain(f"{run.stack}: {ending(run)}{lasted} ({name_of(run.actor)})"),
        blocks=blocks,
    )


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
