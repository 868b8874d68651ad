"""Reading channels leaves the bot its share of Slack's limits."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.pacing import Bucket
from bot.slack.witness import SlackShownMessages


class Replies(AsyncWebClient):
    """A client that finds an empty thread wherever it is asked."""

    async def conversations_replies(self, **_: Any) -> Any:
        return {"messages": []}


async def test_no_more_is_read_than_the_rate_allows() -> None:
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds + 1e-6

    pace = Bucket(rate=0.5, burst=2.0, clock=lambda: now[0])
    reader = SlackShownMessages(
        Replies(), bot="B1", workspace="https://x/", pace=pace, sleep=sleep
    )
    for _ in range(12):
        await reader.thread("C1", "1.0")

    assert 19.9 < now[0] < 20.1
