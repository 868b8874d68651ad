"""An OPA that ends when a test says so: it stands before one that does not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

_LIMIT = 30.0


@dataclass
class Ending:
    """What is asked by `POST` is held where *holds* says so, and ends with the OPA."""

    address: str
    session: aiohttp.ClientSession
    holds: Callable[[Mapping[str, Any]], bool] = lambda document: True
    _held: dict[asyncio.Future[None], asyncio.Transport] = field(default_factory=dict)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def under_way(self, count: int) -> None:
        """Wait until so many questions are held."""
        async with asyncio.timeout(_LIMIT):
            while len(self._held) < count:
                await self._came.wait()
                self._came.clear()

    def end(self) -> None:
        """End every connection on which a question is held."""
        for held, transport in self._held.items():
            transport.abort()
            held.set_result(None)
        self._held.clear()

    async def relay(self, request: web.Request) -> web.Response:
        """Ask the OPA behind it."""
        body = await request.read()
        asked = (await request.json())["input"] if request.method == "POST" else None
        if asked is not None and self.holds(asked):
            await self._hold(request)
            return web.Response()
        url = f"http://opa{request.path_qs}"
        async with self.session.request(request.method, url, data=body) as response:
            return web.Response(status=response.status, body=await response.read())

    async def _hold(self, request: web.Request) -> None:
        held = asyncio.get_running_loop().create_future()
        assert isinstance(request.transport, asyncio.Transport)
        self._held[held] = request.transport
        self._came.set()
        await held


@asynccontextmanager
async def ending_opa(running: str, folder: Path) -> AsyncIterator[Ending]:
    """Yield what stands before the OPA at the address *running*."""
    path = folder / "ending.sock"
    connector = aiohttp.UnixConnector(running.removeprefix("unix://"))
    async with aiohttp.ClientSession(connector=connector) as session:
        ending = Ending(address=f"unix://{path}", session=session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", ending.relay)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.UnixSite(runner, str(path)).start()
        try:
            yield ending
        finally:
            ending.end()
            await runner.cleanup()
