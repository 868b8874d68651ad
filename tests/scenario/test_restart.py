"""The bot goes away and comes back; the engine does not notice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.run import RunId
from runner.scripted import ScriptedEngine
from tests.support.bot import INIT, Bot, a_bot


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        yield bot


async def test_a_performing_run_goes_on_in_its_thread(bot: Bot) -> None:
    bot.engine.on("apply", b"before\n", block=True, then=b"after\n")
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod apply")
        await bot.shows(ts, "performing")
        await bot.engine.reached("apply")

    async with bot.start() as bot.handrail:
        await bot.tells(ts, "the run goes on")
        bot.engine.release("apply")

        final = await bot.tells(ts, "finished")
        assert "before\nafter" in final
        assert await bot.output(1) == "before\nafter"
        assert len(bot.roots()) == 1


async def test_a_hold_and_a_queue_outlive_the_bot(bot: Bot) -> None:
    bot.engine.on("apply", block=True)
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod apply", by="ann")
        await bot.shows(ts, "performing")
        second = await bot.task("net-prod ls", by="ann")
        await bot.tells(second, "Queued")
        await bot.reply("lock: moving", to=ts, by="ann")
        await bot.tells(ts, "holds *net-prod*")

    async with bot.start() as bot.handrail:
        bot.engine.release("apply")
        await bot.tells(ts, "*finished")
        await bot.tells(second, "*finished")
        await bot.slash("net-prod ls", by="bob")
        await bot.whispers("bob", "ann has held net-prod")


async def test_a_run_whose_container_vanished_is_lost_and_frees_the_stack(
    bot: Bot,
) -> None:
    bot.engine.on("apply", b"before\n", block=True)
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod apply")
        await bot.shows(ts, "performing")
        installation = bot.handrail.installation
    bot.engine.lose("1", installation)

    async with bot.start() as bot.handrail:
        final = await bot.tells(ts, "*failed")
        assert "its container was lost" in final
        assert "state may be partial" in final
        again = await bot.task("net-prod ls")
        await bot.tells(again, "*finished")


async def test_a_stack_stays_busy_until_its_container_is_proven_gone(bot: Bot) -> None:
    bot.engine.removable = False
    async with bot.start() as bot.handrail:
        first = await bot.task("net-prod ls", by="ann")
        final = await bot.tells(first, "*finished")
        assert "could not be proven gone" in final
        second = await bot.task("net-prod next", by="ann")
        await bot.tells(second, "Queued")

        await bot.reply("release: I removed it", to=first, by="ann")
        await bot.whispers("ann", "You are no admin")
        await bot.reply("release", to=first, by="ada")
        await bot.whispers("ada", "Say why")
        bot.engine.removable = True
        await bot.reply("release: I removed it", to=first, by="ada")

        await bot.tells(second, "*finished")


async def test_a_restart_while_initializing_still_allows_a_stop(bot: Bot) -> None:
    bot.engine.on(INIT, b"initializing\n", block=True)
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod apply")
        await bot.shows(ts, "initializing")

    async with bot.start() as bot.handrail:
        await bot.tells(ts, "the run goes on")
        await bot.reply("stop", to=ts)

        await bot.tells(ts, "*stopped")
        assert "performing" not in [
            step.to_state for step in await bot.handrail.archive.transitions(RunId(1))
        ]


async def test_a_container_of_a_run_that_is_over_is_cleared_at_the_start(
    bot: Bot,
) -> None:
    bot.engine.removable = False
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "could not be proven gone")
    bot.engine.removable = True

    async with bot.start() as bot.handrail:
        await bot.tells(ts, "its container is gone")
        again = await bot.task("net-prod ls")
        await bot.tells(again, "*finished")


async def test_a_stack_is_freed_once_its_container_is_gone_whoever_removed_it(
    bot: Bot,
) -> None:
    bot.engine.removable = False
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "could not be proven gone")
        installation = bot.handrail.installation
    bot.engine.lose("1", installation)
    bot.engine.removable = True

    async with bot.start() as bot.handrail:
        await bot.tells(ts, "its container is gone")
        again = await bot.task("net-prod ls")
        await bot.tells(again, "*finished")
