"""Socket Mode: the open sockets, and parcels to any one of them."""

import asyncio
import json
from collections.abc import Callable
from itertools import count
from uuid import uuid4

from aiohttp import WSMsgType, web

from bot.sandbox.delivery import Acknowledgement, Kind, Parcel
from bot.sandbox.values import Payload
from bot.sandbox.workspace import Workspace

#: https://docs.slack.dev/apis/events-api/using-socket-mode
MOST_SOCKETS = 10
_PING_S = 10.0
_ANSWERABLE = {Kind.SLASH, Kind.INTERACTIVE}


class Sockets:
    """The app's connections; a parcel goes to the next one in turn."""

    def __init__(
        self, workspace: Workspace, wake: Callable[[], None], *, deadline: float
    ) -> None:
        self._workspace = workspace
        self._wake = wake
        self._deadline = deadline
        self._open: list[web.WebSocketResponse] = []
        self._turn = count()
        self._unanswered: dict[str, asyncio.Future[Payload | None]] = {}

    @property
    def connected(self) -> int:
        """Return how many sockets are open."""
        return len(self._open)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take a connection until either side closes it."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._workspace.tickets:
            raise web.HTTPForbidden(text="invalid ticket")
        self._workspace.tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=_PING_S)
        await socket.prepare(request)
        if self.connected >= MOST_SOCKETS:
            await self._dismiss(socket, "too_many_websockets")
            return socket
        self._open.append(socket)
        try:
            await socket.send_json(self._hello())
            self._wake()
            await self._read(socket)
        except ConnectionError:
            pass  # the app went away in the middle of the greeting
        finally:
            self._forget(socket)
        return socket

    async def send(self, parcel: Parcel) -> Acknowledgement:
        """Send *parcel* over one open socket and wait for its acknowledgement."""
        if not self._open:
            is_event = parcel.kind is Kind.EVENT
            error = "connection_failed" if is_event else "dispatch_failed"
            return Acknowledgement(ok=False, error=error)
        socket = self._open[next(self._turn) % len(self._open)]
        envelope = _envelope(parcel)
        answered = asyncio.get_running_loop().create_future()
        self._unanswered[envelope["envelope_id"]] = answered
        try:
            await socket.send_json(envelope)
            async with asyncio.timeout(self._deadline):
                return Acknowledgement(ok=True, payload=await answered)
        except (TimeoutError, ConnectionError):
            late = "timeout" if parcel.kind is Kind.EVENT else "operation_timeout"
            return Acknowledgement(ok=False, error=late)
        finally:
            del self._unanswered[envelope["envelope_id"]]

    async def disconnect(self, reason: str | None) -> None:
        """Tell every socket to go; with no *reason*, cut them without a word."""
        for socket in list(self._open):
            if reason == "warning":
                await socket.send_json(_farewell(reason))
                continue
            self._forget(socket)
            await self._dismiss(socket, reason)

    async def _dismiss(self, socket: web.WebSocketResponse, reason: str | None) -> None:
        if reason is not None:
            await socket.send_json(_farewell(reason))
        await socket.close()

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                self._take(json.loads(frame.data))

    def _take(self, answer: Payload) -> None:
        # Any socket may acknowledge: the one it came by may be gone by now.
        waiting = self._unanswered.get(answer.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload"))

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._open:
            self._open.remove(socket)
            self._wake()

    def _hello(self) -> Payload:
        return {
            "type": "hello",
            "num_connections": self.connected,
            "debug_info": {
                "host": "applink-sandbox",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": self._workspace.app_id},
        }


def _envelope(parcel: Parcel) -> Payload:
    envelope: Payload = {
        "envelope_id": str(uuid4()),
        "type": parcel.kind.value,
        "payload": parcel.payload,
        "accepts_response_payload": parcel.kind in _ANSWERABLE,
    }
    if parcel.kind is Kind.EVENT:
        envelope |= {"retry_attempt": parcel.attempt, "retry_reason": parcel.reason}
    return envelope


def _farewell(reason: str) -> Payload:
    return {
        "type": "disconnect",
        "reason": reason,
        "debug_info": {"host": "applink-sandbox"},
    }
