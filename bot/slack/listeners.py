"""What Slack delivers: the slash commands, and replies in threads."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.check_task import Checked
from bot.control.history import HistoryPage
from bot.control.submit import Accepted, Answer, Noted, Slash
from bot.domain.errors import WordUnheard
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.sentences import HELP
from bot.domain.slack_text import words_apart
from bot.domain.task import HelpRequest
from bot.ports import DeliveryKey
from bot.slack import checks, history, home, presses, task_form, whispers
from bot.slack.hearing import Doors, Hearing, acknowledged
from bot.slack.home import HomeTab
from bot.slack.task_draft import Draft
from bot.slack.task_form import TaskForm
from bot.slack.utterances import hear, uttered
from bot.slack.whispers import Whisper


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What the slash commands are called in this workspace."""

    task: str
    deploy: str


def register(app: AsyncApp, commands: Commands, hearing: Hearing) -> None:
    """Answer what people type, say and press by *hearing*."""
    form = TaskForm(hearing.form, hearing.doors, command=commands.task)
    _register_command(app, commands.task, hearing.submit, hearing.doors, form)
    _register_command(app, commands.deploy, hearing.submit.deploy, hearing.doors)
    task_form.register(app, form, hearing.doors)
    _register_home(app, hearing, form)
    _register_replies(app, hearing)
    presses.register(app, hearing)


def _register_home(app: AsyncApp, hearing: Hearing, form: TaskForm) -> None:
    tab = HomeTab(client=app.client, home=hearing.home, reply=hearing.reply, form=form)
    home.register(app, tab, hearing.doors)


def _register_command(
    app: AsyncApp,
    name: str,
    take: Callable[[Slash, Noted], Awaitable[Answer]],
    doors: Doors,
    form: TaskForm | None = None,
) -> None:
    """Answer a slash command by *take*; alone it opens the *form*, where it has one."""

    async def answered(
        slash: Slash, client: AsyncWebClient, trigger: str, noted: Noted
    ) -> Whisper | None:
        if form is None or words_apart(slash.text).strip():
            return await _shown(take(slash, noted), slash, client)
        return await form.open(
            client,
            trigger=trigger,
            user=slash.user,
            team=slash.team,
            draft=Draft(channel=slash.channel),
            opened=noted,
        )

    @app.command(name)
    @doors.through
    async def typed(
        ack: AsyncAck,
        command: dict[str, Any],
        respond: AsyncRespond,
        client: AsyncWebClient,
    ) -> None:
        slash, trigger = _slash(command), command["trigger_id"]
        noted = asyncio.Event()
        answer = partial(answered, slash, client, trigger, noted.set)
        shown = await acknowledged(ack, whispers.told(doors, answer), noted)
        if shown is not None:
            await whispers.respond_with(respond, shown)


async def _shown(
    taken: Awaitable[Answer], slash: Slash, client: AsyncWebClient
) -> Whisper | None:
    answer = await taken
    if isinstance(answer, HelpRequest):
        return whispers.answer(HELP)
    if isinstance(answer, HistoryPage):
        return await history.shown(client, answer)
    if isinstance(answer, Checked):
        return checks.shown(answer)
    if isinstance(answer, Accepted) and answer.channel != slash.channel:
        where = f"<#{answer.channel}>"
        return Whisper(text=f"Run {answer.run.id} is recorded in {where}.")
    return None


def _register_replies(app: AsyncApp, hearing: Hearing) -> None:
    @app.event("message", middleware=[_unless_closed(hearing.doors)])
    @hearing.doors.through
    async def message(
        body: dict[str, Any], event: dict[str, Any], client: AsyncWebClient
    ) -> None:
        said = uttered(event, event["channel"], body["team_id"])
        if said is None:
            return
        await hearing.let_pass(said)
        try:
            await hear(client, hearing.reply, said)
        except WordUnheard as unheard:
            hearing.look()
            await whispers.show(
                client,
                whispers.answer(unheard.sentence),
                channel=said.channel,
                user=said.user,
                thread_ts=said.thread_ts,
            )


def _unless_closed(doors: Doors) -> Callable[..., Awaitable[BoltResponse | None]]:
    async def unless_closed(
        next: Callable[[], Awaitable[None]],  # noqa: A002 (Bolt's name)
    ) -> BoltResponse | None:
        if doors.open:
            await next()
            return None
        # Not acknowledged, so that Slack delivers it again: to another replica, or
        # to the next process.
        return BoltResponse(status=503)

    return unless_closed


def _slash(command: dict[str, Any]) -> Slash:
    return Slash(
        key=DeliveryKey(f"slash:{command['trigger_id']}"),
        text=command.get("text") or "",
        user=UserId(command["user_id"]),
        team=TeamId(command["team_id"]),
        channel=ChannelId(command["channel_id"]),
    )
