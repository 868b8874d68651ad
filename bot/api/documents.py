"""Public JSON documents, such as a key set; who asks needs no key to read them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from bot.domain.errors import HandrailError

log = structlog.get_logger(__name__)

Document = Callable[[], Mapping[str, object]]


def document_routes(
    documents: Mapping[str, Document], *, max_age: int
) -> tuple[web.RouteDef, ...]:
    """Return routes that answer GET and HEAD with *documents*, by their path.

    Each is made anew for every request, in a thread. Who reads may keep a copy
    for *max_age* seconds.
    """
    return tuple(
        web.get(path, _answering(document, max_age))
        for path, document in documents.items()
    )


def _answering(
    document: Document, max_age: int
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            content = await asyncio.to_thread(document)
        except HandrailError as error:
            # What is wrong with a file of the bot is for its log, not for strangers.
            log.warning("document cannot be made", path=request.path, error=str(error))
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"}) from error
        return web.json_response(
            content,
            headers={
                "Cache-Control": f"public, max-age={max_age}",
                "X-Content-Type-Options": "nosniff",
            },
        )

    return answer
