"""Run the bot: everything that goes on while it serves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.alone import alone
from bot.api.server import application, serving
from bot.catalog.secrets import HostValues
from bot.control.secrecy import Secrecy
from bot.domain.replica import Replica, ReplicaId
from bot.domain.stack import Catalog
from bot.installation import installation_id, known_engine, remember_engine
from bot.parts import Parts
from bot.policies.opa import opened
from bot.ports import Clock, Policies
from bot.settings import Settings
from bot.slack.connection import (
    SlackAway,
    introduce,
    knock,
    signed_http,
    slack_client,
    socket_mode,
)
from bot.slack.pacing import SLACKS_OWN, Budget
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.drains import installation_name
from runner.engine import Engine
from runner.errors import EngineUnavailable
from runner.masking.secrets import Secret

log = structlog.get_logger(__name__)

_ANOTHER: Final = (
    "Another Handrail runs on this data directory. End it first, or give this one a "
    "HANDRAIL_DATA_DIR of its own."
)


def utc_now() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handrail:
    """The running bot, as far as its caller needs to look inside."""

    archive: SqlArchive
    installation: str


@asynccontextmanager
async def handrail(
    settings: Settings,
    catalog: Catalog,
    engine: Engine,
    environ: Mapping[str, str],
    budget: Budget = SLACKS_OWN,
    secrecy: Secrecy | None = None,
    clock: Clock = utc_now,
    policies: Policies | None = None,
) -> AsyncIterator[Handrail]:
    """Run the bot while the body runs.

    Leaving the body takes no more commands and leaves containers running, to be
    taken up at the next start. Raises SlackUnavailable and StoreUnavailable.
    """
    client = slack_client(settings.bot_token.get_secret_value(), settings.api_url)
    await _greet(client, settings, catalog)
    with _data_dir(settings):
        replica = await _replica(settings, engine, catalog.slots)
        async with (
            Database.open(settings.database_url) as database,
            _policies(settings, policies) as evaluating,
        ):
            proposed = installation_id(settings.data_dir)
            parts = Parts(
                settings=settings,
                catalog=catalog,
                engine=engine,
                environ=environ,
                client=client,
                database=database,
                replica=replica,
                installation=await installation_name(database, proposed),
                secrecy=secrecy or secrecy_of(settings, environ),
                budget=budget,
                clock=clock,
                policies=evaluating,
            )
            async with _running(parts):
                yield Handrail(archive=parts.archive, installation=parts.installation)


def _policies(
    settings: Settings, given: Policies | None
) -> AbstractAsyncContextManager[Policies]:
    return opened(settings.opa, settings.data_dir) if not given else nullcontext(given)


async def _greet(client: AsyncWebClient, settings: Settings, catalog: Catalog) -> None:
    """Raise SlackUnavailable for what Slack refuses.

    One that is away is no reason not to start: runs are to be followed.
    """
    try:
        await introduce(client, catalog.workspace)
        if settings.app_token is not None:
            await knock(client, settings.app_token.get_secret_value())
    except SlackAway as away:
        log.warning("slack away, messages wait", error=str(away))


async def _replica(settings: Settings, engine: Engine, slots: int) -> Replica:
    """Return what this process is to the others. Raises EngineUnavailable."""
    return Replica(
        id=ReplicaId(token_hex(8)),
        engine=await _identity(engine, settings.data_dir),
        host=socket.gethostname(),
        slots=slots,
    )


async def _identity(engine: Engine, data_dir: Path) -> str:
    """Return the engine's name for itself; of one that is away the last known."""
    try:
        name = await engine.identity()
    except EngineUnavailable as away:
        known = known_engine(data_dir)
        if known is None:
            raise
        log.warning("engine away, runs wait", error=str(away))
        return known
    remember_engine(data_dir, name)
    return name


@contextmanager
def _data_dir(settings: Settings) -> Iterator[None]:
    """Have a directory; replicas may share it, who keeps the record there may not."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if settings.has_replicas:
        yield
        return
    with alone(settings.data_dir, _ANOTHER):
        yield


@asynccontextmanager
async def _running(parts: Parts) -> AsyncIterator[None]:
    if parts.catalog.oidc is not None:
        await asyncio.to_thread(parts.signing_keys.signing)  # made at the first start
    async with (
        parts.membership.joined(),
        # Ends last, so that whoever comes meanwhile is told to come again.
        _listening(parts),
        _background(
            parts.membership.serve(),
            parts.attend.serve(),
            parts.schedule.serve(),
            parts.recover.serve(),
            parts.adjudicate.serve(),
            parts.delivery.serve(),
            parts.watch.serve(),
            parts.leases.serve(),
            parts.missed.serve(),
            parts.retention.serve(),
            parts.policing.prepare(parts.catalog.stacks.values()),
        ),
    ):
        try:
            yield
        finally:
            await parts.doors.close()


@asynccontextmanager
async def _listening(parts: Parts) -> AsyncIterator[None]:
    app, routes, look = parts.slack, parts.routes, parts.missed.look
    host, port = parts.settings.http.host, parts.settings.http.port
    if parts.settings.app_token is None:
        async with signed_http(app, host, port, routes, look=look):
            yield
        return
    token = parts.settings.app_token.get_secret_value()
    served = serving(application(routes), host, port) if routes else nullcontext()
    async with served, socket_mode(app, token, look=look):
        yield


@asynccontextmanager
async def _background(*loops: Coroutine[None, None, None]) -> AsyncIterator[None]:
    # A loop that fails ends the bot, loudly, rather than leaving it half alive.
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as several:
        # Mostly one: that the body could not begin, in a sentence.
        raise several.exceptions[0] from several


def own_tokens(settings: Settings) -> tuple[Secret, ...]:
    """Return the bot's own tokens, which are masked in everything."""
    tokens = {
        "SLACK_BOT_TOKEN": settings.bot_token,
        "SLACK_APP_TOKEN": settings.app_token,
        "SLACK_SIGNING_SECRET": settings.signing_secret,
        "HANDRAIL_SEAL_KEY": settings.seal_key,
    }
    own = [
        Secret(name, token.get_secret_value().encode())
        for name, token in tokens.items()
        if token is not None
    ]
    password = urlsplit(settings.database_url).password
    if password:
        own.append(Secret("HANDRAIL_DATABASE_URL", unquote(password).encode()))
    return tuple(own)


def secrecy_of(settings: Settings, environ: Mapping[str, str]) -> Secrecy:
    """Return what hides secrets from every text of the bot."""
    own = (*own_tokens(settings), *_of_the_cloud(environ))
    return Secrecy(own, HostValues(environ))


def _of_the_cloud(environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """Return what the bot itself is to a cloud, where it assumes roles of stacks."""
    return tuple(
        Secret(name, environ[name].encode())
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        if environ.get(name)
    )
