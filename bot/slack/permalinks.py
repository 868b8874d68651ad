"""The addresses of threads, as Slack gives them."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.run import ThreadId
from bot.ports import Thread
from bot.slack.refusals import CALL_FAILED

#: threads whose address is remembered: it does not change
_REMEMBERED: Final = 5_000


async def permalink(client: AsyncWebClient, thread: Thread) -> str | None:
    """Return a link to *thread*, where Slack gives one."""
    if thread.ts is None:
        return None
    try:
        answer = await client.chat_getPermalink(
            channel=thread.channel, message_ts=thread.ts
        )
    except CALL_FAILED:
        return None  # the rest is worth seeing without it
    return str(answer["permalink"])


class Permalinks:
    """Asks Slack once for each thread."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: OrderedDict[ThreadId, str] = OrderedDict()

    async def of(self, threads: Iterable[Thread]) -> Mapping[ThreadId, str]:
        """Return the links of *threads*, as far as Slack gives them."""
        wanted = {thread.id: thread for thread in threads}
        missing = [it for name, it in wanted.items() if name not in self._known]
        links = await asyncio.gather(*(permalink(self._client, it) for it in missing))
        for thread, link in zip(missing, links, strict=True):
            if link:
                self._known[thread.id] = link
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return {name: self._known[name] for name in wanted if name in self._known}
