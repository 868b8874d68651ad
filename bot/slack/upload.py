"""Attach output of any size to a thread, without holding it in memory."""

from collections.abc import AsyncIterator

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient


async def upload(
    client: AsyncWebClient,
    content: AsyncIterator[bytes],
    *,
    size: int,
    filename: str,
    channel: str,
    thread_ts: str,
) -> str:
    """Upload *size* bytes of *content* as a file of the thread; return its id.

    The three steps of docs.slack.dev, "Working with files"; the second goes to
    an address that Slack names and wants no token. Raises ClientError where
    *content* is of another size, because it changed meanwhile.
    """
    ticket = await client.files_getUploadURLExternal(filename=filename, length=size)
    timeout = aiohttp.ClientTimeout(total=600)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
        session.post(
            ticket["upload_url"],
            data=_all_of_it(content, size),
            headers={
                "Content-Length": str(size),
                "Content-Type": "application/octet-stream",
            },
        ) as answer,
    ):
        if answer.status != 200:
            # Without a code it counts as trouble that passes.
            code = answer.reason if answer.status < 500 else ""
            raise SlackApiError("the upload was not taken", {"error": code})
    await client.files_completeUploadExternal(
        files=[{"id": ticket["file_id"], "title": filename}],
        channel_id=channel,
        thread_ts=thread_ts,
    )
    return str(ticket["file_id"])


async def _all_of_it(content: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Give *content* if it has *size* bytes, else fail before all of them are sent.

    Otherwise the receiver would wait for the rest, or take a part for the whole.
    """
    held = b""
    async for piece in content:
        size -= len(piece)
        if size < 0:
            break
        if piece:
            yield held
            held = piece
    if size:
        raise aiohttp.ClientPayloadError("the output changed while it was sent")
    yield held
