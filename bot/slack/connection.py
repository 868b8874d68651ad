"""The connection to Slack: one Bolt app, by Socket Mode or signed HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import Any, Final

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import HandrailError
from bot.domain.people import TeamId
from bot.slack.hearing import Hearing
from bot.slack.listeners import Commands, register
from bot.slack.refusals import CALL_FAILED, is_passing

log = structlog.get_logger(__name__)

#: Slack closes an old socket before a new one is open; the second hears meanwhile.
_SOCKETS = 2
#: seconds that open requests have left at the end
_PATIENCE = 2.0
#: seconds from look to look for what is said while no socket is open
_WHILE_DOWN = 60.0
#: seconds between attempts to reach a Slack that is away
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)

#: what the listeners, messages and directory need; manifest.yml says why
SCOPES = frozenset(
    {
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "usergroups:read",
        "users:read",
    }
)


_OUTAGES: Final = (*CALL_FAILED, OSError)


class SlackUnavailable(HandrailError):
    """Slack did not take the token, or did not answer; the message says what to do."""


class SlackAway(SlackUnavailable):
    """Slack did not answer, or had trouble of its own: it may be back soon."""


def slack_client(token: str, api_url: str) -> AsyncWebClient:
    """Return a client that never sends twice by itself.

    The SDK's default retries a post whose connection dropped, after Slack may
    have taken it; the outbox retries instead.
    """
    return AsyncWebClient(token=token, base_url=api_url, retry_handlers=[])


async def introduce(client: AsyncWebClient, workspace: TeamId) -> frozenset[str]:
    """Check the token, and that it is of the home workspace; return its scopes."""
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        if is_passing(error):
            raise _in_trouble(error) from error
        code = error.response.get("error")
        raise SlackUnavailable(
            f"Slack does not take SLACK_BOT_TOKEN ({code}). Copy the bot token from "
            "the app's page, OAuth & Permissions; it begins with xoxb-."
        ) from error
    except _OUTAGES as error:
        raise _no_answer(client, error) from error
    if answer["team_id"] != workspace:
        raise SlackUnavailable(
            f"SLACK_BOT_TOKEN is of workspace {answer['team_id']}, but handrail.yaml "
            f"says workspace: {workspace}. Correct one of them."
        )
    granted: str = answer.headers.get("x-oauth-scopes", "")
    return frozenset(scope.strip() for scope in granted.split(","))


async def knock(client: AsyncWebClient, app_token: str) -> None:
    """Ask for a socket without opening it, or raise SlackUnavailable."""
    try:
        await client.apps_connections_open(app_token=app_token)
    except SlackApiError as error:
        if is_passing(error):
            raise _in_trouble(error) from error
        raise _app_token_refused(error) from error
    except _OUTAGES as error:
        raise _no_answer(client, error) from error


def slack_app(
    client: AsyncWebClient,
    *,
    signing_secret: str | None,
    commands: Commands,
    hearing: Hearing,
) -> AsyncApp:
    """Return the app with every listener registered."""

    async def authorize(
        enterprise_id: str | None, team_id: str | None
    ) -> AuthorizeResult:
        # Bolt would ask Slack instead, and drop what comes while it is in trouble.
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=client.token
        )

    logging.getLogger("slack_bolt.AsyncApp").addFilter(_says_more_than_that)
    app = AsyncApp(
        client=client,
        authorize=authorize,
        signing_secret=signing_secret,
        request_verification_enabled=signing_secret is not None,
    )
    register(app, commands, hearing)
    return app


def _says_more_than_that(record: logging.LogRecord) -> bool:
    # Bolt warns that `authorize` has the last word on the token, as it should.
    return "`token` (or SLACK_BOT_TOKEN env variable) will be ignored" not in (
        record.getMessage()
    )


@asynccontextmanager
async def socket_mode(
    app: AsyncApp,
    app_token: str,
    *,
    look: Callable[[], None],
    while_down: float = _WHILE_DOWN,
    pauses: Sequence[float] = _PAUSES,
) -> AsyncIterator[None]:
    """Listen over Socket Mode while the body runs.

    *look* is called once people can be heard, after each connection that is made
    anew, and every so many seconds while there is none. A Slack that is away is asked
    again after each of *pauses*, the last one for ever; what it refuses at the start
    raises SlackUnavailable, and later is in the log.
    """
    handlers = [AsyncSocketModeHandler(app, app_token) for _ in range(_SOCKETS)]

    async def connect() -> None:
        # The SDK's own client would ask for ever with a token that Slack refuses.
        await knock(app.client, app_token)
        for handler in handlers:
            if not await handler.client.is_connected():
                await handler.connect_async()
        look()
        for handler in handlers:
            handler.client.message_listeners.append(_on_hello(look))

    try:
        async with _connected(connect, pauses), _looking(handlers, look, while_down):
            yield
    finally:
        for handler in handlers:
            await handler.close_async()


@asynccontextmanager
async def _connected(
    connect: Callable[[], Awaitable[None]], pauses: Sequence[float]
) -> AsyncIterator[None]:
    """Connect now, or once it is possible while the body runs."""

    async def later() -> None:
        for pause in chain(pauses, repeat(pauses[-1])):
            await asyncio.sleep(pause)
            try:
                await connect()
            except (SlackUnavailable, *_OUTAGES) as trouble:
                log.warning("slack away, nobody is heard", error=str(trouble))
            else:
                return

    connecting = None
    try:
        await connect()
    except (SlackAway, *_OUTAGES) as away:
        log.warning("slack away, nobody is heard", error=str(away))
        connecting = asyncio.create_task(later())
    try:
        yield
    finally:
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)


def _on_hello(
    look: Callable[[], None],
) -> Callable[[AsyncBaseSocketModeClient, dict[str, Any], str | None], Awaitable[None]]:
    async def heard(
        _client: AsyncBaseSocketModeClient, message: dict[str, Any], _raw: str | None
    ) -> None:
        if message.get("type") == "hello":
            look()

    return heard


@asynccontextmanager
async def _looking(
    handlers: Sequence[AsyncSocketModeHandler], look: Callable[[], None], every: float
) -> AsyncIterator[None]:
    async def look_while_down() -> None:
        while True:
            await asyncio.sleep(every)
            if not any([await h.client.is_connected() for h in handlers]):
                log.warning("no socket open")
                look()

    looking = asyncio.create_task(look_while_down())
    try:
        yield
    finally:
        looking.cancel()


def _no_answer(client: AsyncWebClient, error: Exception) -> SlackAway:
    return SlackAway(
        f"Slack does not answer at {client.base_url} ({error}). Check the network "
        "and SLACK_API_URL."
    )


def _in_trouble(error: SlackApiError) -> SlackAway:
    code = error.response.get("error") or "an answer that is not Slack's"
    return SlackAway(
        f"Slack has trouble of its own ({code}, HTTP {error.response.status_code}). "
        "Try again in a minute; if it stays so, check SLACK_API_URL."
    )


def _app_token_refused(error: SlackApiError) -> SlackUnavailable:
    return SlackUnavailable(
        f"Slack does not take SLACK_APP_TOKEN ({error.response.get('error')}). "
        "Make one with the scope connections:write on the app's page, Basic "
        "Information; it begins with xapp-."
    )


@asynccontextmanager
async def signed_http(
    app: AsyncApp,
    host: str,
    port: int,
    routes: Iterable[web.AbstractRouteDef] = (),
    *,
    look: Callable[[], None],
) -> AsyncIterator[None]:
    """Listen for Slack's signed requests at `/slack/events` while the body runs.

    The same address answers *routes* too; those are not Slack's and not signed.
    *look* is called once people can be heard.
    """
    application = app.web_app("/slack/events")
    application.add_routes(routes)
    # A stream of events that somebody follows must not hold up the end of the bot.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_PATIENCE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        look()
        yield
    finally:
        await runner.cleanup()
