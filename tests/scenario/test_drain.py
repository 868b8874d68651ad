"""Before the bot or its engine is worked on: nothing starts, nothing is cut off."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import utc_now
from bot.domain.audit import Verb
from bot.domain.run import RunState
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.drains import SqlDrains
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        yield bot


async def drain(bot: Bot) -> None:
    async with Database.open(bot.settings.database_url) as database:
        await SqlDrains(database).drain("root on host", utc_now())


async def test_a_drained_bot_goes_on_with_what_performs_and_starts_nothing(
    bot: Bot,
) -> None:
    bot.engine.on("apply", block=True)
    async with bot.start() as bot.handrail:
        performing = await bot.task("net-prod apply")
        await bot.shows(performing, "performing")
        await drain(bot)

        waiting = await bot.task("net-prod ls")
        await bot.tells(waiting, "Handrail is drained (by root on host)")
        bot.engine.release("apply")
        await bot.tells(performing, "*finished")

        archive = bot.handrail.archive
        assert await archive.active_runs() == ()
        assert bot.engine.jobs[-1].run == "1"

    async with bot.start() as bot.handrail:
        await bot.tells(waiting, "*finished")

    verbs = [row.deed.verb for row in await bot.audit()]
    assert verbs.count(Verb.DRAINED) == verbs.count(Verb.DRAIN_ENDED) == 1


async def test_a_bot_that_starts_in_the_middle_of_a_drain_does_not_end_it(
    bot: Bot,
) -> None:
    bot.engine.on("apply", block=True)
    async with bot.start() as bot.handrail:
        performing = await bot.task("net-prod apply")
        await bot.shows(performing, "performing")
        await drain(bot)
        waiting = await bot.task("net-prod ls")

    async with bot.start() as bot.handrail:
        bot.engine.release("apply")
        await bot.tells(performing, "*finished")
        async with Database.open(bot.settings.database_url) as database:
            assert await SqlDrains(database).drained() is not None
            archive = SqlArchive(database)
            (run,) = await archive.last_runs(None, 1)
            assert run.state in {RunState.QUEUED, RunState.READY}
            await SqlDrains(database).end_drain("root on host", utc_now())

        await bot.tells(waiting, "*finished")
