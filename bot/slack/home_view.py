"""The Home tab as Slack shows it."""

from collections.abc import Iterator, Mapping
from typing import Final

from bot.control.home import HomePage, StackRow, Told
from bot.domain.lock import Hold
from bot.domain.people import Role
from bot.domain.run import Run, ThreadId
from bot.domain.sentences import first_line
from bot.slack.blocks import (
    Block,
    actions,
    button,
    context,
    preformatted,
    section,
)
from bot.slack.message import SECTION_LENGTH, icon, standing, until, why
from bot.slack.mrkdwn import clipped, escaped, mentioning, shortened, when, who
from bot.slack.task_view import NOTHING, left_out

RUN: Final = "home_run"
REFRESH: Final = "home_refresh"
APPROVE: Final = "home_approve"
REJECT: Final = "home_reject"

#: a view has at most a hundred blocks (docs.slack.dev, "View object")
_MOST_STACKS: Final = 30
_COMMAND: Final = 200
#: characters of what somebody has to agree to: nobody agrees to what they do not see
_WHOLE: Final = 2_000
_NOTE: Final = 1_000
_LINE: Final[Block] = {"type": "divider"}

#: links to threads, as far as Slack gives them
Links = Mapping[ThreadId, str]


def home_view(page: HomePage, links: Links, *, notice: str = "") -> Block:
    """Return the Home of one person; *notice* is about what they just did there."""
    blocks = [
        *_noticed(notice),
        *_top(page),
        *_waiting(page, links),
        *_mine(page, links),
        *_stacks(page),
    ]
    return {"type": "home", "blocks": blocks}


def refused(sentence: str) -> Block:
    """Return the Home of somebody who may see nothing, or not now; escaped text."""
    return {
        "type": "home",
        "blocks": [
            section(shortened(sentence, SECTION_LENGTH)),
            *actions(button(REFRESH, "Refresh")),
        ],
    }


def _noticed(notice: str) -> list[Block]:
    if not notice:
        return []
    return [section(f":warning: {shortened(notice, SECTION_LENGTH)}"), _LINE]


def _top(page: HomePage) -> Iterator[Block]:
    run = [button(RUN, "Run a task", style="primary")] if page.stacks else []
    yield from actions(*run, button(REFRESH, "Refresh"))
    yield context(f"As of {when(page.at)}")
    if page.freeze is not None:
        yield section(f":snowflake: {_held(page.freeze, 'froze every stack')}")


def _waiting(page: HomePage, links: Links) -> Iterator[Block]:
    if not page.waiting:
        return
    yield _header("Waiting for your approval")
    for told in page.waiting:
        yield from _of_waiting(told, links)
    if page.more_waiting:
        yield context(f"And {page.more_waiting} more, once these are settled.")


def _of_waiting(told: Told, links: Links) -> Iterator[Block]:
    run = told.run
    facts = [_number(run, links), f"*{escaped(run.stack)}*", who(run.actor)]
    if run.skip_init:
        facts.append("`--no-init`")
    yield section(f":raised_hand: {' · '.join([*facts, when(run.created_at)])}")
    whole = _agreed_to(run)
    yield preformatted(clipped(whole, _WHOLE))
    if run.approval_note:
        yield context(shortened(mentioning(run.approval_note), _NOTE))
    if len(whole) > _WHOLE:
        yield context("It is too long to be shown here: look at it in its thread.")
        return
    yield from actions(*_review(told))


def _agreed_to(run: Run) -> str:
    """Return all that runs: the call of a preset with its command, a plan's apply."""
    texts = dict.fromkeys((run.asked, run.command, run.apply))
    return "\n".join(filter(None, texts))


def _review(told: Told) -> list[Block]:
    # A press at the Home does not say which thread it is about.
    place = f"{told.thread.channel}|{told.thread.ts or ''}|{told.run.subject}"
    if told.thread.ts is None or not told.run.subject:
        return []
    return [
        button(APPROVE, "Approve", value=place, style="primary"),
        button(REJECT, "Reject", value=place, style="danger"),
    ]


def _mine(page: HomePage, links: Links) -> Iterator[Block]:
    yield _header("Your last runs")
    for told in page.mine:
        run = told.run
        facts = [
            _number(run, links),
            f"*{escaped(run.stack)}*",
            escaped(standing(run)),
            when(run.created_at),
        ]
        yield section(f"{icon(run)} {' · '.join(facts)}\n{_command(run)}")
    if not page.mine:
        yield context("You have run nothing yet.")


def _stacks(page: HomePage) -> Iterator[Block]:
    yield _header("Stacks that you may use")
    for row in page.stacks[:_MOST_STACKS]:
        name = row.usable.stack.name
        line = section(f"*{escaped(name)}* · {_standing_of(row)}")
        yield line | {"accessory": button(RUN, "Run", value=name)}
    if not page.stacks:
        yield context(NOTHING)
    left = len(page.stacks) - _MOST_STACKS
    if left > 0:
        yield context(f"And {left} more: Run a task finds them by name.")
    if page.unknown:
        yield context(left_out(page.unknown))


def _standing_of(row: StackRow) -> str:
    facts = []
    if row.hold is not None:
        facts.append(f":lock: {_held(row.hold, 'holds it')}")
    if row.running is not None:
        # Who may run a preset there need not be one who may look at its runs.
        is_reader = row.usable.role >= Role.READER
        busy = f"run {row.running.id} of {who(row.running.actor)}"
        facts.append(f":rocket: {busy if is_reader else 'busy'}")
    return " · ".join(facts) or "free"


def _held(hold: Hold, does: str) -> str:
    since = when(hold.since)
    return f"{who(hold.actor)} {does} since {since}{until(hold)}{why(hold.reason)}"


def _number(run: Run, links: Links) -> str:
    link = links.get(run.thread)
    return f"<{link}|run {run.id}>" if link else f"run {run.id}"


def _command(run: Run) -> str:
    first = shortened(escaped(first_line(run.asked)), _COMMAND).replace("`", "'")
    more = " …" if "\n" in run.asked else ""
    return f"`{first}`{more}" if first.strip() else "…"


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}
