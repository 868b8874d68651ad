"""Words that were said while nobody listened are heard once somebody does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain.audit import Verb
from bot.domain.lock import Hold
from bot.sandbox.faults import BadGateway, Delay, Duplicate
from runner.scripted import ScriptedEngine
from tests.support.bot import INIT, Bot, a_bot, a_stack
from tests.support.clock import Ahead


@dataclass
class Town:
    """A workspace, a bot that comes and goes, and the time in both."""

    bot: Bot
    clock: Ahead

    async def held(self) -> dict[str, Hold]:
        """Return every hold in force, by its stack."""
        return {hold.stack: hold for hold in await self.bot.handrail.archive.holds()}

    async def verbs(self) -> list[Verb]:
        """Return what the audit rows say was done."""
        return [row.deed.verb for row in await self.bot.audit()]


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    stacks = (a_stack("net-prod"), a_stack("db-prod"))
    async with a_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        bot.clock = clock = Ahead()
        bot.sandbox.workspace.mint.now = clock.seconds
        yield Town(bot=bot, clock=clock)


async def test_a_word_said_while_the_bot_was_away_is_acted_on(town: Town) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")

    await bot.reply("lock: moving the state", to=ts)
    async with bot.start() as bot.handrail:
        await bot.tells(ts, "holds *net-prod*: moving the state")
        await bot.reply("status", to=ts)
        await bot.tells(ts, "ann has held net-prod")

    assert (await town.verbs()).count(Verb.HELD) == 1


async def test_a_word_is_acted_on_once_however_it_comes(town: Town) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")
        bot.sandbox.faults.add("message", Duplicate())
        await bot.reply("lock: once", to=ts)
        await bot.tells(ts, "holds *net-prod*")
        await bot.sandbox.redeliver_last()
        await bot.reply("unlock", to=ts)
        await bot.tells(ts, "released *net-prod*")

    async with bot.start() as bot.handrail:
        read = len(bot.sandbox.calls)
        await bot.sandbox.wait_for(lambda: _reads(bot, read) >= 1)
        await bot.reply("status", to=ts)
        await bot.tells(ts, "net-prod is free")

    verbs = await town.verbs()
    assert (verbs.count(Verb.HELD), verbs.count(Verb.RELEASED)) == (1, 1)
    assert Verb.REFUSED not in verbs


@pytest.mark.parametrize("word", ["unlock", "unlock all mine", "unlock net-prod"])
async def test_an_unlock_that_is_heard_late_asks_again(town: Town, word: str) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.reply("lock", to=ts)
        await bot.tells(ts, "holds *net-prod*")

    await bot.reply(word, to=ts)
    town.clock.passes(minutes=25)
    async with bot.start() as bot.handrail:
        question = await bot.tells(ts, "You said unlock at")
        still = await town.held()
        await bot.reply(word, to=ts)
        await bot.tells(ts, "released *net-prod*")

    assert f"<@{bot.people['ann']}>" in question
    assert "25 min ago" in question
    assert set(still) == {"net-prod"}
    assert Verb.ASKED_AGAIN in await town.verbs()


async def test_a_stop_that_is_heard_late_stops_nothing(town: Town) -> None:
    bot = town.bot
    bot.engine.on(INIT, block=True)
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.shows(ts, "initializing")

    await bot.reply("stop", to=ts)
    town.clock.passes(minutes=11)
    async with bot.start() as bot.handrail:
        await bot.tells(ts, "You said stop at")
        bot.engine.release(INIT)
        await bot.tells(ts, "*finished")

    assert Verb.STOP_ASKED not in await town.verbs()


async def test_a_lock_that_is_heard_late_is_taken_and_says_since_when(
    town: Town,
) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")

    await bot.reply("lock 2h: moving", to=ts)
    town.clock.passes(minutes=30)
    async with bot.start() as bot.handrail:
        await bot.tells(ts, "holds *net-prod* until")
        await bot.tells(ts, "You asked for this lock at")
        hold = (await town.held())["net-prod"]

    assert hold.until is not None
    assert 85 < (hold.until - town.clock()).total_seconds() / 60 < 91


async def test_what_a_person_said_last_counts_whatever_comes_first(town: Town) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")
        bot.sandbox.faults.add("message", Delay(1.0))
        await bot.reply("lock", to=ts)
        await bot.reply("unlock", to=ts)
        await bot.tells(ts, "Nobody holds net-prod")

        await bot.whispers("ann", "You said something newer about that lock")
        assert await town.held() == {}


@pytest.mark.parametrize("place", [0, 1])
async def test_words_of_several_threads_end_as_they_were_said(
    town: Town, place: int
) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        threads = [await bot.task("net-prod ls") for _ in range(2)]
        await bot.tells(threads[1], "finished")

    await bot.reply("lock", to=threads[place])
    await bot.reply("unlock", to=threads[1 - place])
    town.clock.passes(minutes=25)
    async with bot.start() as bot.handrail:
        await bot.tells(threads[1 - place], "You said unlock at")
        await bot.whispers("ann", "You said something newer about that lock")
        assert await town.held() == {}


async def test_a_lock_and_its_unlock_that_were_both_missed_leave_no_hold(
    town: Town,
) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")

    bot.sandbox.faults.add("message", Delay(1_000), times=2)
    await bot.reply("lock", to=ts)
    await bot.reply("unlock", to=ts)
    town.clock.passes(minutes=25)
    async with bot.start() as bot.handrail:
        await bot.tells(ts, "You said unlock at")
        assert await town.held() == {}

    assert Verb.HELD not in await town.verbs()


async def test_a_word_is_heard_although_the_bot_never_went_away(town: Town) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")
        bot.sandbox.faults.add("message", Delay(1_000))
        await bot.reply("lock", to=ts)

        await bot.sandbox.disconnect(None)

        await bot.tells(ts, "holds *net-prod*")


async def test_what_slack_refuses_to_read_back_is_read_later(town: Town) -> None:
    bot = town.bot
    async with bot.start() as bot.handrail:
        ts = await bot.task("net-prod ls")
        await bot.tells(ts, "finished")
    bot.sandbox.faults.add("message", Delay(1_000))
    await bot.reply("lock", to=ts)

    bot.sandbox.faults.add("conversations.replies", BadGateway(), times=2)
    async with bot.start() as bot.handrail:
        await bot.tells(ts, "holds *net-prod*", 40)


def _reads(bot: Bot, since: int) -> int:
    calls = bot.sandbox.calls[since:]
    return sum(call.method == "conversations.replies" for call in calls)
