"""`/response/<token>`: where an app answers later than its acknowledgement."""

import json

from aiohttp import web

from bot.sandbox.responses import Responses
from bot.sandbox.values import MethodError, Payload

_GONE = {"expired_url", "used_url"}


class ResponseRoutes:
    """Takes what is posted to response URLs."""

    def __init__(self, responses: Responses) -> None:
        self._responses = responses

    async def answer(self, request: web.Request) -> web.Response:
        """Carry out one response; Slack says `ok`, or why not."""
        try:
            self._responses.use(request.match_info["token"], await _body(request))
        except MethodError as refusal:
            status = 404 if refusal.error in _GONE else 400
            return web.json_response(refusal.answer(), status=status)
        return web.Response(text="ok")


async def _body(request: web.Request) -> Payload:
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise MethodError("invalid_payload") from None
    if not isinstance(body, dict):
        raise MethodError("invalid_payload")
    return body
