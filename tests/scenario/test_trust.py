"""What a sceptical reader of the record would try."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.alone import AlreadyRunning
from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, RunId, RunState
from bot.domain.stack import FromEnv
from bot.ports import Ended
from bot.sandbox.faults import BadGateway
from bot.settings import Settings
from bot.slack.connection import SlackUnavailable
from bot.store.database import Database
from bot.store.record import SqlRecord
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_running_bot, a_stack
from tests.support.builders import later


@pytest.fixture
async def idle(tmp_path: Path) -> AsyncIterator[Bot]:
    stack = a_stack(secrets={"PW": FromEnv(variable="PW")})
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        yield bot


async def test_a_secret_that_changed_while_the_bot_was_away_stays_masked(
    idle: Bot,
) -> None:
    idle.environ["PW"] = "old-password-1234"
    idle.engine.on(
        "apply", b"one old-password-1234\n", block=True, then=b"two old-password-1234\n"
    )
    async with idle.start() as idle.handrail:
        ts = await idle.task("net-prod apply")
        await idle.tells(ts, "one *****")

    idle.environ["PW"] = "new"
    async with idle.start() as idle.handrail:
        await idle.tells(ts, "the run goes on")
        idle.engine.release("apply")

        await idle.tells(ts, "*finished")
        assert await idle.output(1) == "one *****\ntwo *****"


async def test_a_secret_that_is_gone_does_not_end_a_run_that_goes_on(idle: Bot) -> None:
    idle.environ["PW"] = "old-password-1234"
    idle.engine.on("apply", block=True)
    async with idle.start() as idle.handrail:
        ts = await idle.task("net-prod apply")
        await idle.shows(ts, "performing")

    del idle.environ["PW"]
    async with idle.start() as idle.handrail:
        await idle.tells(ts, "the run goes on")
        idle.engine.release("apply")

        await idle.tells(ts, "*finished")


async def test_a_hold_keeps_a_run_queued_that_only_waited_for_a_slot(
    tmp_path: Path,
) -> None:
    stacks = [a_stack(f"s{number}") for number in range(5)]
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        bot.engine.on("sleep", block=True)
        for number in range(4):  # as many as there are slots
            await bot.task(f"s{number} sleep")
        fifth = await bot.task("s4 apply", by="ann")
        await bot.shows(fifth, "ready")
        await bot.reply("lock", to=fifth, by="bob")
        await bot.tells(fifth, "holds *s4*")

        bot.engine.release("sleep")

        await bot.tells(fifth, "Queued, number 1")
        await bot.shows(fifth, "queued")
        assert "apply" not in [job.script.command for job in bot.engine.jobs]
        await bot.reply("unlock", to=fifth, by="bob")
        await bot.tells(fifth, "*finished")


async def test_a_second_bot_on_the_same_data_is_refused(idle: Bot) -> None:
    async with idle.start():
        with pytest.raises(AlreadyRunning, match="End it first"):
            await idle.start().__aenter__()


async def test_a_wrong_app_token_is_told_and_not_tried_for_ever(idle: Bot) -> None:
    wrong = {**idle.environ, "SLACK_APP_TOKEN": "xapp-1-WRONG"}
    idle.settings = Settings.read(wrong)

    with pytest.raises(SlackUnavailable, match="SLACK_APP_TOKEN"):
        async with asyncio.timeout(10):
            await idle.start().__aenter__()


async def test_a_bug_in_the_engine_ends_the_run_and_keeps_the_stack(
    tmp_path: Path,
) -> None:
    class Broken(ScriptedEngine):
        async def resolve(self, image: str) -> str:
            raise RuntimeError(image)

    async with a_running_bot(tmp_path, Broken()) as bot:
        ts = await bot.task("net-prod ls")

        final = await bot.tells(ts, "*failed")
        run = await bot.run(1)
        assert run.reason == "engine"
        assert final


async def test_an_own_token_in_a_lock_reason_is_masked(tmp_path: Path) -> None:
    async with a_running_bot(tmp_path, ScriptedEngine()) as bot:
        ts = await bot.task("net-prod ls")
        token = bot.environ["SLACK_BOT_TOKEN"]

        await bot.reply(f"lock: because {token}", to=ts)

        assert "because *****" in await bot.tells(ts, "holds *net-prod*")
        rows = await bot.audit()
        assert not any(token in row.deed.detail for row in rows)


async def test_a_stop_that_came_while_the_engine_was_away_counts(idle: Bot) -> None:
    idle.environ["PW"] = "old-password-1234"
    idle.engine.on("terraform init", block=True)
    async with idle.start() as idle.handrail:
        ts = await idle.task("net-prod apply")
        await idle.shows(ts, "initializing")

    idle.engine.available = False
    async with idle.start() as idle.handrail:
        await idle.reply("stop", to=ts)
        await idle.tells(ts, "asked to stop")
        idle.engine.available = True

        await idle.tells(ts, "*stopped")


async def test_recovery_never_ends_what_still_performs(idle: Bot) -> None:
    idle.environ["PW"] = "old-password-1234"
    idle.engine.on("apply", block=True)
    async with idle.start() as idle.handrail:
        ts = await idle.task("net-prod apply")
        await idle.shows(ts, "performing")
        await idle.engine.reached("apply")
    await _call_lost(idle)

    async with idle.start() as idle.handrail:
        again = await idle.task("net-prod ls")
        await idle.tells(again, "Queued")

        installation = idle.handrail.installation
        assert await idle.engine.left_behind(installation) == ("1",)
        assert (await idle.run(1)).keeps_claim


async def _call_lost(bot: Bot) -> None:
    """Record that run 1 failed without its container being proven gone."""
    ended = Ended(
        state=RunState.FAILED, actor=HANDRAIL, reason=Reason.ENGINE, release=False
    )
    async with Database.open(bot.settings.database_url) as database:
        await SqlRecord(database).end(RunId(1), ended, later(0))


async def test_a_bot_that_starts_while_slack_is_away_takes_its_runs_up(
    idle: Bot,
) -> None:
    idle.environ["PW"] = "old-password-1234"
    idle.engine.on("apply", b"before\n", block=True, then=b"after\n")
    async with idle.start() as idle.handrail:
        ts = await idle.task("net-prod apply")
        await idle.engine.reached("apply")
        await idle.shows(ts, "performing")
    for method in ("auth.test", "apps.connections.open"):
        for _ in range(2):
            idle.sandbox.faults.add(method, BadGateway())

    async with idle.start() as idle.handrail:
        idle.engine.release("apply")
        await idle.tells(ts, "*finished")
        await idle.sandbox.wait_for(lambda: idle.sandbox.connected() == 2)
        await idle.shows(await idle.task("net-prod ls"), "finished")
