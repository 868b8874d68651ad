"""The Home: what one person has run, may use, and is asked to agree to."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.rule import ApprovalRule
from bot.domain.run import Reason, RunState
from bot.sandbox.faults import Refuse
from bot.sandbox.values import Answer
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_running_bot, a_stack, text_of


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    stacks = (
        a_stack("net-prod", approvals=ApprovalRule(count=1)),
        a_stack("net-test"),
        a_stack("secret", writers=("U0NOBODY",)),
    )
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        yield bot


async def look(bot: Bot, words: str, *, by: str = "ann") -> str:
    """Open the Home and wait until it shows *words*; return all that it shows."""
    bot.sandbox.open_home(by=bot.people[by])
    await bot.sandbox.wait_for(lambda: words in home(bot, by))
    return home(bot, by)


def home(bot: Bot, who: str) -> str:
    """Return all that the Home of a person shows, with the labels of buttons."""
    view = bot.sandbox.home(bot.people[who])
    return text_of(view) if view else ""


async def press(bot: Bot, action: str, *, by: str) -> Answer:
    """Press the first button of that name."""
    view = bot.sandbox.home(bot.people[by])
    assert view is not None
    return await bot.sandbox.click(
        action_id=action, by=bot.people[by], view_id=view["id"]
    )


async def waiting(bot: Bot) -> str:
    """Have ann ask for a run that somebody has to agree to; return its `ts`."""
    ts = await bot.task("net-prod terraform taint x")
    await bot.tells(ts, "to agree")
    return ts


async def test_the_home_shows_ones_own_runs_and_the_stacks_one_may_use(
    bot: Bot,
) -> None:
    await bot.task("net-test terraform state list")
    await bot.ends(1)

    shown = await look(bot, "terraform state list")
    others = await look(bot, "You have run nothing yet.", by="bob")

    assert "run 1> · *net-test* · finished, exit code 0" in shown
    assert "*net-prod* · free" in shown
    assert "secret" not in shown
    assert "terraform state list" not in others
    assert "*net-test* · free" in others


async def test_the_home_says_who_holds_a_stack_and_why(bot: Bot) -> None:
    ts = await bot.task("net-test true", by="bob")
    await bot.ends(1)
    await bot.reply("lock 2h: by <hand>", to=ts, by="bob")
    await bot.shows(ts, "held by")

    shown = await look(bot, "holds it")

    assert f":lock: <@{bot.people['bob']}> holds it since" in shown
    line = next(line for line in shown.splitlines() if ":lock:" in line)
    assert line.endswith(": by &lt;hand&gt;")
    assert shown.index("*net-test*") < shown.index("*net-prod*")


async def test_the_home_is_as_it_is_whenever_it_is_opened(bot: Bot) -> None:
    await look(bot, "You have run nothing yet.")
    await bot.task("net-test true")
    await bot.ends(1)

    assert "*net-test* · finished" in await look(bot, "run 1")


async def test_what_waits_for_ones_approval_is_approved_at_the_home(bot: Bot) -> None:
    ts = await waiting(bot)
    shown = await look(bot, "Waiting for your approval", by="bob")
    assert "terraform taint x" in shown
    assert f"*net-prod* · <@{bot.people['ann']}>" in shown

    answer = await press(bot, "home_approve", by="bob")

    assert answer.ok, answer.error
    run = await bot.ends(1)
    assert run.state is RunState.FINISHED
    await bot.tells(ts, f"<@{bot.people['bob']}> approved")
    await bot.sandbox.wait_for(lambda: "Waiting for" not in home(bot, "bob"))


async def test_ones_own_run_and_what_readers_see_does_not_wait_for_them(
    bot: Bot,
) -> None:
    await waiting(bot)

    assert "Waiting for" not in await look(bot, "waits for approval", by="ann")
    assert "Waiting for" not in await look(bot, "Stacks that you may use", by="rita")


async def test_a_run_is_rejected_at_the_home_with_a_reason(bot: Bot) -> None:
    ts = await waiting(bot)
    await look(bot, "Waiting for your approval", by="bob")
    await press(bot, "home_reject", by="bob")

    blank = await bot.submit_view("bob", {"reason": "  \n "})
    answer = await bot.submit_view("bob", {"reason": "not on a Friday"})

    assert blank.errors == {"reason": "Say why, because the thread is told."}
    assert answer.ok, answer.error
    run = await bot.ends(1)
    assert (run.state, run.reason) == (RunState.FAILED, Reason.REJECTED)
    await bot.tells(ts, "not on a Friday")
    await bot.sandbox.wait_for(lambda: "Waiting for" not in home(bot, "bob"))


async def test_who_comes_second_is_told_so_at_the_home(bot: Bot) -> None:
    await waiting(bot)
    await look(bot, "Waiting for your approval", by="bob")
    await look(bot, "Waiting for your approval", by="ada")
    await press(bot, "home_approve", by="bob")
    await bot.ends(1)

    await press(bot, "home_approve", by="ada")

    await bot.sandbox.wait_for(lambda: ":warning:" in home(bot, "ada"))
    assert "Run 1 is over" in home(bot, "ada")
    assert "Waiting for" not in home(bot, "ada")


async def test_a_reason_whose_form_could_not_open_gets_the_typed_way(bot: Bot) -> None:
    await waiting(bot)
    await look(bot, "Waiting for your approval", by="bob")
    bot.sandbox.faults.add("views.open", Refuse("expired_trigger_id"), times=1)

    await press(bot, "home_reject", by="bob")

    words = "Reply reject: &lt;reason&gt; in the thread."
    await bot.sandbox.wait_for(lambda: words in home(bot, "bob"))


async def test_a_guest_is_told_that_it_is_not_for_them(bot: Bot) -> None:
    shown = await look(bot, "Guests cannot use Handrail", by="eve")

    assert "net-prod" not in shown


async def test_the_direct_messages_are_no_home(bot: Bot) -> None:
    bot.sandbox.open_home(by=bot.people["bob"], tab="messages")
    await look(bot, "Stacks that you may use")

    assert bot.sandbox.home(bot.people["bob"]) is None


def buttons(view: dict[str, Any]) -> list[str]:
    return [
        element["action_id"]
        for block in view["blocks"]
        for element in block.get("elements", [])
        if "action_id" in element
    ]


async def test_the_home_is_drawn_anew_on_demand(bot: Bot) -> None:
    await look(bot, "*net-test* · free")
    ts = await bot.task("net-test true", by="bob")
    await bot.ends(1)
    await bot.reply("lock", to=ts, by="bob")
    await bot.shows(ts, "held by")
    assert "holds it" not in home(bot, "ann")

    await press(bot, "home_refresh", by="ann")

    await bot.sandbox.wait_for(lambda: "holds it" in home(bot, "ann"))
    view = bot.sandbox.home(bot.people["ann"]) or {}
    assert buttons(view) == ["home_run", "home_refresh"]
