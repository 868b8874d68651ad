"""What Slack delivers: the slash commands, and replies in threads."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.notices import Notices
from bot.control.reply import Reply, Uttered
from bot.control.submit import Accepted, Answer, Slash, Submit
from bot.domain.errors import HandrailError
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.sentences import HELP
from bot.domain.task import HelpRequest
from bot.domain.words import Word, parse_word
from bot.ports import DeliveryKey
from bot.slack import presses, whispers
from bot.slack.whispers import Whisper


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What the slash commands are called in this workspace."""

    task: str
    deploy: str


def register(
    app: AsyncApp, commands: Commands, *, submit: Submit, reply: Reply, notices: Notices
) -> None:
    """Answer commands with *submit*, words with *reply*, direct ones with *notices*."""
    _register_command(app, commands.task, submit)
    _register_command(app, commands.deploy, submit.deploy)
    _register_replies(app, reply)
    presses.register(app, reply=reply, notices=notices)


def _register_command(
    app: AsyncApp, name: str, take: Callable[[Slash], Awaitable[Answer]]
) -> None:
    @app.command(name)
    async def typed(
        ack: AsyncAck, command: dict[str, Any], respond: AsyncRespond
    ) -> None:
        await ack()  # within 3 s, whatever follows
        slash = _slash(command)
        try:
            shown = _shown(await take(slash), slash)
        except HandrailError as error:
            shown = whispers.refusal(error)
        if shown is not None:
            await whispers.respond_with(respond, shown)


def _shown(answer: Answer, slash: Slash) -> Whisper | None:
    if isinstance(answer, HelpRequest):
        return whispers.answer(HELP)
    if isinstance(answer, Accepted) and answer.channel != slash.channel:
        where = f"<#{answer.channel}>"
        return Whisper(text=f"Run {answer.run.id} is recorded in {where}.")
    return None


def _register_replies(app: AsyncApp, reply: Reply) -> None:
    @app.event("message")
    async def message(
        body: dict[str, Any], event: dict[str, Any], client: AsyncWebClient
    ) -> None:
        word = _word(event)
        if word is None:
            return
        uttered = Uttered(
            key=DeliveryKey(f"event:{body['event_id']}"),
            word=word,
            user=UserId(event["user"]),
            team=TeamId(event.get("user_team") or event.get("team") or body["team_id"]),
            channel=ChannelId(event["channel"]),
            thread_ts=event["thread_ts"],
            ts=event["ts"],
        )
        try:
            await reply(uttered)
        except HandrailError as error:
            await whispers.show(
                client,
                whispers.refusal(error),
                channel=uttered.channel,
                user=uttered.user,
                thread_ts=uttered.thread_ts,
            )


def _word(event: dict[str, Any]) -> Word | None:
    # Only a person's own new reply counts: no edits, bots, files or broadcasts.
    is_reply = event.get("thread_ts") not in (None, event.get("ts"))
    if not is_reply or event.get("subtype") or event.get("bot_id"):
        return None
    if not event.get("user") or event.get("edited"):
        return None
    return parse_word(event.get("text") or "")


def _slash(command: dict[str, Any]) -> Slash:
    return Slash(
        key=DeliveryKey(f"slash:{command['trigger_id']}"),
        text=command.get("text") or "",
        user=UserId(command["user_id"]),
        team=TeamId(command["team_id"]),
        channel=ChannelId(command["channel_id"]),
    )
