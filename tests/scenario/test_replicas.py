"""Two replicas of the bot on one PostgreSQL and one engine."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.app import Handrail
from bot.domain.run import RunId, RunState
from bot.settings import Settings
from runner.scripted import ScriptedEngine
from tests.support import postgres
from tests.support.bot import Bot, a_bot, a_stack
from tests.support.postgres import Postgres

KEY = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres.serving() as running:
        yield running


@dataclass(kw_only=True)
class Pair:
    """Two replicas, each of which a test may end."""

    bot: Bot
    one: Handrail
    two: Handrail
    first: AsyncExitStack
    second: AsyncExitStack


@pytest.fixture
async def pair(tmp_path: Path, server: Postgres) -> AsyncIterator[Pair]:
    async with server.database() as url, _a_pair(tmp_path, url) as pair:
        yield pair


@asynccontextmanager
async def _a_pair(tmp_path: Path, url: str) -> AsyncIterator[Pair]:
    stacks = [a_stack(name) for name in ("net-prod", "db-prod")]
    async with a_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        shared = {"HANDRAIL_DATABASE_URL": url, "HANDRAIL_SEAL_KEY": KEY}
        bot.settings = Settings.read(bot.environ | shared)
        async with AsyncExitStack() as first, AsyncExitStack() as second:
            one = bot.handrail = await first.enter_async_context(bot.start())
            two = await second.enter_async_context(bot.start())
            yield Pair(bot=bot, one=one, two=two, first=first, second=second)


async def test_every_command_is_performed_once_and_told_once(pair: Pair) -> None:
    bot = pair.bot
    threads = [
        await bot.task(f"{stack} ls {number}")
        for number in range(3)
        for stack in ("net-prod", "db-prod")
    ]

    for ts in threads:
        await bot.tells(ts, "*finished")
        await bot.shows(ts, "finished")

    assert len(bot.roots()) == len(threads)
    assert sorted(job.run for job in bot.engine.jobs) == list("123456")
    for ts in threads:
        assert sum("*finished" in text for text in bot.told(ts)) == 1
    assert pair.one.installation == pair.two.installation


@pytest.mark.parametrize("number", [1, 2])
async def test_the_run_of_a_replica_that_ends_goes_on_at_the_other(
    pair: Pair, number: int
) -> None:
    bot = pair.bot
    bot.engine.on("apply", b"before\n", block=True, then=b"after\n")
    ts = await bot.task("net-prod apply")
    await bot.shows(ts, "performing")
    await bot.engine.reached("apply")

    await (pair.first if number == 1 else pair.second).aclose()
    bot.engine.release("apply")

    await bot.tells(ts, "*finished")
    assert await bot.output(1) == "before\nafter"
    assert len(bot.roots()) == 1


async def test_a_stop_reaches_the_replica_that_drives_the_run(pair: Pair) -> None:
    # Who hears the words is for Slack to say: with enough of them it is not always
    # the one that drives the run.
    bot = pair.bot
    bot.engine.on("terraform init", b"initializing\n", block=True)
    for number in range(1, 5):
        ts = await bot.task("net-prod apply")
        await bot.shows(ts, "initializing")
        await bot.reply("stop", to=ts)
        await bot.tells(ts, "*stopped")

        run = await pair.one.archive.run(RunId(number))
        assert run.state is RunState.STOPPED


async def test_a_redaction_reaches_the_replica_that_drives_the_run(
    pair: Pair,
) -> None:
    bot = pair.bot
    bot.engine.on("apply", b"it is hunter22\n", block=True, then=b"hunter22 again\n")
    for number in range(1, 4):
        ts = await bot.task("net-prod apply")
        await bot.tells(ts, "it is hunter22")
        await bot.reply("redact: hunter22", to=ts)
        await bot.tells(ts, "Redacted:")
        bot.engine.release("apply")
        await bot.tells(ts, "*finished")

        assert await bot.output(number) == "it is *****\n***** again"
        bot.engine.on(
            "apply", b"it is hunter22\n", block=True, then=b"hunter22 again\n"
        )
