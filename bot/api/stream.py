"""Send an answer bit by bit, to readers who may be slow or gone."""

import asyncio
from typing import Final

from aiohttp import web

#: a reader who takes nothing for that long is let go
PATIENCE_SECONDS: Final = 60.0


async def sent(response: web.StreamResponse, data: bytes) -> None:
    """Send *data*; return once there is room for more.

    Raises TimeoutError for a reader who takes nothing, ConnectionResetError for one
    who is gone.
    """
    if data:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await response.write(data)


def is_gone(request: web.Request) -> bool:
    """Tell whether nobody listens any more."""
    return request.transport is None or request.transport.is_closing()


def cut(request: web.Request) -> None:
    """End the connection, so that what was sent of an answer is not taken for all."""
    if request.transport is not None:
        request.transport.abort()
