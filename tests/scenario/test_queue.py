"""One run at a time per stack, first in, first out."""

import asyncio
from itertools import pairwise
from pathlib import Path

from bot.store.database import Database
from bot.store.record import SqlRecord
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_running_bot, a_stack
from tests.support.builders import a_new_run, later


async def test_a_second_task_waits_for_the_first_and_says_so(bot: Bot) -> None:
    bot.engine.on("sleep", block=True)
    first = await bot.task("net-prod sleep", by="ann")
    await bot.shows(first, "performing")

    second = await bot.task("net-prod ls", by="bob")

    waiting = await bot.tells(second, "Queued, number 1")
    assert "run 1" in waiting
    assert len(bot.engine.jobs) == 1
    bot.engine.release("sleep")
    await bot.tells(second, "finished")


async def test_other_stacks_do_not_wait(tmp_path: Path) -> None:
    stacks = (a_stack("one"), a_stack("two"))
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        bot.engine.on("sleep", block=True)
        first = await bot.task("one sleep")
        await bot.shows(first, "performing")

        second = await bot.task("two ls")

        await bot.tells(second, "finished")
        bot.engine.release("sleep")
        await bot.tells(first, "finished")


async def test_ten_tasks_at_once_run_one_by_one_in_their_order(bot: Bot) -> None:
    lines = [f"net-prod task-{number}" for number in range(10)]

    await asyncio.gather(*(bot.slash(line) for line in lines))
    await bot.sandbox.wait_for(lambda: len(bot.roots()) == 10)
    for root in bot.roots():
        await bot.tells(root["ts"], "finished")

    runs = sorted(await bot.handrail.archive.last_runs(None, 20), key=lambda r: r.id)
    assert [job.script.command for job in bot.engine.jobs] == [
        run.command for run in runs
    ]
    spans = [(run.started_at, run.ended_at) for run in runs]
    assert all(
        before[1] <= after[0]
        for before, after in pairwise(spans)
        if before[1] and after[0]
    )


async def test_a_command_delivered_twice_runs_once(bot: Bot) -> None:
    ts = await bot.task("net-prod terraform apply")
    await bot.tells(ts, "finished")

    await bot.sandbox.redeliver_last()
    again = await bot.task("net-prod ls")

    await bot.tells(again, "finished")
    assert [job.script.command for job in bot.engine.jobs] == ["terraform apply", "ls"]


async def test_a_waiting_run_s_place_moves_up(bot: Bot) -> None:
    bot.engine.on("sleep", block=True)
    first = await bot.task("net-prod sleep", by="ann")
    await bot.shows(first, "performing")
    second = await bot.task("net-prod second", by="ann")
    third = await bot.task("net-prod third", by="bob")
    behind = await bot.tells(third, "Queued, number 2")
    before = len(bot.told(third))

    await bot.reply("stop", to=second, by="bob")
    ahead = await bot.tells(third, "Queued, number 1")

    for told in (behind, ahead):
        assert "|run 1> has the stack since" in told
    assert len(bot.told(third)) == before
    bot.engine.release("sleep")
    await bot.tells(third, "Its turn came after")
    await bot.tells(third, "finished")


async def test_who_waits_behind_a_hold_sees_whose_and_why(bot: Bot) -> None:
    bot.engine.on("sleep", block=True)
    first = await bot.task("net-prod sleep", by="ann")
    await bot.shows(first, "performing")
    waiting = await bot.task("net-prod ls", by="bob")
    await bot.tells(waiting, "Queued, number 1")

    await bot.reply("lock: moving the state", to=first, by="ann")
    told = await bot.tells(waiting, "holds the stack")
    bot.engine.release("sleep")
    await bot.tells(first, "finished")
    own = await bot.task("net-prod own", by="ann")
    await bot.tells(own, "finished")
    still_waits = (await bot.run(2)).state
    await bot.reply("unlock", to=first, by="ann")

    await bot.tells(waiting, "finished")
    assert "moving the state" in told
    assert still_waits == "queued"
    assert [job.script.command for job in bot.engine.jobs] == ["sleep", "own", "ls"]


async def test_a_freeze_keeps_what_is_queued_and_its_end_lets_it_go(bot: Bot) -> None:
    bot.engine.on("sleep", block=True)
    first = await bot.task("net-prod sleep", by="ann")
    await bot.shows(first, "performing")
    waiting = await bot.task("net-prod ls", by="bob")

    await bot.reply("freeze: an incident", to=first, by="ada")
    await bot.tells(waiting, "has frozen every stack")
    bot.engine.release("sleep")
    await bot.tells(first, "finished")
    kept = (await bot.run(2)).state
    await bot.reply("unfreeze", to=first, by="ada")

    await bot.tells(waiting, "finished")
    assert kept == "queued"


async def test_the_hundredth_and_first_that_would_wait_is_refused(bot: Bot) -> None:
    bot.engine.on("apply", block=True)
    ts = await bot.task("net-prod apply")
    await bot.shows(ts, "performing")
    async with Database.open(bot.settings.database_url) as database:
        record = SqlRecord(database)
        for _ in range(100):
            await record.submit(a_new_run(), later(0))

    await bot.slash("net-prod terraform plan", by="bob")

    sentence = await bot.whispers("bob", "100 runs of net-prod are queued")
    assert "Try again when some of them have ended" in sentence
