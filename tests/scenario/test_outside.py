"""Runs that a CI performs: they take their turn, and their loss frees nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.client.api import Denied
from bot.domain.audit import Verb
from bot.domain.people import Actor, ActorKind
from bot.domain.run import Reason, RunState
from bot.store.database import Database
from bot.store.keys import SqlKeys
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot
from tests.support.ci import Ci, a_job, serve_api
from tests.support.clock import Ahead


@dataclass(kw_only=True)
class Town:
    """A running bot with an API, a CI job, and a clock."""

    bot: Bot
    url: str
    clock: Ahead
    ci: Ci

    async def thread(self, command: str = "terraform apply") -> str:
        """Have the CI announce a run, and return the `ts` of its message."""
        before = len(self.bot.roots())
        await self.ci.announces(command)
        await self.bot.sandbox.wait_for(lambda: len(self.bot.roots()) > before)
        return str(self.bot.roots()[-1]["ts"])

    async def performing(self) -> str:
        """Have the CI perform a run, and return the `ts` of its message."""
        ts = await self.thread()
        await self.ci.begins()
        await self.bot.shows(ts, "performing")
        return ts

    async def lost(self) -> str:
        """Have the CI begin, and die; return the `ts` of its run's message."""
        ts = await self.performing()
        self.clock.passes(minutes=3)
        await self.bot.tells(ts, "not been heard of")
        return ts


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with a_bot(tmp_path, ScriptedEngine()) as bot, a_town(bot) as town:
        yield town


@asynccontextmanager
async def a_town(bot: Bot) -> AsyncIterator[Town]:
    url = serve_api(bot)
    bot.clock = clock = Ahead()
    bot.sandbox.workspace.mint.now = clock.seconds
    async with bot.start() as bot.handrail, a_job(bot, url) as ci:
        yield Town(bot=bot, url=url, clock=clock, ci=ci)


async def test_a_ci_performs_and_its_end_is_told(town: Town) -> None:
    ts = await town.thread("terraform apply -auto-approve")
    await town.ci.begins()
    performing = await town.bot.shows(ts, "performing")

    await town.ci.ends(3)

    final = await town.bot.tells(ts, "exit code 3")
    run = await town.bot.run(town.ci.run)
    assert "terraform apply -auto-approve" in performing
    assert "failed" in final
    assert (run.state, run.reason) == (RunState.FAILED, Reason.EXIT_CODE)
    assert run.actor.name == "api::ci"
    assert town.bot.engine.jobs == []


async def test_a_task_waits_while_ci_performs(town: Town) -> None:
    await town.performing()

    task = await town.bot.task("net-prod ls", by="bob")

    waiting = await town.bot.tells(task, "Queued, number 1")
    assert f"run {town.ci.run}" in waiting
    assert town.bot.engine.jobs == []
    await town.ci.ends()
    await town.bot.tells(task, "finished")


async def test_ci_waits_for_a_task(town: Town) -> None:
    town.bot.engine.on("sleep", block=True)
    task = await town.bot.task("net-prod sleep", by="ann")
    await town.bot.shows(task, "performing")

    seen = await town.ci.announces()

    assert (seen.state, seen.place) == ("queued", 1)
    with pytest.raises(Denied, match="waits"):
        await town.ci.api.begin(town.ci.run)
    town.bot.engine.release("sleep")
    await town.ci.begins()
    await town.ci.ends()
    assert (await town.bot.run(town.ci.run)).state is RunState.FINISHED


async def test_ci_waits_behind_a_hold(town: Town) -> None:
    card = await town.bot.task("net-prod", by="ann")
    await town.bot.reply("lock: moving the state", to=card, by="ann")
    await town.bot.tells(card, "holds *net-prod*")

    seen = await town.ci.announces()

    assert seen.state == "queued"
    await town.bot.reply("unlock", to=card, by="ann")
    await town.ci.begins()


