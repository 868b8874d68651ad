"""Messages of Slack that are words, and how they are heard."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.control.reply import Reply, Uttered
from bot.domain.errors import HandrailError, WordUnheard
from bot.domain.people import ChannelId, TeamId, UserId
from bot.domain.words import Word, parse_word
from bot.ports import DeliveryKey
from bot.slack import whispers


def uttered(message: dict[str, Any], channel: str, team: str) -> Uttered | None:
    """Return what a *message* in *channel* says, or None if it is talk.

    Delivered, delivered again or read back, it has one key. *team* is that of the
    workspace, which Slack leaves out for its own members.
    """
    word = _word(message)
    if word is None:
        return None
    return Uttered(
        key=DeliveryKey(f"message:{channel}:{message['ts']}"),
        word=word,
        user=UserId(message["user"]),
        team=TeamId(message.get("user_team") or message.get("team") or team),
        channel=ChannelId(channel),
        thread_ts=message["thread_ts"],
        ts=message["ts"],
    )


async def hear(client: AsyncWebClient, reply: Reply, said: Uttered) -> None:
    """Have *said* acted on, and show a refusal to whoever said it.

    Raises WordUnheard: the word has to be read again.
    """
    try:
        await reply(said)
    except WordUnheard:
        raise
    except HandrailError as error:
        await whispers.show(
            client,
            whispers.refusal(error),
            channel=said.channel,
            user=said.user,
            thread_ts=said.thread_ts,
        )


def _word(message: dict[str, Any]) -> Word | None:
    # Only a person's own new reply counts: no edits, bots, files or broadcasts.
    is_reply = message.get("thread_ts") not in (None, message.get("ts"))
    if not is_reply or message.get("subtype") or message.get("bot_id"):
        return None
    if not message.get("user") or message.get("edited"):
        return None
    return parse_word(message.get("text") or "")
