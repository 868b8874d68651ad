"""The same command once more, and the state lock that stood in the way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.run import RunState
from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_running_bot, a_stack

LOCKED = b"""\
\x1b[31mError: Error acquiring the state lock\x1b[0m

Error message: state blob is already locked
Lock Info:
  ID:        9db590f1-b6fe-c5f2-2678-8804f089deba
  Path:      net/terraform.tfstate
  Operation: OperationTypeApply
  Who:       ann@laptop
  Version:   1.11.0
  Created:   2026-11-20 03:12:45.6 +0000 UTC
  Info:
"""
UNLOCK = "terraform force-unlock -force 9db590f1-b6fe-c5f2-2678-8804f089deba"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    stacks = a_stack(program="terraform"), a_stack("db-prod")
    async with a_running_bot(tmp_path, ScriptedEngine(), *stacks) as bot:
        yield bot


async def test_run_again_repeats_the_command_as_another_persons_run(bot: Bot) -> None:
    ts = await bot.task("net-prod --no-init terraform state list", by="ann")
    await bot.ends(1)

    await bot.press("again", on=ts, by="bob")
    run = await bot.ends(2)

    assert run.command == "terraform state list"
    assert (run.skip_init, run.again) == (True, 1)
    assert run.actor.id == bot.people["bob"]
    assert len(bot.roots()) == 2


async def test_an_exclamation_mark_repeats_a_run(bot: Bot) -> None:
    await bot.task("net-prod echo 'a  b' # &amp;")
    first = await bot.ends(1)

    ts = await bot.task("net-prod !1", by="bob")

    assert (await bot.ends(2)).command == first.command
    await bot.tells(ts, "Run 1 once more")


async def test_run_again_checks_the_role_of_whoever_asks(bot: Bot) -> None:
    ts = await bot.task("net-prod terraform state list")
    await bot.ends(1)

    await bot.press("again", on=ts, by="rita")

    await bot.whispers("rita", "no writer of net-prod")
    assert len(bot.roots()) == 1


async def test_run_again_is_refused_on_a_held_stack(bot: Bot) -> None:
    ts = await bot.task("net-prod terraform state list")
    await bot.ends(1)
    await bot.reply("lock: moving", to=ts, by="ann")
    await bot.tells(ts, "holds")

    await bot.slash("net-prod !1", by="bob")

    await bot.whispers("bob", "moving")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("net-prod !7", "Run 7 is none of net-prod"),
        ("db-prod !1", "Run 1 is none of db-prod"),
    ],
)
async def test_only_a_run_of_that_stack_is_repeated(
    bot: Bot, text: str, sentence: str
) -> None:
    await bot.task("net-prod terraform state list")
    await bot.ends(1)

    await bot.slash(text)

    await bot.whispers("ann", sentence)


async def test_a_run_that_goes_on_is_not_repeated(bot: Bot) -> None:
    bot.engine.on("apply", block=True)
    ts = await bot.task("net-prod apply")
    await bot.shows(ts, "performing")

    await bot.slash("net-prod !1")

    await bot.whispers("ann", "Run 1 is performing still")
    bot.engine.release("apply")
    await bot.ends(1)


async def test_what_was_hidden_in_a_command_is_not_run_again(bot: Bot) -> None:
    ts = await bot.task("net-prod echo hunter2hunter2")
    await bot.ends(1)
    await bot.reply("redact: hunter2hunter2", to=ts)
    await bot.tells(ts, "Redacted")

    await bot.slash("net-prod !1")

    await bot.whispers("ann", "Something in the command of run 1 is hidden")


async def test_a_locked_state_is_shown_and_an_admin_has_it_forced(bot: Bot) -> None:
    bot.engine.prepare("terraform apply", LOCKED, code=1)
    ts = await bot.task("net-prod terraform apply")
    final = await bot.tells(ts, "9db590f1-b6fe-c5f2-2678-8804f089deba")

    await bot.reply("force-unlock", to=ts, by="ada")
    run = await bot.ends(2)

    assert "ann@laptop" in final
    assert "2026-11-20 03:12:45.6 +0000 UTC" in final
    assert "force-unlock" in final
    assert run.command == UNLOCK
    assert run.actor.id == bot.people["ada"]
    assert run.state is RunState.FINISHED


async def test_force_unlock_is_for_admins(bot: Bot) -> None:
    bot.engine.prepare("terraform apply", LOCKED, code=1)
    ts = await bot.task("net-prod terraform apply")
    await bot.ends(1)

    await bot.reply("force-unlock", to=ts, by="ann")

    await bot.whispers("ann", "no admin of net-prod")
    assert len(bot.roots()) == 1


async def test_force_unlock_needs_a_lock_that_stood_in_the_way(bot: Bot) -> None:
    ts = await bot.task("net-prod terraform apply")
    await bot.ends(1)

    await bot.reply("force-unlock", to=ts, by="ada")

    await bot.whispers("ada", "nothing to force")


async def test_who_may_nothing_on_a_stack_learns_nothing_of_its_runs(bot: Bot) -> None:
    for number in ("1", "7"):
        await bot.slash(f"net-prod !{number}", by="rita")

    await bot.whispers("rita", "no writer of net-prod")
    assert not any(
        "Run" in str(shown) for shown in bot.sandbox.ephemerals(bot.people["rita"])
    )
