"""The HTTP server: its routes come from those who know what they answer."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from bot.domain.errors import HandrailError

_LEAVE_SECONDS: Final = 2.0


class AddressUnavailable(HandrailError):
    """HTTP cannot be served at an address; the message says what to do."""


def application(routes: Iterable[web.AbstractRouteDef]) -> web.Application:
    """Return an application that answers *routes*, and nothing else."""
    app = web.Application()
    app.add_routes(routes)
    return app


@asynccontextmanager
async def serving(
    app: web.Application, host: str, port: int
) -> AsyncIterator[tuple[str, int]]:
    """Serve *app* while the body runs; give the address, of a free port for port 0.

    Raises AddressUnavailable.
    """
    # An open event stream waits for a run: it does not keep the bot from ending.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LEAVE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise AddressUnavailable(
                f"HTTP cannot be served at {host}:{port} ({error.strerror}). Give the "
                "bot another address in HANDRAIL_HTTP, or end what listens there."
            ) from error
        yield runner.addresses[0][0], runner.addresses[0][1]
    finally:
        await runner.cleanup()
