"""Holds over their whole life: taken, lost, ended, asked about, and given back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.control.secrecy import NOT_KEPT
from bot.domain.audit import Verb
from bot.domain.lock import Hold, Occupancy
from bot.domain.stack import FromEnv, StackName
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_stack
from tests.support.clock import Ahead


@dataclass
class Town:
    """A running bot with two stacks, a card of one of them, and a clock."""

    bot: Bot
    clock: Ahead
    card: str = ""

    async def says(self, words: str, *, by: str = "ann") -> None:
        """Reply on the card of net-prod."""
        await self.bot.reply(words, to=self.card, by=by)

    async def hears(self, words: str) -> str:
        """Wait until the card's thread tells *words*."""
        return await self.bot.tells(self.card, words)

    async def held(self) -> dict[str, Hold]:
        """Return every hold in force, by its stack."""
        return {hold.stack: hold for hold in await self.bot.handrail.archive.holds()}

    async def open_card(self, stack: str = "net-prod") -> None:
        """Have the stack's card posted, in whose thread is spoken from then on."""
        self.card = await self.bot.task(stack, by="rita")


@pytest.fixture
async def stopped(tmp_path: Path) -> AsyncIterator[Town]:
    stacks = (a_stack("net-prod"), a_stack("db-prod"))
    async with a_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        bot.clock = clock = Ahead()
        bot.sandbox.workspace.mint.now = clock.seconds
        yield Town(bot=bot, clock=clock)


@pytest.fixture
async def town(stopped: Town) -> AsyncIterator[Town]:
    async with stopped.bot.start() as stopped.bot.handrail:
        await stopped.open_card()
        yield stopped


async def test_a_hold_outlives_the_bot(stopped: Town) -> None:
    async with stopped.bot.start() as stopped.bot.handrail:
        await stopped.open_card()
        await stopped.says("lock: moving the state")
        await stopped.hears("holds *net-prod*")

    stopped.clock.passes(hours=3)
    async with stopped.bot.start() as stopped.bot.handrail:
        await stopped.bot.slash("net-prod ls", by="bob")
        sentence = await stopped.bot.whispers("bob", "ann has held net-prod")

    assert "for 3 h" in sentence
    assert "moving the state" in sentence


async def test_a_list_is_held_as_a_whole_or_not_at_all(town: Town) -> None:
    await town.says("lock db-prod: restore", by="bob")
    await town.hears("holds *db-prod*")

    await town.says("lock net-prod, db-prod: move")
    refusal = await town.bot.whispers("ann", "all or none")
    await town.says("lock net-prod, db-prd")
    await town.bot.whispers("ann", "There is no stack 'db-prd'. Did you mean db-prod")
    alone = set(await town.held())
    await town.says("unlock db-prod", by="bob")
    await town.hears("released *db-prod*")
    await town.says("lock net-prod, db-prod: move")
    await town.hears("holds *db-prod*, *net-prod*")

    assert "bob has held db-prod" in refusal
    assert alone == {"db-prod"}
    assert set(await town.held()) == {"net-prod", "db-prod"}


async def test_a_list_is_released_as_a_whole_or_not_at_all(town: Town) -> None:
    await town.says("lock net-prod")
    await town.hears("holds *net-prod*")
    await town.says("lock db-prod", by="bob")
    await town.hears("holds *db-prod*")

    await town.says("unlock net-prod, db-prod")
    refusal = await town.bot.whispers("ann", "Nothing was released")
    before = set(await town.held())
    await town.says("unlock all mine")
    await town.hears("released *net-prod*")

    assert "bob has held db-prod" in refusal
    assert before == {"net-prod", "db-prod"}
    assert set(await town.held()) == {"db-prod"}


