"""What Slack delivers: the slash command, replies in threads, buttons."""

from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.reply import Reply, Uttered
from bot.control.submit import Accepted, Slash, Submit
from bot.domain.errors import HandrailError, Refused, StoreUnavailable
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.sentences import HELP
from bot.domain.task import HelpRequest
from bot.domain.words import Lock, Stop, Unlock, Word, parse_word
from bot.ports import DeliveryKey
from bot.slack.mrkdwn import escaped

log = structlog.get_logger(__name__)

_BUTTONS: Final[dict[str, Word]] = {
    "stop": Stop(),
    "lock": Lock(),
    "unlock": Unlock(),
}
_NOT_RECORDED: Final = (
    "Handrail cannot reach its database, so nothing was run or changed. Try again "
    "in a minute."
)


def register(app: AsyncApp, command: str, submit: Submit, reply: Reply) -> None:
    """Answer *command* with *submit*, and replies and buttons with *reply*."""
    _register_command(app, command, submit)
    _register_replies(app, reply)
    _register_buttons(app, reply)


def _register_command(app: AsyncApp, name: str, submit: Submit) -> None:
    @app.command(name)
    async def task(
        ack: AsyncAck, command: dict[str, Any], respond: AsyncRespond
    ) -> None:
        await ack()  # within 3 s, whatever follows
        slash = _slash(command)
        try:
            answer = await submit(slash)
        except HandrailError as error:
            await respond(escaped(_sentence(error)))
            return
        if isinstance(answer, HelpRequest):
            await respond(escaped(HELP))
        elif isinstance(answer, Accepted) and answer.channel != slash.channel:
            await respond(f"Run {answer.run.id} is recorded in <#{answer.channel}>.")


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
        await _uttered(uttered, reply, client)


def _register_buttons(app: AsyncApp, reply: Reply) -> None:
    for action_id, word in _BUTTONS.items():
        _register_button(app, action_id, word, reply)


def _register_button(app: AsyncApp, action_id: str, word: Word, reply: Reply) -> None:
    @app.action(action_id)
    async def pressed(
        ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient
    ) -> None:
        await ack()
        uttered = Uttered(
            key=DeliveryKey(f"action:{body['trigger_id']}"),
            word=word,
            user=UserId(body["user"]["id"]),
            team=TeamId(body["user"].get("team_id") or body["team"]["id"]),
            channel=ChannelId(body["channel"]["id"]),
            thread_ts=body["message"]["ts"],
        )
        await _uttered(uttered, reply, client)


async def _uttered(uttered: Uttered, reply: Reply, client: AsyncWebClient) -> None:
    try:
        await reply(uttered)
    except HandrailError as error:
        await _whisper(uttered, _sentence(error), client)


async def _whisper(uttered: Uttered, sentence: str, client: AsyncWebClient) -> None:
    try:
        await client.chat_postEphemeral(
            channel=uttered.channel,
            user=uttered.user,
            thread_ts=uttered.thread_ts,
            text=escaped(sentence),
        )
    except SlackClientError as error:
        log.warning("refusal not shown", user=uttered.user, error=str(error))


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


def _sentence(error: HandrailError) -> str:
    match error:
        case Refused():
            return str(error)
        case StoreUnavailable():
            log.error("store away", error=str(error))
            return _NOT_RECORDED
        case _:
            raise error
