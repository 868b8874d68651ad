"""A server with canned answers, for looking at the web page alone."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
Object: TypeAlias = dict[str, Json]

PAGE = Path(__file__).parents[2] / "bot" / "sandbox" / "page"

NAMES = {
    "U0RITA": ("rita", "Rita Reader", "reader"),
    "U0ANN": ("ann", "Ann Writer", "writer"),
    "U0BEN": ("ben", "Ben Writer", "writer"),
    "U0ADA": ("ada", "Ada Admin", "admin"),
}
CHANNELS = {"C0INFRA": "infra", "C0GENERAL": "general"}
COMMAND: Object = {
    "command": "/task",
    "description": "Run a command against a stack",
    "usage_hint": "<stack> <command> [--no-init]",
}


def person(user: str) -> Object:
    """One of the people of the canned workspace."""
    name, real_name, role = NAMES[user]
    return {
        "id": user,
        "name": name,
        "real_name": real_name,
        "role_hint": role,
        "is_bot": False,
        "is_restricted": False,
        "deleted": False,
        "color": "",
    }


def bot() -> Object:
    """The one app of the canned workspace."""
    return {
        "id": "U0BOT",
        "name": "handrail",
        "real_name": "Handrail",
        "is_bot": True,
        "color": "16423c",
    }


@dataclass(slots=True)
class PageStub:
    """The canned workspace, what the page asked of it, and what it is told next."""

    started: int = field(default_factory=lambda: int(time.time()) - 600)
    messages: dict[str, list[Object]] = field(
        default_factory=lambda: {channel: [] for channel in CHANNELS}
    )
    ephemerals: dict[str, list[Object]] = field(default_factory=dict)
    commands: list[Object] = field(default_factory=lambda: [COMMAND])
    home: Object | None = None
    files: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Object] = field(default_factory=dict)
    asked: list[tuple[str, Object]] = field(default_factory=list)
    port: int = 0
    _streams: set[asyncio.Queue[Object | None]] = field(default_factory=set)
    _runner: web.AppRunner | None = None
    _count: int = 0

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def next_ts(self) -> str:
        """Return a timestamp that comes after every other."""
        self._count += 1
        return f"{self.started + self._count}.{self._count:06d}"

    def post(self, text: str, **more: Json) -> str:
        """Post a message into #infra, as Ann unless told otherwise; returns its ts."""
        message: Object = {"ts": self.next_ts(), "user": "U0ANN", "text": text, **more}
        self.messages["C0INFRA"].append(message)
        self.tell({"type": "message", "channel": "C0INFRA", "message": message})
        return str(message["ts"])

    def post_blocks(self, *blocks: Object, **more: Json) -> str:
        """Post blocks into #infra as the app; returns the ts."""
        shown: list[Json] = list(blocks)
        return self.post("blocks", user="U0BOT", bot_id="B0BOT", blocks=shown, **more)

    def change(self, ts: str, **changes: Json) -> None:
        """Change a message in place."""
        shelf = self.messages["C0INFRA"]
        at = next(i for i, one in enumerate(shelf) if one["ts"] == ts)
        shelf[at] = {**shelf[at], **changes}
        update: Object = {"type": "message_changed", "channel": "C0INFRA"}
        self.tell({**update, "message": shelf[at]})

    def tell(self, update: Object) -> None:
        """Send an update to every open page."""
        for stream in self._streams:
            stream.put_nowait(update)

    def last(self, path: str) -> Object:
        """Return the body of the last request to *path*."""
        return next(body for asked, body in reversed(self.asked) if asked == path)

    async def go_away(self) -> None:
        """Stop answering, as a server that was ended."""
        if self._runner is None:
            return
        for stream in self._streams:
            stream.put_nowait(None)
        await self._runner.cleanup()
        self._runner = None

    async def come_back(self) -> None:
        """Answer (again), on the same port."""
        app = web.Application()
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._index),
            web.get("/page/{file}", self._asset),
            web.get("/files/{file}", self._file),
            web.get("/sandbox/state", self._state),
            web.get("/sandbox/home", self._home),
            web.get("/sandbox/updates", self._updates),
            web.post("/sandbox/{what:.+}", self._asked),
        ]

    async def _index(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _asset(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / request.match_info["file"])

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(text=self.files[request.match_info["file"]])

    async def _home(self, _request: web.Request) -> web.Response:
        return web.json_response(self.home)

    async def _state(self, request: web.Request) -> web.Response:
        me = request.query.get("as") or next(iter(NAMES))
        refusal = {"ok": False, "error": "user_not_found"}
        return web.json_response(self._snapshot(me) if me in NAMES else refusal)

    def _snapshot(self, me: str) -> Mapping[str, object]:
        return {
            "team": {"id": "T0STUB", "name": "Stub Works"},
            "me": person(me),
            "people": [person(user) for user in NAMES],
            "bots": [bot()],
            "groups": [{"id": "S0PLAT", "handle": "platform", "name": "Platform"}],
            "commands": self.commands,
            "messages": self.messages,
            "ephemerals": self.ephemerals,
            "channels": [
                {
                    "id": channel,
                    "name": name,
                    "topic": "Runs and their records" if name == "infra" else "",
                    "is_private": False,
                    "is_im": False,
                    "is_member": True,
                }
                for channel, name in CHANNELS.items()
            ],
        }

    async def _updates(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": open\n\n")
        stream: asyncio.Queue[Object | None] = asyncio.Queue()
        self._streams.add(stream)
        with suppress(ConnectionResetError):  # the page left
            while (update := await stream.get()) is not None:
                await response.write(f"data: {json.dumps(update)}\n\n".encode())
        self._streams.discard(stream)
        return response

    async def _asked(self, request: web.Request) -> web.Response:
        what = request.match_info["what"]
        self.asked.append((what, await request.json()))
        return web.json_response(self.answers.get(what, {"ok": True}))


@asynccontextmanager
async def page_stub() -> AsyncIterator[PageStub]:
    """Serve the page with canned answers on a free port."""
    stub = PageStub()
    await stub.come_back()
    try:
        yield stub
    finally:
        await stub.go_away()