async def test_ci_that_dies_keeps_the_stack_busy(town: Town) -> None:
    ts = await town.lost()

    task = await town.bot.task("net-prod ls", by="bob")

    await town.bot.tells(task, "Queued, number 1")
    told = [line for line in town.bot.told(ts) if "not been heard of" in line]
    run = await town.bot.run(town.ci.run)
    assert (run.state, run.lost_since is None) == (RunState.PERFORMING, False)
    assert town.bot.engine.jobs == []
    assert len(told) == 1
    assert [row.deed.verb for row in await town.bot.audit()].count(Verb.UNHEARD) == 1


async def test_the_same_ci_settles_its_own_lost_run(town: Town) -> None:
    ts = await town.lost()
    task = await town.bot.task("net-prod ls", by="bob")

    await town.ci.is_alive()
    await town.bot.tells(ts, "heard of again")
    await town.ci.ends()

    await town.bot.tells(ts, "finished")
    await town.bot.tells(task, "finished")


async def test_ci_that_ends_while_it_is_lost_needs_no_heartbeat(town: Town) -> None:
    ts = await town.lost()

    await town.ci.ends(5)

    await town.bot.tells(ts, "exit code 5")


async def test_an_admin_settles_a_lost_ci_run(town: Town) -> None:
    ts = await town.lost()
    task = await town.bot.task("net-prod ls", by="bob")
    await town.bot.tells(task, "Queued, number 1")

    await town.bot.reply("release: its machine burnt down", to=ts, by="ada")

    await town.bot.tells(ts, "its machine burnt down")
    await town.bot.tells(task, "finished")
    run = await town.bot.run(town.ci.run)
    assert (run.state, run.reason) == (RunState.FAILED, Reason.LOST)
    assert run.note == "Its CI was not heard of any more; settled by ada."
    released = next(
        row.deed
        for row in await town.bot.audit()
        if row.deed.verb is Verb.CLAIM_RELEASED
    )
    assert released.detail == "its machine burnt down"
    assert released.actor.id == town.bot.people["ada"]


async def test_what_an_admin_settled_is_over_for_the_ci(town: Town) -> None:
    ts = await town.lost()
    await town.bot.reply("release: its machine burnt down", to=ts, by="ada")
    await town.bot.tells(ts, "its machine burnt down")

    with pytest.raises(Denied, match="is over") as beat:
        await town.ci.is_alive()
    with pytest.raises(Denied, match="is over") as end:
        await town.ci.ends()

    assert (beat.value.status, end.value.status) == (409, 409)
    assert (await town.bot.run(town.ci.run)).reason is Reason.LOST


async def test_only_an_admin_with_a_reason_settles_a_lost_run(town: Town) -> None:
    ts = await town.lost()

    await town.bot.reply("release: I want it", to=ts, by="ann")
    await town.bot.whispers("ann", "no admin")
    await town.bot.reply("release", to=ts, by="ada")
    await town.bot.whispers("ada", "Say why")

    assert (await town.bot.run(town.ci.run)).state is RunState.PERFORMING


async def test_ci_that_is_heard_of_cannot_be_settled(town: Town) -> None:
    ts = await town.performing()

    await town.bot.reply("release: I want it", to=ts, by="ada")

    await town.bot.whispers("ada", "is still heard of")
    assert (await town.bot.run(town.ci.run)).state is RunState.PERFORMING


async def test_ci_that_waits_and_dies_loses_its_place(town: Town) -> None:
    town.bot.engine.on("sleep", block=True)
    task = await town.bot.task("net-prod sleep", by="ann")
    await town.bot.shows(task, "performing")
    waiting = await town.thread()
    behind = await town.bot.task("net-prod ls", by="bob")
    await town.bot.tells(behind, "Queued, number 2")

    town.clock.passes(minutes=3)

    await town.bot.tells(waiting, "discarded")
    await town.bot.tells(behind, "Queued, number 1")
    town.bot.engine.release("sleep")
    await town.bot.tells(behind, "finished")
    with pytest.raises(Denied, match="is over"):
        await town.ci.is_alive()


async def test_ci_that_dies_before_it_begins_frees_the_stack(town: Town) -> None:
    waiting = await town.thread()
    assert (await town.ci.is_alive()).state == "ready"
    task = await town.bot.task("net-prod ls", by="bob")

    town.clock.passes(minutes=3)

    await town.bot.tells(waiting, "discarded")
    await town.bot.tells(task, "finished")


