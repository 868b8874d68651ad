"""The composition root: the one place where concrete classes meet."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.alone import alone
from bot.api.documents import document_routes
from bot.api.server import application, serving
from bot.catalog.secrets import HostValues
from bot.control.access import Access
from bot.control.job import Jobs
from bot.control.perform import Equipment, Perform
from bot.control.recover import Recover
from bot.control.redact import Redact
from bot.control.reply import Reply
from bot.control.schedule import Schedule
from bot.control.secrecy import Secrecy
from bot.control.submit import Submit
from bot.credentials.aws import AwsRoles
from bot.credentials.keys import COPY_LIFETIME, SigningKeys
from bot.credentials.oidc import OidcTokens, documents
from bot.credentials.together import Together
from bot.domain.stack import Catalog
from bot.installation import installation_id, seal_key
from bot.settings import Settings
from bot.slack.connection import (
    introduce,
    knock,
    signed_http,
    slack_app,
    slack_client,
    socket_mode,
)
from bot.slack.delivery import Delivery
from bot.slack.directory import SlackDirectory
from bot.slack.pacing import SLACKS_OWN, Budget, Pace
from bot.slack.post import Post
from bot.slack.removal import SlackMessages
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.outbox import SqlOutbox
from bot.store.record import SqlRecord
from runner.engine import Engine
from runner.masking.secrets import Secret
from runner.seal import Seal
from runner.source import Sources

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the use cases are made of."""

    settings: Settings
    catalog: Catalog
    engine: Engine
    environ: Mapping[str, str]
    client: AsyncWebClient
    directory: SlackDirectory
    access: Access
    record: SqlRecord
    archive: SqlArchive
    outbox: SqlOutbox
    installation: str
    secrecy: Secrecy
    budget: Budget
    keys: SigningKeys


@asynccontextmanager
async def handrail(
    settings: Settings,
    catalog: Catalog,
    engine: Engine,
    environ: Mapping[str, str],
    budget: Budget = SLACKS_OWN,
    secrecy: Secrecy | None = None,
) -> AsyncIterator[Handrail]:
    """Run the bot while the body runs.

    Leaving the body takes no more commands and leaves containers running, to be
    taken up at the next start. Raises SlackUnavailable and StoreUnavailable.
    """
    client = slack_client(settings.bot_token.get_secret_value(), settings.api_url)
    await introduce(client, catalog.workspace)
    if settings.app_token is not None:
        await knock(client, settings.app_token.get_secret_value())
    with alone(settings.data_dir, _ANOTHER):
        async with Database.open(settings.database_url) as database:
            secrecy = secrecy or secrecy_of(settings, environ)
            parts = _parts(
                settings, catalog, engine, environ, secrecy, client, database, budget
            )
            async with _running(parts):
                yield Handrail(archive=parts.archive, installation=parts.installation)


def _parts(
    settings: Settings,
    catalog: Catalog,
    engine: Engine,
    environ: Mapping[str, str],
    secrecy: Secrecy,
    client: AsyncWebClient,
    database: Database,
    budget: Budget,
) -> _Parts:
    directory = SlackDirectory(client)
    return _Parts(
        settings=settings,
        catalog=catalog,
        engine=engine,
        environ=environ,
        client=client,
        directory=directory,
        access=Access(catalog, directory),
        record=SqlRecord(database),
        archive=SqlArchive(database),
        outbox=SqlOutbox(database),
        installation=installation_id(settings.data_dir),
        secrecy=secrecy,
        budget=budget,
        keys=SigningKeys(settings.data_dir / "oidc", utc_now),
    )


@asynccontextmanager
async def _running(parts: _Parts) -> AsyncIterator[None]:
    perform = _performing(parts)
    schedule = Schedule(
        record=parts.record,
        perform=perform,
        slots=parts.catalog.slots,
        clock=utc_now,
    )
    app = slack_app(
        parts.client,
        signing_secret=_revealed(parts.settings.signing_secret),
        command=parts.settings.command,
        submit=_submitting(parts, schedule),
        reply=_replying(parts, perform, schedule),
    )
    recover = _recovering(parts, perform, schedule)
    if parts.catalog.oidc is not None:
        await asyncio.to_thread(parts.keys.signing)  # made at the first start
    left_behind = await parts.archive.active_runs()
    async with (
        _background(schedule.serve(), _delivering(parts).serve(), recover(left_behind)),
        _listening(app, parts.settings, _routes(parts)),
    ):
        yield


def _performing(parts: _Parts) -> Perform:
    return Perform(
        catalog=parts.catalog,
        access=parts.access,
        record=parts.record,
        archive=parts.archive,
        jobs=Jobs(
            values=parts.secrecy.values,
            installation=parts.installation,
            credentials=Together(
                AwsRoles(parts.environ),
                OidcTokens(issuer=parts.catalog.oidc, keys=parts.keys, clock=utc_now),
            ),
        ),
        secrecy=parts.secrecy,
        equipment=Equipment(
            engine=parts.engine,
            sources=Sources(parts.settings.data_dir / "sources"),
            seal=Seal(seal_key(parts.settings.data_dir)),
        ),
        clock=utc_now,
    )


def _submitting(parts: _Parts, schedule: Schedule) -> Submit:
    return Submit(
        catalog=parts.catalog,
        access=parts.access,
        directory=parts.directory,
        record=parts.record,
        archive=parts.archive,
        clock=utc_now,
        secrecy=parts.secrecy,
        promote=schedule.promote,
    )


def _replying(parts: _Parts, perform: Perform, schedule: Schedule) -> Reply:
    return Reply(
        catalog=parts.catalog,
        access=parts.access,
        record=parts.record,
        archive=parts.archive,
        clock=utc_now,
        secrecy=parts.secrecy,
        redact=Redact(
            record=parts.record,
            messages=SlackMessages(parts.client),
            hide=perform.hide,
            clock=utc_now,
        ),
        schedule=schedule,
    )


def _delivering(parts: _Parts) -> Delivery:
    return Delivery(
        outbox=parts.outbox,
        archive=parts.archive,
        post=Post(client=parts.client, archive=parts.archive, clock=utc_now),
        pace=Pace(parts.budget),
        clock=utc_now,
    )


def _recovering(parts: _Parts, perform: Perform, schedule: Schedule) -> Recover:
    return Recover(
        record=parts.record,
        archive=parts.archive,
        engine=parts.engine,
        perform=perform,
        schedule=schedule,
        installation=parts.installation,
        clock=utc_now,
    )


def _routes(parts: _Parts) -> tuple[web.RouteDef, ...]:
    """Return what is served to those who check the tokens of runs."""
    if parts.catalog.oidc is None:
        return ()
    return document_routes(
        documents(parts.catalog.oidc, parts.keys),
        max_age=int(COPY_LIFETIME.total_seconds()),
    )


@asynccontextmanager
async def _listening(
    app: AsyncApp, settings: Settings, routes: tuple[web.RouteDef, ...]
) -> AsyncIterator[None]:
    host, port = settings.http.host, settings.http.port
    if settings.app_token is None:
        async with signed_http(app, host, port, routes):
            yield
        return
    token = settings.app_token.get_secret_value()
    served = serving(application(routes), host, port) if routes else nullcontext()
    async with served, socket_mode(app, token):
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
    }
    return tuple(
        Secret(name, token.get_secret_value().encode())
        for name, token in tokens.items()
        if token is not None
    )


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


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
