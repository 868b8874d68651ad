"""What a test asks of the Web API beside the happy answer."""

from collections.abc import Awaitable

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse


async def refusal(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Return the answer of a call that must be refused."""
    with pytest.raises(SlackApiError) as caught:
        await call
    response: AsyncSlackResponse = caught.value.response
    return response


async def error_of(call: Awaitable[AsyncSlackResponse]) -> str:
    """Return Slack's error name for a call that must be refused."""
    error: str = (await refusal(call))["error"]
    return error