async def test_a_person_takes_a_waiting_ci_out_of_the_queue(town: Town) -> None:
    ts = await town.thread()

    await town.bot.reply("stop", to=ts, by="ann")

    await town.bot.tells(ts, "discarded")
    with pytest.raises(Denied, match="is over"):
        await town.ci.api.begin(town.ci.run)


async def test_performing_ci_cannot_be_stopped_by_anyone(town: Town) -> None:
    ts = await town.performing()

    await town.bot.reply("stop", to=ts, by="ada")
    await town.bot.whispers("ada", "cannot be stopped from here")
    with pytest.raises(Denied, match="cannot be stopped from here"):
        await town.ci.api.stop(town.ci.run)

    assert (await town.bot.run(town.ci.run)).state is RunState.PERFORMING


async def test_a_run_begins_once_and_its_own_key_reads_its_fence(town: Town) -> None:
    await town.performing()

    with pytest.raises(Denied, match="has begun already"):
        await town.ci.api.begin(town.ci.run)

    assert (await town.ci.api.run(town.ci.run)).fence == town.ci.fence


async def test_the_same_end_may_be_reported_again_and_no_other(town: Town) -> None:
    await town.performing()
    await town.ci.ends(3)

    await town.ci.ends(3)
    with pytest.raises(Denied, match="is over"):
        await town.ci.ends(0)

    ended = [row for row in await town.bot.audit() if row.deed.verb is Verb.ENDED]
    assert len(ended) == 1


async def test_another_fence_speaks_for_nothing(town: Town) -> None:
    await town.performing()
    assert town.ci.fence is not None
    town.ci.fence += 1

    with pytest.raises(Denied, match="not the fence") as beat:
        await town.ci.is_alive()
    with pytest.raises(Denied, match="not the fence"):
        await town.ci.ends()

    assert beat.value.code == "stale"
    assert (await town.bot.run(town.ci.run)).state is RunState.PERFORMING


async def test_another_key_does_not_speak_for_a_run(town: Town) -> None:
    await town.thread()
    async with a_job(town.bot, town.url, "other") as other:
        other.run = town.ci.run
        with pytest.raises(Denied, match="only the key that announced"):
            await other.is_alive()
        with pytest.raises(Denied, match="only the key that announced"):
            await other.begins()
        await town.ci.begins()
        other.fence = town.ci.fence
        with pytest.raises(Denied, match="only the key that announced") as end:
            await other.ends()
        seen = await other.api.run(town.ci.run)

    assert (end.value.status, seen.fence) == (403, None)
    assert (await town.bot.run(town.ci.run)).state is RunState.PERFORMING


async def test_a_task_of_a_key_is_not_performed_outside(town: Town) -> None:
    task = await town.bot.task("net-prod ls", by="ann")
    await town.bot.tells(task, "finished")
    town.ci.run = 1

    with pytest.raises(Denied, match="only the key that announced"):
        await town.ci.is_alive()


async def test_a_revoked_key_opens_nothing_and_its_run_stays(town: Town) -> None:
    ts = await town.performing()
    admin = Actor(kind=ActorKind.PERSON, id=town.bot.people["ada"], team="T0HOME")
    async with Database.open(town.bot.settings.database_url) as database:
        await SqlKeys(database).revoke("ci", admin, town.clock())

    with pytest.raises(Denied) as beat:
        await town.ci.is_alive()

    assert (beat.value.status, beat.value.code) == (401, "bad_key")
    town.clock.passes(minutes=3)
    await town.bot.tells(ts, "not been heard of")


async def test_a_bot_that_was_away_does_not_call_the_ci_lost(tmp_path: Path) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        async with a_town(bot) as town:
            ts = await town.performing()
        town.clock.passes(hours=1)
        async with bot.start() as bot.handrail, a_job(bot, town.url) as ci:
            ci.run, ci.fence = town.ci.run, town.ci.fence
            await ci.is_alive()
            await ci.ends()
            await bot.tells(ts, "finished")

        assert [line for line in bot.told(ts) if "heard of" in line] == []
