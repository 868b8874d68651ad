"""Delete messages that show what nobody is to see."""

from typing import Final

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import ChannelId
from bot.slack.refusals import CALL_FAILED

log = structlog.get_logger(__name__)

_GONE: Final = "message_not_found"


class SlackMessages:
    """The port `Messages`. Slack lets most apps delete their own messages only."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def delete(self, channel: ChannelId, ts: str) -> bool:
        """Delete a message; False where Slack does not let the app do so."""
        try:
            await self._client.chat_delete(channel=channel, ts=ts)
        except SlackApiError as error:
            return bool(error.response.get("error") == _GONE)
        except CALL_FAILED as error:
            log.warning("message not deleted", channel=channel, error=str(error))
            return False
        return True