async def test_a_steal_tells_the_one_who_lost(town: Town) -> None:
    await town.says("lock: moving the state")
    await town.hears("holds *net-prod*")

    await town.says("steal: me first", by="bob")
    await town.bot.whispers("bob", "You are no admin of net-prod")
    await town.says("steal:", by="ada")
    await town.bot.whispers("ada", "steal: &lt;reason&gt;")
    await town.bot.shows(town.card, "Steal")
    await town.bot.press("steal", on=town.card, by="ada")
    await town.bot.submit_view("ada", {"reason": "an incident"})

    letter = await town.bot.hears("ann", "took *net-prod* over from you")
    told = await town.hears("took *net-prod* over from")
    assert f"<@{town.bot.people['ada']}>" in letter
    assert "an incident" in letter
    assert f"<@{town.bot.people['ann']}>" in told
    assert (await town.held())["net-prod"].actor.id == town.bot.people["ada"]
    verbs = [row.deed.verb for row in await town.bot.audit()]
    assert verbs[-3:] == [Verb.REFUSED, Verb.REFUSED, Verb.STOLEN]


async def test_a_form_steals_no_later_hold_than_it_was_opened_for(town: Town) -> None:
    await town.says("lock: moving the state")
    await town.bot.shows(town.card, "Steal")
    await town.bot.press("steal", on=town.card, by="ada")
    await town.says("unlock")
    await town.hears("released *net-prod*")
    await town.says("lock: restore", by="bob")
    await town.hears("restore")

    await town.bot.submit_view("ada", {"reason": "ann is away"})

    refusal = await town.bot.whispers("ada", "That hold on net-prod is over")
    assert "bob has held net-prod" in refusal
    assert (await town.held())["net-prod"].actor.id == town.bot.people["bob"]


async def test_a_hold_ends_by_itself_and_says_so(town: Town) -> None:
    await town.says("lock 1h: moving the state")
    await town.hears("holds *net-prod*")

    town.clock.passes(hours=1)
    await town.hears("has come to its end")

    assert await town.held() == {}
    run = await town.bot.task("net-prod ls", by="bob")
    await town.bot.tells(run, "finished")


async def test_the_holder_is_reminded_and_extends(town: Town) -> None:
    await town.says("lock 1h: moving the state")
    await town.hears("holds *net-prod*")
    before = (await town.held())["net-prod"]

    town.clock.passes(minutes=51)
    await town.bot.hears("ann", "ends soon")
    await town.bot.press("extend", by="ann")
    await town.bot.whispers("ann", "You hold net-prod, since")

    after = (await town.held())["net-prod"]
    assert before.until is not None
    assert after.until == before.until + timedelta(hours=1)
    assert after.since == before.since


async def test_a_hold_without_an_end_is_asked_about(town: Town) -> None:
    await town.says("lock: moving the state")
    await town.hears("holds *net-prod*")

    town.clock.passes(hours=24)
    await town.bot.hears("ann", "Do you still need it?")
    await town.bot.press("keep_hold", by="ann")
    await town.bot.whispers("ann", "You hold net-prod, since")
    await town.bot.press("release_hold", by="ann")
    await town.bot.whispers("ann", "You released net-prod")
    await town.hears("released *net-prod*")
    await town.bot.press("release_hold", by="ann")

    await town.bot.whispers("ann", "is over. Nobody holds net-prod")


async def test_a_deactivated_holder_is_reported_to_the_admins(town: Town) -> None:
    await town.says("lock: moving the state")
    await town.hears("holds *net-prod*")

    town.bot.sandbox.workspace.change_person(town.bot.people["ann"], deleted=True)
    town.clock.passes(hours=1)

    letter = await town.bot.hears("ada", "is deactivated")
    assert f"<@{town.bot.people['ann']}>" in letter
    await town.says("unlock: ann has left", by="ada")
    await town.hears("released *net-prod*")


