"""Who and what is refused: a sentence to the asker, an audit row, and no run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot, a_stack


async def refused(bot: Bot, text: str, words: str, *, by: str = "ann") -> str:
    """Send a command that must be refused; nothing may have run."""
    await bot.slash(text, by=by)
    sentence = await bot.whispers(by, words)
    assert bot.roots() == []
    assert await bot.handrail.archive.last_runs(None, 5) == ()
    verbs = [row.deed.verb for row in await bot.audit()]
    assert verbs == ["refused"]
    return sentence


async def test_an_unknown_stack_is_refused_with_the_nearest_names(bot: Bot) -> None:
    await refused(bot, "net-prd ls", "Did you mean net-prod?")


async def test_a_stack_like_no_other_is_refused_with_all_names(bot: Bot) -> None:
    await refused(bot, "zzzzzz ls", "There are: net-prod.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("net-prod --no-init", "There is no command"),
        ("net-prod echo 'a", "never closes it"),
        ("net-prod a\0b", "NUL"),
        ("net-prod " + "x" * 40_000, "40,000 characters long"),
    ],
)
async def test_a_bad_command_is_refused(bot: Bot, text: str, words: str) -> None:
    await refused(bot, text, words)


async def test_a_reader_is_refused_and_told_who_writes(bot: Bot) -> None:
    sentence = await refused(bot, "net-prod ls", "You are no writer", by="rita")

    assert bot.people["ann"] in sentence


@pytest.mark.parametrize(
    ("traits", "words"),
    [
        ({"is_restricted": True}, "Guests cannot"),
        ({"is_ultra_restricted": True}, "Guests cannot"),
        ({"is_bot": True}, "Bots cannot"),
        ({"is_stranger": True}, "Only members of the workspace"),
    ],
)
async def test_only_full_members_of_the_workspace_may(
    tmp_path: Path, traits: dict[str, Any], words: str
) -> None:
    async with a_bot(tmp_path, ScriptedEngine()) as bot:
        zed = bot.sandbox.workspace.add_person("zed", **traits)
        bot.people["zed"] = zed
        bot.sandbox.workspace.join(bot.channel, zed)
        bot.stacks[a_stack().name] = a_stack(writers=(zed,))
        async with bot.start() as running:
            bot.handrail = running

            await refused(bot, "net-prod ls", words, by="zed")


@pytest.fixture
async def by_group(tmp_path: Path) -> AsyncIterator[Bot]:
    stack = a_stack(writers=("@platform", "#ops"))
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        workspace = bot.sandbox.workspace
        workspace.add_group("platform", members=[bot.people["ann"]])
        workspace.add_channel("ops", members=[bot.people["bob"]])
        async with bot.start() as running:
            bot.handrail = running
            yield bot


@pytest.mark.parametrize("name", ["ann", "bob"])
async def test_writers_come_from_groups_and_channels(by_group: Bot, name: str) -> None:
    ts = await by_group.task("net-prod ls", by=name)

    await by_group.tells(ts, "finished")


async def test_a_group_that_cannot_be_asked_means_no(by_group: Bot) -> None:
    by_group.sandbox.free_plan = True

    await refused(by_group, "net-prod ls", "plan_upgrade_required")


async def test_a_channel_without_handrail_is_refused_with_the_way_in(bot: Bot) -> None:
    elsewhere = bot.sandbox.workspace.add_channel(
        "elsewhere", members=[bot.people["ann"]], bot=False
    )

    await bot.slash("net-prod ls", channel=elsewhere)

    await bot.whispers("ann", "/invite @handrail")
    assert await bot.handrail.archive.last_runs(None, 5) == ()


async def test_handrails_own_token_is_neither_run_nor_recorded(bot: Bot) -> None:
    token = bot.environ["SLACK_BOT_TOKEN"]

    await refused(bot, f"net-prod curl -H {token}", "one of Handrail's own tokens")

    detail = (await bot.audit())[0].deed.detail
    assert token not in detail
    assert "*****" in detail


async def test_a_role_that_was_lost_while_queued_is_seen_at_the_start(
    bot: Bot,
) -> None:
    bot.engine.on("sleep", block=True)
    await bot.task("net-prod sleep", by="bob")
    second = await bot.task("net-prod ls", by="ann")
    await bot.tells(second, "Queued")

    bot.sandbox.workspace.change_person(bot.people["ann"], deleted=True)
    bot.engine.release("sleep")

    final = await bot.tells(second, "failed")
    assert "not allowed to start" in final
    assert "deactivated" in final


async def test_help_is_shown_to_the_asker_alone(bot: Bot) -> None:
    await bot.slash("help")

    await bot.whispers("ann", "/task &lt;stack&gt; &lt;command&gt;")
    assert bot.roots() == []
