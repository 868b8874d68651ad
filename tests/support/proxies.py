"""A way to a server that can be cut, stopped and slowed down."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PIECE = 64 * 1024

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]


def to_port(port: int) -> Dial:
    """Reach what listens on a port of this machine."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


def to_socket(path: Path) -> Dial:
    """Reach what listens on a Unix socket."""
    return lambda: asyncio.open_unix_connection(path)


@dataclass(kw_only=True)
class Proxy:
    """Connections from a port of its own to one server."""

    dial: Dial
    port: int = 0
    delay: float = 0.0  #: seconds that each piece is kept, either way
    _is_open: bool = True
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _ways: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def cut(self) -> None:
        """End every connection, and each new one at once, until it is mended."""
        self._is_open = False
        for way in list(self._ways):
            way.transport.abort()

    def stall(self) -> None:
        """Keep connections open and let nothing through, until it is mended."""
        self._flowing.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self._is_open = True
        self.delay = 0.0
        self._flowing.set()

    async def serve(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter
    ) -> None:
        """Take a connection until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not self._is_open:
            to.transport.abort()
            return
        self._ways.add(to)
        try:
            await self._connected(reader, to)
        finally:
            self._ways.discard(to)
            to.transport.abort()

    async def end(self) -> None:
        """End every connection for good."""
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            beyond, onwards = await self.dial()
            self._ways.add(onwards)
            try:
                await _first(self._pump(reader, onwards), self._pump(beyond, to))
            finally:
                self._ways.discard(onwards)
                onwards.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await source.read(_PIECE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._flowing.wait()
                to.write(data)
                await to.drain()


async def _first(*pumps: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def proxied(dial: Dial) -> AsyncIterator[Proxy]:
    """Listen on a port of its own while the body runs."""
    proxy = Proxy(dial=dial)
    proxy.mend()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
