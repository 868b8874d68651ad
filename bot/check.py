"""Find everything that would keep the bot from working, before it has to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

from bot.catalog.cautions import cautions as catalog_cautions
from bot.catalog.load import check, load
from bot.catalog.problem import ConfigProblems, Problem
from bot.domain.errors import HandrailError, PolicyUnavailable, RoleSourceUnavailable
from bot.domain.policy import PolicyFault
from bot.domain.rule import ApprovalRule
from bot.domain.stack import Catalog, Stack
from bot.policies.missing import NOT_SET
from bot.policies.opa import opened
from bot.settings import Settings, SettingsProblems, data_dir, opa_at
from bot.slack.connection import SCOPES, introduce, knock, slack_client
from bot.slack.directory import SlackDirectory
from runner.docker.provision import find_engine
from runner.errors import EngineUnavailable

Caution: TypeAlias = Callable[[str], None]

NO_ENGINE: Final = (
    "No container engine answers. Start Docker, set DOCKER_HOST, or let "
    "`handrail engine up` install and start one."
)


_NO_AWS: Final = (
    "has `aws`, for which a package is missing. Install Handrail with the extra `aws`: "
    "pip install 'handrail[aws]'."
)


async def problems(environ: Mapping[str, str], *, caution: Caution) -> list[str]:
    """Return every problem of settings, configuration, Slack and engine.

    *caution* is told what Slack makes worth a look, as `cautions` does for the file.
    """
    settings, wrong_settings = _settings(environ)
    path = _config_file(environ)
    wrong_config = check(path, environ)
    found = [*wrong_settings, *map(str, wrong_config)]
    catalog = _catalog(path)
    if catalog is not None:
        found += without_package(catalog)
        found += await _with_policies(environ, catalog)
    if settings is not None and catalog is not None:
        found += [problem async for problem in _with_slack(settings, catalog, caution)]
    return [*found, *await asyncio.to_thread(_with_engine, environ, settings)]


def cautions(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence on all that is no problem, and yet worth a look."""
    return catalog_cautions(_config_file(environ))


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


async def _with_slack(
    settings: Settings, catalog: Catalog, caution: Caution
) -> AsyncIterator[str]:
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
    directory = SlackDirectory(client)
    for stack in catalog.stacks.values():
        known, wrong = await _people(directory, stack)
        for problem in (*wrong, *await _absent(directory, stack)):
            yield problem
        for sentence in _too_few(stack, known):
            caution(sentence)


async def _people(
    directory: SlackDirectory, stack: Stack
) -> tuple[Mapping[str, frozenset[str]], list[str]]:
    """Return who is whom on *stack*, and a sentence on each that Slack has not."""
    known: dict[str, frozenset[str]] = {}
    wrong: list[str] = []
    for members in dict.fromkeys(_named(stack)):
        try:
            known[members] = await directory.people(members, fresh=False)
        except RoleSourceUnavailable as error:
            wrong.append(f"stack {stack.name}: {members}: {error}")
    return known, wrong


def _named(stack: Stack) -> Iterator[str]:
    yield from (*stack.writers, *stack.admins, *(stack.readers or ()))
    for preset in stack.presets.values():
        yield from preset.runners
    for _, rule in _approvals(stack):
        yield from rule.from_


def _approvals(stack: Stack) -> Iterator[tuple[str, ApprovalRule]]:
    """Yield each rule of *stack*, and how a sentence begins that is about it."""
    presets = (
        (f"stack {stack.name}: preset {it.name}", it.approvals)
        for it in stack.presets.values()
    )
    for what, rule in ((f"stack {stack.name}", stack.approvals), *presets):
        if rule is not None:
            yield what, rule


def _too_few(stack: Stack, known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for what, rule in _approvals(stack):
        if not rule.from_ or not known.keys() >= set(rule.from_):
            continue  # the writers, or those of whom Slack does not tell
        people = frozenset[str]().union(*(known[it] for it in rule.from_))
        if len(people) < rule.count:
            yield (
                f"{what}: {rule.count} have to agree, and {', '.join(rule.from_)} "
                f"{_counted(len(people))}; write a lower count, or name more in from"
            )


def _counted(people: int) -> str:
    return "is 1 person" if people == 1 else f"are {people} people"


async def _absent(directory: SlackDirectory, stack: Stack) -> list[str]:
    if not stack.channel or await directory.is_present(stack.channel):
        return []
    return [
        (
            f"stack {stack.name}: Handrail is not in channel {stack.channel}. "
            "Invite it there with /invite."
        )
    ]


async def _with_policies(environ: Mapping[str, str], catalog: Catalog) -> list[str]:
    try:
        opa = opa_at(environ)
    except SettingsProblems:
        return []
    if opa is None:
        return [
            f"stack {stack.name} has policies in Rego, which nothing evaluates. "
            f"{NOT_SET}"
            for stack in catalog.stacks.values()
            if stack.policies
        ]
    attached = (it for stack in catalog.stacks.values() for it in stack.policies)
    paths = {it.name: it for it in attached}
    try:
        async with opened(opa, data_dir(environ)) as policies:
            faults = await policies.check(tuple(paths.values()))
    except PolicyUnavailable as error:
        return [str(error)]
    return [_of_policy(paths[fault.policy].path, fault) for fault in faults]


def _of_policy(path: Path, fault: PolicyFault) -> str:
    return str(
        Problem(file=str(path), line=fault.row, column=fault.column, text=fault.message)
    )


def _with_engine(environ: Mapping[str, str], settings: Settings | None) -> list[str]:
    try:
        address = find_engine(environ, settings.data_dir if settings else None)
    except EngineUnavailable as error:
        return [str(error)]
    return [NO_ENGINE] if address is None else []