async def test_a_freeze_stops_everybody_but_admins(town: Town) -> None:
    await town.says("freeze", by="bob")
    await town.bot.whispers("bob", "Only the admins")
    await town.says("freeze 2h: an incident", by="ada")
    await town.hears("froze every stack")

    for stack in ("net-prod", "db-prod"):
        await town.bot.slash(f"{stack} ls", by="ann")
    refusal = await town.bot.whispers("ann", "ada froze every stack")
    await town.says("lock")
    await town.hears("your runs wait until that ends")
    await town.says("unlock")
    await town.hears("released *net-prod*")
    run = await town.bot.task("db-prod ls", by="ada")
    await town.bot.tells(run, "finished")
    await town.says("unfreeze", by="ada")
    await town.hears("ended the freeze")
    thawed = await town.bot.task("db-prod ls", by="ann")
    await town.bot.tells(thawed, "finished")

    assert "an incident" in refusal
    assert len(town.bot.engine.jobs) == 2


async def test_who_asked_is_told_when_the_stack_is_free(town: Town) -> None:
    await town.says("lock")
    await town.hears("holds *net-prod*")
    await town.bot.slash("net-prod ls", by="bob")
    await town.bot.whispers("bob", "ann has held net-prod")

    await town.bot.press_whisper("notify", by="bob")
    await town.bot.whispers("bob", "You will get a direct message")
    before = town.bot.dm("bob")
    await town.says("unlock")

    await town.bot.hears("bob", "*net-prod* is free for you now")
    assert before == []
    await town.says("notify me", by="bob")
    await town.hears("net-prod is free now")


async def test_an_old_button_says_what_is_the_case_now(town: Town) -> None:
    await town.says("lock 1h")
    await town.hears("holds *net-prod*")
    town.clock.passes(minutes=51)
    await town.bot.hears("ann", "ends soon")
    await town.says("steal: an incident", by="ada")
    await town.hears("took *net-prod* over from")

    await town.bot.press("extend", by="ann")

    await town.bot.whispers("ann", "is over. ada has held net-prod")
    rows = await town.bot.audit()
    assert rows[-1].deed.detail == "too_late: extend"


async def test_what_a_stack_of_before_still_has_is_ended_from_above(
    stopped: Town,
) -> None:
    bot = stopped.bot
    bot.engine.removable = False
    async with bot.start() as bot.handrail:
        await stopped.open_card()
        first = await bot.task("net-prod ls")
        await bot.tells(first, "could not be proven gone")
        second = await bot.task("net-prod next")
        await bot.tells(second, "Queued")
        await stopped.says("lock: moving the state")
        await stopped.hears("holds *net-prod*")

    del bot.stacks[StackName("net-prod")]
    async with bot.start() as bot.handrail:
        for word in ("unlock", "lock", "status"):
            await stopped.says(word)
            await bot.whispers("ann", "net-prod is not in handrail.yaml any more")
        await stopped.says("unlock", by="ada")
        await bot.whispers("ada", "unlock: &lt;reason&gt;")
        await stopped.says("unlock: it is gone", by="ada")
        await stopped.hears("released *net-prod*")
        await bot.reply("discard", to=second, by="ada")
        await bot.shows(second, "discarded")
        await bot.reply("release: I removed it", to=first, by="ada")
        await bot.tells(first, "I removed it")
        left = await bot.handrail.archive.occupancy(StackName("net-prod"))

    assert left == Occupancy()


async def test_the_reason_of_a_release_is_not_kept_while_a_secret_cannot_be_read(
    tmp_path: Path,
) -> None:
    secret = {"PASSWORD": FromEnv(variable="DB_PASSWORD")}
    async with a_bot(tmp_path, ScriptedEngine(), a_stack(secrets=secret)) as bot:
        bot.engine.removable = False
        bot.environ["DB_PASSWORD"] = "correct horse battery"
        async with bot.start() as bot.handrail:
            ts = await bot.task("net-prod ls")
            await bot.tells(ts, "could not be proven gone")

            del bot.environ["DB_PASSWORD"]
            await bot.reply("release: correct horse battery", to=ts, by="ada")

            await bot.tells(ts, NOT_KEPT)
            assert not any("correct horse" in told for told in bot.told(ts))
            assert (await bot.audit())[-1].deed.detail == NOT_KEPT
