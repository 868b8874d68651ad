"""Read back what people replied in threads while nobody listened."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, cast

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.control.reply import Reply, Uttered
from bot.domain.errors import HandrailError, RepliesUnavailable, WordUnheard
from bot.domain.people import ChannelId, TeamId
from bot.ports.words import Heard
from bot.slack.pacing import Bucket
from bot.slack.refusals import (
    CALL_FAILED,
    Trouble,
    is_unreadable,
    seconds_to_wait,
    trouble,
)
from bot.slack.utterances import hear, uttered

log = structlog.get_logger(__name__)

_PAGE: Final = 200
#: calls a second, and in a burst: `conversations.replies` is tier 3, 50 a minute for
#: the workspace, and the outbox looks for lost letters by it too (docs.slack.dev)
PACE: Final = (40 / 60, 15.0)


class SlackReplies:
    """The port `Replies`: `conversations.replies`, at a pace that leaves some over."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        reply: Reply,
        team: TeamId,
        pace: tuple[float, float] = PACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._reply = reply
        self._team = team
        self._pace = Bucket(*pace, clock=clock)

    async def hear(self, channel: ChannelId, thread_ts: str, since: str) -> Heard:
        """Act on what was replied after *since*, oldest first, and return the rest.

        That begins with a lock that somebody may have taken back in another thread.
        Raises RepliesUnavailable, and WordUnheard where nothing can be noted.
        """
        replies = await self._replies(channel, thread_ts, since)
        read = [uttered(message, channel, self._team) for message in replies]
        words = [said for said in read if said is not None]
        for said in reversed(words):
            await self._reply.foresee(said)
        waits = (it for it, said in enumerate(words) if self._reply.may_be_void(said))
        first = next(waits, len(words))
        await self._hear_each(words[:first])
        rest = partial(self._hear_each, words[first:]) if words[first:] else None
        return Heard(newest=str(replies[-1]["ts"]) if replies else "", rest=rest)

    async def _hear_each(self, words: Sequence[Uttered]) -> None:
        for said in words:
            await _to_the_end(self._hear(said))

    async def _hear(self, said: Uttered) -> None:
        try:
            await hear(self._client, self._reply, said)
        except WordUnheard:
            raise
        except HandrailError as error:
            # One word that goes wrong keeps no other from being heard.
            log.exception("reply not acted on", key=said.key, error=str(error))

    async def _replies(
        self, channel: ChannelId, thread_ts: str, since: str
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while cursor != "":
            page = await self._asked(
                channel=channel, ts=thread_ts, oldest=since, limit=_PAGE, cursor=cursor
            )
            found += page.get("messages") or ()
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        # Slack puts the thread's first message before those that were asked for.
        replies = (message for message in found if message["ts"] != thread_ts)
        return sorted(replies, key=lambda message: str(message["ts"]))

    async def _asked(self, **arguments: Any) -> dict[str, Any]:
        while True:
            if seconds := self._pace.wait():
                await asyncio.sleep(seconds)
                continue
            try:
                page = await self._client.conversations_replies(**arguments)
            except SlackApiError as error:
                if not await _is_to_be_asked_again(error):
                    return {}
            except (*CALL_FAILED, OSError) as error:
                raise RepliesUnavailable(f"Slack gave no replies: {error}") from error
            else:
                return cast("dict[str, Any]", page.data)


async def _is_to_be_asked_again(error: SlackApiError) -> bool:
    """Wait as long as Slack says; False where it gives no replies of that thread."""
    if is_unreadable(error):
        return False
    match trouble(error):
        case Trouble.LIMITED:
            await asyncio.sleep(seconds_to_wait(error, attempts=0))
            return True
        case Trouble.AWAY:
            raise RepliesUnavailable(f"Slack gave no replies: {error}") from error
        case _:
            log.warning("thread not readable", error=str(error))
            return False


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Await *work*, and if this is cancelled, its end before that.

    A word that was noted as heard and not acted on would be lost.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
