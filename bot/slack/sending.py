"""One message on its way: posted, changed in place, or put in another's place."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.audit import AuditHead
from bot.domain.errors import Superseded
from bot.domain.people import ChannelId
from bot.ports import Letter, Posted
from bot.slack.message import Message
from bot.slack.refusals import is_gone, is_passing
from bot.slack.search import mark
from bot.slack.shown import digest, digest_of, shown

#: for an answer: less than for how long another replica leaves this one the sending
_PATIENCE: Final = 10.0
_REMEMBERED: Final = 1_000

#: asks whether it is still for this process to send a letter
MaySend = Callable[[Letter], Awaitable[bool]]


async def _always(_letter: Letter) -> bool:
    return True


class Sending:
    """Sends what is rendered, and says what Slack made of it."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._may_send: MaySend = _always
        #: what this process sent last, by place
        self._last: OrderedDict[tuple[str, str], tuple[str, Posted]] = OrderedDict()

    def ask_first(self, may_send: MaySend) -> None:
        """Ask *may_send* before each call that is seen in Slack."""
        self._may_send = may_send

    async def ensure_it_may(self, letter: Letter) -> None:
        """Raise Superseded where it is no longer for this process to send *letter*."""
        if not await self._may_send(letter):
            raise Superseded(f"another replica sends letter {letter.id} by now")

    def forget(self) -> None:
        """Take nothing for sent: somebody else may have sent since."""
        self._last.clear()

    async def __call__(
        self, letter: Letter, message: Message, head: AuditHead | None = None
    ) -> Posted:
        """Post *message*, or change the one that *letter* names into it.

        One that shows exactly that already is left alone. Raises Slack's errors, and
        Superseded.
        """
        if letter.message_ts is None:
            posted = await self._post(letter, message, head)
        else:
            posted = await self._change(letter, letter.message_ts, message)
        self._last[posted.channel, posted.ts] = _whole(message), posted
        while len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
        return posted

    async def instead(
        self, letter: Letter, message: Message, head: AuditHead | None = None
    ) -> Posted:
        """Delete the message that *letter* names, and post *message* in its place.

        It moves to the end of its thread; a thread's first message stays.
        """
        old = letter.message_ts
        if old is None or old == letter.thread.ts:
            return await self(replace(letter, message_ts=None), message, head)
        await self._take_back(letter, old)
        posted = await self(replace(letter, message_ts=None), message, head)
        return replace(posted, replaced=old)

    async def delete(self, letter: Letter, ts: str) -> Posted:
        """Delete one message. Raises Slack's errors, but not that it is gone."""
        channel = letter.thread.channel
        await self.ensure_it_may(letter)
        try:
            await self._client.chat_delete(channel=channel, ts=ts)
        except SlackApiError as error:
            if not is_gone(error):
                raise
        return Posted(channel=channel, ts=ts)

    async def _take_back(self, letter: Letter, ts: str) -> None:
        try:
            await self.delete(letter, ts)
        except SlackApiError as error:
            # What was redacted has to go; else an old state may as well stay.
            if letter.revision or is_passing(error):
                raise

    async def _post(
        self, letter: Letter, message: Message, head: AuditHead | None
    ) -> Posted:
        await self.ensure_it_may(letter)
        async with asyncio.timeout(_PATIENCE):
            answer = await self._client.chat_postMessage(
                channel=letter.thread.channel,
                thread_ts=letter.thread.ts,
                text=message.text,
                blocks=message.blocks or None,
                unfurl_links=False,
                unfurl_media=False,
                metadata=mark(letter, head),
            )
        # A direct message went to a person; it is in another channel than that.
        place = ChannelId(answer["channel"]), str(answer["ts"])
        return _posted(message, answer, *place)

    async def _change(self, letter: Letter, ts: str, message: Message) -> Posted:
        channel = letter.thread.channel
        last = self._last.get((channel, ts))
        if last is not None and last[0] == _whole(message) and not letter.revision:
            return last[1]
        with suppress(KeyError):
            del self._last[channel, ts]
        await self.ensure_it_may(letter)
        async with asyncio.timeout(_PATIENCE):
            answer = await self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=message.blocks
            )
        return _posted(message, answer, channel, ts)


def _whole(message: Message) -> str:
    # With what is pressed in it too, which its digest leaves out.
    return digest(json.dumps([message.text, message.blocks]))


def _posted(
    message: Message, answer: AsyncSlackResponse, channel: ChannelId, ts: str
) -> Posted:
    # What Slack made of it is what it will return later; not every answer says so.
    kept: Any = answer.get("message")
    seen = digest_of(kept) if kept else digest(shown(message.text, message.blocks))
    return Posted(channel=channel, ts=ts, digest=seen)
