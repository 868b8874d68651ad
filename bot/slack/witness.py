"""Read what stands in a channel and in its threads, to hold the record against it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Self

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.audit import AuditHead
from bot.domain.errors import HandrailError
from bot.domain.witness import GONE, Root, SeenMessage, printed_head
from bot.slack.endings import ATTACHED
from bot.slack.pacing import Bucket
from bot.slack.refusals import CALL_FAILED, code_of, is_passing, seconds_to_wait
from bot.slack.shown import digest_of, shown

_PAGE: Final = 200
#: the type of the metadata that Handrail gives its messages
_MARKED: Final = "handrail"
_TYPES: Final = "public_channel,private_channel"
_FINAL: Final = "final"
#: what Slack leaves of a message with replies that was deleted
_DELETED: Final = "tombstone"
_ATTEMPTS: Final = 8
#: of the 50 calls a minute that Slack's tier 3 allows, the bot keeps some to itself
_PER_SECOND: Final = 0.6
_BURST: Final = 20.0

Message = dict[str, Any]


class ChannelUnreadable(HandrailError):
    """A channel could not be read, so nothing is known of it."""


class SlackShownMessages:
    """The port `ShownMessages` by Slack's Web API, at its pace."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        bot: str,
        workspace: str,
        pace: Bucket | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """*bot* is the id as which Handrail posts; *workspace* an address."""
        self._client = client
        self._bot = bot
        self._workspace = workspace
        self._pace = pace or Bucket(rate=_PER_SECOND, burst=_BURST)
        self._sleep = sleep

    @classmethod
    async def introduced(cls, client: AsyncWebClient) -> Self:
        """Return what reads as whoever the token of *client* is."""
        answer = await _asked("itself", client.auth_test)
        return cls(client, bot=str(answer["bot_id"]), workspace=str(answer["url"]))

    async def channels(self) -> tuple[str, ...]:
        """Return every channel that Handrail is in, by their ids."""
        ask, cursor = self._client.conversations_list, ""
        found: list[str] = []
        while True:
            while seconds := self._pace.wait():
                await self._sleep(seconds)
            page = await _asked(
                "its channels", ask, types=_TYPES, limit=_PAGE, cursor=cursor
            )
            found += [str(it["id"]) for it in page["channels"] if it.get("is_member")]
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return tuple(found)

    async def roots(self, channel: str, since: str) -> AsyncIterator[Root]:
        """Yield what stands in the channel itself from *since* (a `ts`) on."""
        history = self._client.conversations_history
        async for message in self._pages(
            history, channel, oldest=since, inclusive=True
        ):
            yield Root(
                ts=str(message["ts"]),
                message=self._seen(message, channel),
                has_replies=bool(message.get("reply_count")),
                is_gone=message.get("subtype") == _DELETED,
            )

    async def thread(self, channel: str, root: str) -> Sequence[SeenMessage]:
        """Return the messages of a thread, none where there is no such thread."""
        replies = self._client.conversations_replies
        with suppress(_Gone):
            return [
                seen
                async for message in self._pages(replies, channel, ts=root)
                if (seen := self._seen(message, channel)) is not None
            ]
        return ()

    async def _pages(
        self, method: Callable[..., Awaitable[Any]], channel: str, **asked: object
    ) -> AsyncIterator[Message]:
        cursor = ""
        while True:
            while seconds := self._pace.wait():
                await self._sleep(seconds)
            page = await _asked(
                channel,
                method,
                channel=channel,
                limit=_PAGE,
                cursor=cursor,
                include_all_metadata=True,
                **asked,
            )
            for message in page["messages"]:
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _seen(self, message: Message, channel: str) -> SeenMessage | None:
        if message.get("bot_id") != self._bot:
            return None
        ts = str(message["ts"])
        payload = _payload(message)
        return SeenMessage(
            ts=ts,
            digest=digest_of(message),
            link=self._link(channel, ts, message.get("thread_ts")),
            run=payload.get("run") or None,
            files=tuple(it.get("name") or GONE for it in message.get("files", ())),
            head=_head(message, payload),
            is_final=payload.get("kind") == _FINAL,
            says_attached=payload.get("kind") == _FINAL and _says_attached(message),
        )

    def _link(self, channel: str, ts: str, root: str | None) -> str:
        link = f"{self._workspace}archives/{channel}/p{ts.replace('.', '')}"
        is_reply = root not in (None, ts)
        return f"{link}?thread_ts={root}&cid={channel}" if is_reply else link


class _Gone(Exception):
    """There is no such thread."""


def _payload(message: Message) -> dict[str, Any]:
    metadata: dict[str, Any] = message.get("metadata") or {}
    if metadata.get("event_type") != _MARKED:
        return {}
    return metadata.get("event_payload") or {}


def _head(message: Message, payload: dict[str, Any]) -> AuditHead | None:
    """Return the head that a message vouches for, by its metadata or by its text."""
    if payload.get("audit"):
        return AuditHead(ordinal=int(payload["audit"]), hash=str(payload["hash"]))
    if payload.get("kind", _FINAL) != _FINAL:
        return None  # what it shows may be anybody's words
    return printed_head(_last_line(message))


def _says_attached(message: Message) -> bool:
    # In Handrail's own words only: what a command printed is in no context block.
    blocks = message.get("blocks") or ()
    own = [block for block in blocks if block.get("type") == "context"]
    return bool(own) and ATTACHED in shown("", own)


def _last_line(message: Message) -> str:
    blocks = message.get("blocks") or [{}]
    seen = shown("", blocks[-1:]) if blocks[-1].get("type") == "context" else ""
    return seen.strip().rpartition("\n")[2]


async def _asked(
    what: str, method: Callable[..., Awaitable[Any]], **arguments: object
) -> Any:
    for attempt in range(_ATTEMPTS):
        try:
            return await method(**arguments)
        except CALL_FAILED as error:
            if code_of(error) in {"thread_not_found", "message_not_found"}:
                raise _Gone from error
            if not is_passing(error) or attempt == _ATTEMPTS - 1:
                raise _unreadable(what, error) from error
            await asyncio.sleep(seconds_to_wait(error, attempt))
    raise AssertionError(what)


def _unreadable(what: str, error: Exception) -> ChannelUnreadable:
    reason = code_of(error) or type(error).__name__
    advice = (
        "invite Handrail to it"
        if isinstance(error, SlackApiError) and "channel" in reason
        else "check SLACK_BOT_TOKEN and its scopes, or try again later"
    )
    return ChannelUnreadable(
        f"Slack could not be asked about {what} ({reason}): {advice}."
    )
