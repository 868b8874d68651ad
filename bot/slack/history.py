"""The last runs of a stack, as one person is shown them."""

import asyncio
from typing import Any, Final

from aiohttp import ClientError
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.history import HistoryPage
from bot.control.submit import Slash
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.run import Run, RunId
from bot.domain.sentences import ending, span
from bot.domain.task import HISTORY
from bot.ports import DeliveryKey, Thread
from bot.slack.blocks import actions, button, section
from bot.slack.message import ICONS, plain
from bot.slack.mrkdwn import escaped, shortened, when, who
from bot.slack.whispers import Whisper

#: the button that shows the next page in the place of the one it is on
OLDER: Final = "history_older"
_COMMAND_LENGTH: Final = 200


async def shown(client: AsyncWebClient, page: HistoryPage) -> Whisper:
    """Render *page*, with a link to each run's thread where Slack gives one."""
    links = await asyncio.gather(*(_link(client, told[1]) for told in page.told))
    if not page.told:
        told = f"No run of *{escaped(page.stack)}* is older than that."
        return Whisper(text=told, blocks=[section(told)])
    lines = [
        section(_line(run, link))
        for (run, _), link in zip(page.told, links, strict=True)
    ]
    title = section(f":scroll: *{escaped(page.stack)}*")
    return Whisper(
        text=plain(f"The last runs of {page.stack}"),
        blocks=[title, *lines, *actions(*_older(page))],
    )


def wanted(body: dict[str, Any]) -> tuple[Slash, RunId]:
    """Return what the button asks for, as if it were typed. Raises ValueError."""
    value: str = body["actions"][0].get("value") or ""
    stack, _, before = value.rpartition("|")
    user: dict[str, Any] = body["user"]
    slash = Slash(
        key=DeliveryKey(f"action:{body['trigger_id']}"),
        text=f"{HISTORY} {stack}",
        user=UserId(user["id"]),
        team=TeamId(user.get("team_id") or body["team"]["id"]),
        channel=ChannelId(body["channel"]["id"]),
    )
    return slash, RunId(int(before))


def _older(page: HistoryPage) -> list[dict[str, Any]]:
    if page.before is None:
        return []
    return [button(OLDER, "Older", value=f"{page.stack}|{page.before}")]


def _line(run: Run, link: str | None) -> str:
    number = f"<{link}|run {run.id}>" if link else f"run {run.id}"
    state = ending(run) if run.state.is_terminal else str(run.state)
    first, _, more = run.command.partition("\n")
    command = shortened(escaped(first), _COMMAND_LENGTH).replace("`", "'")
    facts = [number, who(run.actor), escaped(state), when(run.created_at)]
    if run.started_at and run.ended_at:
        facts.append(f"took {span(run.ended_at - run.started_at)}")
    told = f"`{command}`{' …' if more else ''}" if command.strip() else "…"
    return f"{ICONS[run.state]} {' · '.join(facts)}\n{told}"


async def _link(client: AsyncWebClient, thread: Thread) -> str | None:
    if thread.ts is None:
        return None
    try:
        answer = await client.chat_getPermalink(
            channel=thread.channel, message_ts=thread.ts
        )
    except (SlackClientError, ClientError, TimeoutError):
        return None  # the rest is worth seeing without it
    return str(answer["permalink"])
