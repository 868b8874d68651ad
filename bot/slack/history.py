"""The last runs of a stack, as one person is shown them."""

import asyncio
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.control.history import HistoryPage
from bot.control.submit import Slash
from bot.domain.approval import Reviews
from bot.domain.run import Run, RunId
from bot.domain.sentences import span
from bot.domain.task import HISTORY
from bot.slack.approving import NOBODYS, reviewers
from bot.slack.blocks import actions, button, section
from bot.slack.message import icon, plain, standing
from bot.slack.mrkdwn import escaped, shortened, when, who
from bot.slack.permalinks import permalink
from bot.slack.press import Press
from bot.slack.whispers import Whisper

#: the button that shows the next page in the place of the one it is on
OLDER: Final = "history_older"
_COMMAND_LENGTH: Final = 200


async def shown(client: AsyncWebClient, page: HistoryPage) -> Whisper:
    """Render *page*, with a link to each run's thread where Slack gives one."""
    links = await asyncio.gather(*(permalink(client, told[1]) for told in page.told))
    if not page.told:
        told = f"No run of *{escaped(page.stack)}* is older than that."
        return Whisper(text=told, blocks=[section(told)])
    lines = [
        section(_line(run, page.reviews.get(run.id, NOBODYS), link))
        for (run, _), link in zip(page.told, links, strict=True)
    ]
    title = section(f":scroll: *{escaped(page.stack)}*")
    return Whisper(
        text=plain(f"The last runs of {page.stack}"),
        blocks=[title, *lines, *actions(*_older(page))],
    )


def wanted(press: Press) -> tuple[Slash, RunId]:
    """Return what the button asks for, as if it were typed. Raises ValueError."""
    stack, _, before = press.value.rpartition("|")
    slash = Slash(
        key=press.key,
        text=f"{HISTORY} {stack}",
        user=press.user,
        team=press.team,
        channel=press.channel,
    )
    return slash, RunId(int(before))


def _older(page: HistoryPage) -> list[dict[str, Any]]:
    if page.before is None:
        return []
    return [button(OLDER, "Older", value=f"{page.stack}|{page.before}")]


def _line(run: Run, reviews: Reviews, link: str | None) -> str:
    number = f"<{link}|run {run.id}>" if link else f"run {run.id}"
    first, _, more = run.asked.partition("\n")
    command = shortened(escaped(first), _COMMAND_LENGTH).replace("`", "'")
    facts = [number, who(run.actor), escaped(standing(run)), when(run.created_at)]
    if run.started_at and run.ended_at:
        facts.append(f"took {span(run.ended_at - run.started_at)}")
    if said := reviewers(run, reviews):
        facts.append(said)
    told = f"`{command}`{' …' if more else ''}" if command.strip() else "…"
    return f"{icon(run)} {' · '.join(facts)}\n{told}"
