"""A proxy lets everything through, but for what a test wants cut or stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.proxies import Proxy, proxied, to_port


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
    writer.close()


async def is_ended(reader: asyncio.StreamReader) -> bool:
    """Tell whether the other side has ended the connection, however it did."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


@asynccontextmanager
async def an_echo() -> AsyncIterator[Proxy]:
    """Run a proxy to a server that says what it is told."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with proxied(to_port(port)) as proxy:
            yield proxy
    finally:
        server.close()


async def test_what_is_sent_comes_through_both_ways() -> None:
    async with an_echo() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")

        assert await reader.readexactly(5) == b"hello"

        writer.close()


async def test_a_cut_ends_connections_and_new_ones_until_it_is_mended() -> None:
    async with an_echo() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")
        await reader.readexactly(5)

        proxy.cut()

        assert await is_ended(reader)
        writer.close()
        again, other = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await is_ended(again)
        other.close()
        proxy.mend()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()


async def test_what_a_stalled_proxy_kept_comes_once_it_is_mended() -> None:
    async with an_echo() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.stall()
        writer.write(b"hello")
        waiting = asyncio.create_task(reader.readexactly(5))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done

        proxy.mend()

        assert await waiting == b"hello"
        writer.close()
