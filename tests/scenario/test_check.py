"""`/task check`: what would become of a command, told to one person, not recorded."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.audit import Verb
from bot.domain.preset import Preset
from bot.domain.rule import ApprovalRule
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_running_bot, a_stack


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot whose stacks let nobody run just anything."""
    stacks = (
        a_stack(approvals=ApprovalRule(count=2, except_=("terraform state list",))),
        a_stack(
            "db-prod",
            deny_tasks=True,
            presets={"vacuum": Preset(name="vacuum", command="./vacuum.sh")},
        ),
    )
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        yield bot


async def test_who_asks_is_told_who_would_have_to_agree(bot: Bot) -> None:
    await bot.slash("check net-prod terraform apply", by="ann")

    shown = await bot.whispers("ann", "It would wait until people agree")
    assert "approvals: 2 of the writers of net-prod have to agree; nobody has." in shown
    assert "terraform apply" in shown
    assert "Now: net-prod is free and nothing waits." in shown


async def test_what_is_on_the_allow_list_would_run(bot: Bot) -> None:
    await bot.slash("check net-prod terraform state list", by="ann")

    shown = await bot.whispers("ann", "It would run")
    assert "approvals: Nobody has to agree to this command." in shown


async def test_more_than_what_is_on_the_allow_list_would_not(bot: Bot) -> None:
    await bot.slash("check net-prod terraform state list; id", by="ann")

    assert await bot.whispers("ann", "It would wait until people agree")


async def test_nothing_is_recorded_of_it_and_nobody_else_sees_it(bot: Bot) -> None:
    before = len(await bot.audit())

    await bot.slash("check net-prod terraform apply", by="ann")

    await bot.whispers("ann", "It would wait")
    assert (bot.roots(), bot.sandbox.ephemerals(bot.people["bob"])) == ([], [])
    assert len(await bot.audit()) == before


async def test_what_it_says_comes_true(bot: Bot) -> None:
    await bot.slash("check db-prod true", by="ann")
    foretold = await bot.whispers("ann", "It would be refused")

    await bot.slash("db-prod true", by="ann")

    why = "db-prod takes no commands of one's own"
    assert f"deny_tasks: {why}" in foretold
    ann = bot.people["ann"]
    await bot.sandbox.wait_for(lambda: len(bot.sandbox.ephemerals(ann)) == 2)
    assert bot.sandbox.ephemerals(ann)[-1]["text"].startswith(why)
    assert (await bot.audit())[-1].deed.detail == "policy: /task db-prod true"


async def test_a_preset_is_checked_like_a_command(bot: Bot) -> None:
    await bot.slash("check db-prod !vacuum", by="ann")

    shown = await bot.whispers("ann", "It would run")
    assert "!vacuum" in shown


async def test_what_blocks_the_stack_now_is_told(bot: Bot) -> None:
    root = await bot.task("net-prod terraform state list", by="bob")
    await bot.ends(1)
    await bot.reply("lock: surgery", to=root, by="bob")
    await bot.tells(root, "surgery")

    await bot.slash("check net-prod terraform state list", by="ann")

    shown = await bot.whispers("ann", "Not now.")
    assert "surgery" in shown
    assert "It would run" in shown


async def test_a_reader_is_told_that_they_may_not(bot: Bot) -> None:
    await bot.slash("check net-prod terraform apply", by="rita")

    shown = await bot.whispers("rita", "It would be refused")
    assert "writer" in shown


@pytest.mark.parametrize(
    ("text", "by", "why"),
    [
        ("check net-prod true", "eve", "Guests cannot use Handrail"),
        ("check", "ann", "/task check takes a stack and the command"),
        ("check net-prod", "ann", "/task check takes a stack and the command"),
        ("check nowhere true", "ann", "no stack"),
        ("check net-prod echo 'a", "ann", "never closes"),
    ],
)
async def test_what_is_refused_is_on_the_record(
    bot: Bot, text: str, by: str, why: str
) -> None:
    deed = await bot.refused(text, by=by, why=why)

    assert (deed.verb, deed.actor.id) == (Verb.REFUSED, bot.people[by])
    assert text in deed.detail


async def test_a_stack_may_be_called_check(tmp_path: Path) -> None:
    stack = a_stack("check")
    async with a_running_bot(tmp_path, ScriptedEngine(), stack) as bot:
        await bot.task("check terraform plan")

        assert (await bot.ends(1)).command == "terraform plan"
