"""`/api/<method>`: the Web API over HTTP, as the SDK calls it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web

from bot.sandbox.faults import (
    BadGateway,
    Delay,
    Drop,
    Fault,
    Faults,
    RateLimited,
    Refuse,
)
from bot.sandbox.ledger import Ledger
from bot.sandbox.methods import METHODS
from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method, need_scope
from bot.sandbox.pacing import Pacing
from bot.sandbox.values import MethodError, Payload
from bot.sandbox.workspace import Workspace

_HTML = "<!DOCTYPE html><html><body><h1>Server Error</h1></body></html>"


class Dropped(Exception):  # an outcome a test asked for
    """The connection is to be cut, with no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebApi:
    """Answers calls for the workspace; *tokens* tells each token's kind."""

    workspace: Workspace
    tokens: Mapping[str, str]
    pacing: Pacing
    faults: Faults
    ledger: Ledger

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, or cut the connection if a fault says so."""
        name = request.match_info["method"]
        arguments = await merged_arguments(request)
        token = _token(request, arguments)
        fault = self.faults.take(name)
        try:
            response = await self._answer(name, Arguments(arguments), token, fault)
        except Dropped:
            assert request.transport is not None  # noqa: S101  # still connected
            request.transport.abort()
            return web.Response(status=500)
        response.headers["X-Slack-Req-Id"] = uuid4().hex
        return response

    async def _answer(
        self, name: str, arguments: Arguments, token: str, fault: Fault | None
    ) -> web.Response:
        match fault:
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case BadGateway(status):
                self.ledger.add(name, arguments.raw, {})
                return web.Response(status=status, text=_HTML, content_type="text/html")
            case Drop(after=False):
                self.ledger.add(name, arguments.raw, {})
                raise Dropped
            case RateLimited(retry_after=seconds, as_ok=False):
                return self._too_many(name, arguments, seconds)
            case _:
                pass
        wait, body = self._call(name, arguments, token, fault)
        if wait:
            return self._too_many(name, arguments, wait)
        self.ledger.add(name, arguments.raw, body)
        if isinstance(fault, Drop):
            raise Dropped
        return web.json_response(body, headers=self._headers(token))

    def _call(
        self, name: str, arguments: Arguments, token: str, fault: Fault | None
    ) -> tuple[int, Payload]:
        """Return the seconds to wait, or 0 and the answer."""
        try:
            method = self._permitted(name, token)
            wait = self._wait(method, arguments)
            if wait:
                return wait, {}
            need_scope(self.workspace, method.scope)
            _fail(fault)
            return 0, {"ok": True, **method.run(self.workspace, arguments)}
        except MethodError as refusal:
            return 0, refusal.answer()

    def _permitted(self, name: str, token: str) -> Method:
        method = METHODS.get(name)
        if method is None:
            raise MethodError("unknown_method", req_method=name)
        if not token:
            raise MethodError("not_authed")
        kind = self.tokens.get(token)
        if kind is None:
            raise MethodError("invalid_auth")
        if kind not in method.tokens:
            raise MethodError("not_allowed_token_type")
        return method

    def _wait(self, method: Method, arguments: Arguments) -> int:
        if method.pace is None:
            return 0
        # Only posting is counted by channel.
        where = arguments.text("channel") if method.name == "chat.postMessage" else ""
        direct = self.workspace.opened_with(where)
        where = direct.id if direct else where
        return self.pacing.wait_for((method.name, where), method.pace)

    def _too_many(self, name: str, arguments: Arguments, wait: int) -> web.Response:
        body = {"ok": False, "error": "ratelimited"}
        self.ledger.add(name, arguments.raw, body)
        headers = {"Retry-After": str(wait)}
        return web.json_response(body, status=429, headers=headers)

    def _headers(self, token: str) -> dict[str, str]:
        if self.tokens.get(token) == "bot":
            scopes = ",".join(sorted(self.workspace.manifest.bot_scopes))
            return {"X-OAuth-Scopes": scopes}
        return {"X-OAuth-Scopes": "connections:write"}


async def merged_arguments(request: web.Request) -> Payload:
    """Return query, form and JSON arguments as one object, JSON winning."""
    merged: Payload = dict(request.query)
    if request.content_type == "application/json":
        decoded = _decoded(await request.text())
        return {**merged, **decoded}
    if request.method in {"POST", "PUT", "PATCH"}:
        form = await request.post()
        merged.update({n: v for n, v in form.items() if isinstance(v, str)})
    return merged


def _decoded(text: str) -> Payload:
    try:
        decoded = json.loads(text or "{}")
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _token(request: web.Request, arguments: Payload) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return str(arguments.get("token") or "")


def _fail(fault: Fault | None) -> None:
    match fault:
        case Refuse(error):
            raise MethodError(error)
        case RateLimited(as_ok=True):
            raise MethodError("rate_limited")
        case _:
            return
