"""The composition root: the one place where concrete classes meet."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Mapping,
    MutableMapping,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes, token_hex
from types import TracebackType
from typing import Any, Final

import structlog
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from structlog.typing import Processor

from bot.alone import alone
from bot.catalog.secrets import HostValues
from bot.control.access import Access
from bot.control.job import Jobs
from bot.control.perform import Perform
from bot.control.recover import Recover
from bot.control.redact import Redact
from bot.control.reply import Reply
from bot.control.schedule import Schedule
from bot.control.secrecy import Secrecy
from bot.control.submit import Submit
from bot.domain.stack import Catalog
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the use cases are made of."""

    settings: Settings
    catalog: Catalog
    engine: Engine
    client: AsyncWebClient
    directory: SlackDirectory
    access: Access
    record: SqlRecord
    archive: SqlArchive
    outbox: SqlOutbox
    installation: str
    secrecy: Secrecy
    budget: Budget


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
            parts = _parts(settings, catalog, engine, secrecy, client, database, budget)
            async with _running(parts):
                yield Handrail(archive=parts.archive, installation=parts.installation)


def _parts(
    settings: Settings,
    catalog: Catalog,
    engine: Engine,
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
        client=client,
        directory=directory,
        access=Access(catalog, directory),
        record=SqlRecord(database),
        archive=SqlArchive(database),
        outbox=SqlOutbox(database),
        installation=installation_id(settings.data_dir),
        secrecy=secrecy,
        budget=budget,
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
    left_behind = await parts.archive.active_runs()
    async with (
        _background(schedule.serve(), _delivering(parts).serve(), recover(left_behind)),
        _listening(app, parts.settings),
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
            own_secrets=parts.secrecy.own,
        ),
        engine=parts.engine,
        sources=Sources(parts.settings.data_dir / "sources"),
        clock=utc_now,
        seal=Seal(seal_key(parts.settings.data_dir)),
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


def _listening(app: AsyncApp, settings: Settings) -> AbstractAsyncContextManager[None]:
    if settings.app_token is not None:
        return socket_mode(app, settings.app_token.get_secret_value())
    return signed_http(app, settings.http.host, settings.http.port)


@asynccontextmanager
async def _background(*loops: Coroutine[None, None, None]) -> AsyncIterator[None]:
    # A loop that fails ends the bot, loudly, rather than leaving it half alive.
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


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


def installation_id(data_dir: Path) -> str:
    """Return what tells this installation's containers from others'; made once."""
    path = data_dir / "installation"
    if not path.exists():
        path.write_text(token_hex(4))
    return path.read_text().strip()


def seal_key(data_dir: Path) -> bytes:
    """Return what seals the secrets that containers carry; made once."""
    path = data_dir / "seal.key"
    if not path.exists():
        fresh = data_dir / f"seal.key.{token_hex(4)}"
        with open(fresh, "xb", opener=_for_owner_only) as file:
            file.write(token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return path.read_bytes()


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def secrecy_of(settings: Settings, environ: Mapping[str, str]) -> Secrecy:
    """Return what hides secrets from every text of the bot."""
    return Secrecy(own_tokens(settings), HostValues(environ))


def set_up_logs(hidden: Callable[[str], str], *, least: int = logging.INFO) -> None:
    """Log JSON lines of *least* level to stderr, each as *hidden* returns it.

    Those of the libraries too, from warnings on, and what ends the process.
    """

    def masked(_: object, __: str, event: MutableMapping[str, Any]) -> str:
        return hidden(json.dumps(event, default=str))

    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        masked,
    ]
    structlog.configure(
        processors=processors,
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(least),
    )
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[remove_meta, *processors])
    )
    logging.basicConfig(
        level=max(least, logging.WARNING), handlers=[handler], force=True
    )
    sys.excepthook = _logged


def _logged(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical("handrail failed", exc_info=(kind, error, trace))


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
