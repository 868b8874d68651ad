"""Find everything that would keep the bot from working, before it has to."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bot.catalog import loosening
from bot.catalog.load import check, load
from bot.catalog.problem import ConfigProblems
from bot.domain.errors import HandrailError, RoleSourceUnavailable
from bot.domain.people import UserId
from bot.domain.stack import Catalog
from bot.settings import Settings, SettingsProblems
from bot.slack.connection import SCOPES, introduce, knock, slack_client
from bot.slack.directory import SlackDirectory
from runner.docker.provision import find_engine
from runner.errors import EngineUnavailable

NO_ENGINE: Final = (
    "No container engine answers. Start Docker, set DOCKER_HOST, or let "
    "`handrail engine up` install and start one."
)


_NO_AWS: Final = (
    "has `aws`, for which a package is missing. Install Handrail with the extra `aws`: "
    "pip install 'handrail[aws]'."
)


async def problems(environ: Mapping[str, str]) -> list[str]:
    """Return every problem of settings, configuration, Slack and engine."""
    settings, wrong_settings = _settings(environ)
    path = _config_file(environ)
    wrong_config = check(path, environ)
    found = [*wrong_settings, *map(str, wrong_config)]
    catalog = _catalog(path)
    if catalog is not None:
        found += without_package(catalog)
    if settings is not None and catalog is not None:
        found += [problem async for problem in _with_slack(settings, catalog)]
    return [*found, *await asyncio.to_thread(_with_engine, environ, settings)]


def loosened(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence on each stack that loosens a limit, which is no problem."""
    catalog = _catalog(_config_file(environ))
    return [] if catalog is None else loosening.loosened(catalog)


def without_package(catalog: Catalog, package: str = "aiobotocore") -> list[str]:
    """Return a sentence on each stack that needs *package*, unless it is installed."""
    stacks = [] if find_spec(package) else catalog.stacks.values()
    return [f"stack {stack.name} {_NO_AWS}" for stack in stacks if stack.aws]


def _config_file(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HANDRAIL_CONFIG") or "handrail.yaml")


def _settings(environ: Mapping[str, str]) -> tuple[Settings | None, Iterable[str]]:
    try:
        return Settings.read(environ), ()
    except SettingsProblems as problems:
        return None, problems.problems


def _catalog(path: Path) -> Catalog | None:
    try:
        return load(path)
    except ConfigProblems:
        return None


async def _with_slack(settings: Settings, catalog: Catalog) -> AsyncIterator[str]:
    client = slack_client(settings.bot_token.get_secret_value(), settings.api_url)
    try:
        granted = await introduce(client, catalog.workspace)
        if settings.app_token is not None:
            await knock(client, settings.app_token.get_secret_value())
    except HandrailError as error:
        yield str(error)
        return
    lacking = SCOPES - granted
    if lacking:
        yield (
            f"The Slack app lacks the scopes {', '.join(sorted(lacking))}. Add them "
            "as manifest.yml has them, and reinstall the app."
        )
    async for problem in _with_directory(SlackDirectory(client), catalog):
        yield problem


async def _with_directory(
    directory: SlackDirectory, catalog: Catalog
) -> AsyncIterator[str]:
    for stack in catalog.stacks.values():
        for members in (*stack.writers, *stack.admins, *(stack.readers or ())):
            try:
                await directory.belongs(UserId(""), members, fresh=False)
            except RoleSourceUnavailable as error:
                yield f"stack {stack.name}: {members}: {error}"
        if stack.channel and not await directory.is_present(stack.channel):
            yield (
                f"stack {stack.name}: Handrail is not in channel {stack.channel}. "
                "Invite it there with /invite."
            )


def _with_engine(environ: Mapping[str, str], settings: Settings | None) -> list[str]:
    try:
        address = find_engine(environ, settings.data_dir if settings else None)
    except EngineUnavailable as error:
        return [str(error)]
    return [NO_ENGINE] if address is None else []
