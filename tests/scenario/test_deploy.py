"""Tracked runs: plan, the word of a writer, and exactly that plan applied."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.audit import Verb
from bot.domain.plan import PLAN_FILE, SUMMARY_FILE
from bot.domain.run import Reason, RunState, RunType
from bot.domain.stack import Deploy, FromEnv
from runner.scripted import ScriptedEngine
from tests.support.bot import INIT, Bot, a_bot, a_running_bot, a_stack

PLAN = "terraform plan"
APPLY = "terraform apply"
DEPLOY = Deploy(plan=PLAN, apply=APPLY, summary="terraform show -json")
ADDS_ONE = json.dumps(
    {
        "format_version": "1.2",
        "applyable": True,
        "resource_changes": [
            {"address": "aws_vpc.main", "change": {"actions": ["create"]}}
        ],
    }
).encode()
NOTHING = json.dumps(
    {"format_version": "1.2", "applyable": False, "resource_changes": []}
).encode()
SECRET = "s3ns1tive-value-xyz"
STATE = json.dumps(
    {
        "format_version": "1.0",
        "values": {
            "outputs": {"password": {"sensitive": True, "value": SECRET}},
            "root_module": {},
        },
    }
).encode()


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    stack = a_stack(deploy=DEPLOY, program="terraform")
    async with a_running_bot(tmp_path, ScriptedEngine(), stack) as bot:
        yield bot


def plans(bot: Bot, shown: bytes = ADDS_ONE) -> None:
    """Let the plan leave what it would do."""
    bot.engine.on(
        PLAN,
        b"made a plan\n",
        leaves={PLAN_FILE: b"saved", SUMMARY_FILE: shown},
    )


async def unconfirmed(bot: Bot, *, by: str = "ann") -> str:
    """Bring a deploy to where its plan waits, and return its `ts`."""
    plans(bot)
    ts = await bot.deploy("net-prod", by=by)
    await bot.shows(ts, "unconfirmed")
    return ts


async def test_a_confirmed_plan_is_applied_and_told_with_who_confirmed(
    bot: Bot,
) -> None:
    bot.engine.prepare(INIT, b"initialized\n")
    bot.engine.prepare(APPLY, b"applied\n")
    ts = await unconfirmed(bot)
    summary = await bot.tells(ts, "1 to add, 0 to change, 0 to destroy")

    await bot.press("confirm", on=ts, by="bob")
    final = await bot.tells(ts, "finished")

    run = await bot.run(1)
    assert "+ aws_vpc.main" in summary
    assert "exit code 0" in final
    assert await bot.output(1) == ("initialized\nmade a plan\ninitialized\napplied")
    assert run.type is RunType.TRACKED
    assert run.confirmed_by is not None
    assert run.confirmed_by.id == bot.people["bob"]
    assert any(f"<@{bot.people['bob']}>" in told for told in bot.told(ts))
    deeds = [row.deed for row in await bot.audit()]
    confirmed = [deed.actor.id for deed in deeds if deed.verb is Verb.CONFIRMED]
    assert confirmed == [bot.people["bob"]]


async def test_the_applying_container_gets_that_very_plan_and_image(bot: Bot) -> None:
    ts = await unconfirmed(bot)
    await bot.reply("confirm", to=ts)
    await bot.ends(1)

    planning, applying = bot.engine.jobs
    run = await bot.run(1)
    assert (planning.harmless, applying.harmless) == (True, False)
    assert applying.is_laid
    assert applying.volume == planning.volume
    assert applying.image == await bot.engine.resolve(planning.image)
    assert applying.expected == {PLAN_FILE: run.plan_digest}
    assert run.plan_digest


async def test_the_workspace_of_a_deploy_is_gone_with_its_end(bot: Bot) -> None:
    ts = await unconfirmed(bot)
    kept = await bot.engine.left_workspaces(bot.handrail.installation)
    await bot.reply("confirm", to=ts)
    await bot.ends(1)

    assert kept == ("1",)
    assert await bot.engine.left_workspaces(bot.handrail.installation) == ()


async def test_a_plan_that_changes_nothing_is_finished_at_once(bot: Bot) -> None:
    plans(bot, NOTHING)

    ts = await bot.deploy("net-prod")

    assert "changes nothing" in await bot.tells(ts, "finished, exit code 0")
    assert len(bot.engine.jobs) == 1


async def test_a_plan_that_fails_is_told_and_frees_the_stack(bot: Bot) -> None:
    plans(bot)
    bot.engine.on(PLAN, b"no such provider\n", code=1)

    await bot.deploy("net-prod")

    run = await bot.ends(1)
    assert (run.state, run.reason) == (RunState.FAILED, Reason.EXIT_CODE)
    await bot.task("net-prod terraform state list")
    assert (await bot.ends(2)).state is RunState.FINISHED


async def test_a_task_waits_while_a_plan_is_unconfirmed(bot: Bot) -> None:
    ts = await unconfirmed(bot)

    task = await bot.task("net-prod terraform state list", by="bob")
    waiting = await bot.tells(task, "number 1")
    await bot.press("discard", on=ts)

    assert "run 1" in waiting
    assert (await bot.ends(1)).state is RunState.DISCARDED
    assert (await bot.ends(2)).state is RunState.FINISHED


async def test_a_deploy_waits_for_a_task(bot: Bot) -> None:
    bot.engine.on("terraform taint x", block=True)
    plans(bot)
    task = await bot.task("net-prod terraform taint x")
    await bot.shows(task, "performing")

    ts = await bot.deploy("net-prod", by="bob")
    await bot.tells(ts, "number 1")
    bot.engine.release("terraform taint x")

    await bot.shows(ts, "unconfirmed")


async def test_a_reader_cannot_confirm(bot: Bot) -> None:
    ts = await unconfirmed(bot)

    await bot.press("confirm", on=ts, by="rita")

    assert "no writer of net-prod" in await bot.whispers("rita", "writer")
    assert (await bot.run(1)).state is RunState.UNCONFIRMED


async def test_of_two_confirms_one_counts_and_the_other_is_told(bot: Bot) -> None:
    bot.engine.on(APPLY, block=True)
    ts = await unconfirmed(bot)

    await bot.press("confirm", on=ts, by="ann")
    await bot.tells(ts, "confirmed")
    await bot.reply("confirm", to=ts, by="bob")

    await bot.whispers("bob", "ann confirmed the plan of run 1 already")
    bot.engine.release(APPLY)
    assert (await bot.ends(1)).state is RunState.FINISHED
    assert len(bot.engine.jobs) == 2


async def test_a_confirm_for_a_run_that_is_over_says_what_to_do(bot: Bot) -> None:
    ts = await unconfirmed(bot)
    await bot.reply("discard", to=ts)
    await bot.ends(1)

    await bot.reply("confirm", to=ts)

    sentence = await bot.whispers("ann", "is over (discarded)")
    assert "/deploy net-prod" in sentence


async def test_a_hold_taken_meanwhile_keeps_others_from_confirming(bot: Bot) -> None:
    ts = await unconfirmed(bot)
    await bot.reply("lock: hands off", to=ts, by="bob")
    await bot.tells(ts, "holds")

    await bot.reply("confirm", to=ts, by="ann")

    assert "hands off" in await bot.whispers("ann", "held net-prod")
    assert (await bot.run(1)).state is RunState.UNCONFIRMED


async def test_a_confirmed_plan_cannot_be_stopped(bot: Bot) -> None:
    bot.engine.on(APPLY, block=True)
    ts = await unconfirmed(bot)
    await bot.reply("confirm", to=ts)
    await bot.shows(ts, "applying")

    await bot.reply("stop", to=ts)

    await bot.whispers("ann", "cannot be stopped")
    bot.engine.release(APPLY)
    assert (await bot.ends(1)).state is RunState.FINISHED


async def test_a_plan_can_be_stopped_while_it_is_made(bot: Bot) -> None:
    bot.engine.on(PLAN, b"refreshing\n", block=True)
    ts = await bot.deploy("net-prod")
    await bot.shows(ts, "planning")

    await bot.reply("stop", to=ts)

    assert (await bot.ends(1)).state is RunState.STOPPED


async def test_an_unconfirmed_plan_outlives_the_bot(tmp_path: Path) -> None:
    stack = a_stack(deploy=DEPLOY, program="terraform")
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        async with bot.start() as bot.handrail:
            ts = await unconfirmed(bot)

        async with bot.start() as bot.handrail:
            await bot.press("confirm", on=ts)

            assert (await bot.ends(1)).state is RunState.FINISHED
            assert len(bot.engine.jobs) == 2


async def test_an_apply_goes_on_when_the_bot_comes_back(tmp_path: Path) -> None:
    stack = a_stack(deploy=DEPLOY, program="terraform")
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.engine.on(APPLY, b"half\n", block=True, then=b"whole\n")
        async with bot.start() as bot.handrail:
            ts = await unconfirmed(bot)
            await bot.reply("confirm", to=ts)
            await bot.engine.reached(APPLY)
            await bot.tells(ts, "half")

        async with bot.start() as bot.handrail:
            await bot.tells(ts, "the run goes on")
            bot.engine.release(APPLY)

            assert (await bot.ends(1)).state is RunState.FINISHED
            assert await bot.output(1) == "made a plan\nhalf\nwhole"


async def test_a_stack_without_a_deploy_says_how_to_get_one(tmp_path: Path) -> None:
    async with a_running_bot(tmp_path, ScriptedEngine()) as bot:
        await bot.slash("net-prod", command="/deploy")

        assert "handrail.yaml" in await bot.whispers("ann", "net-prod has no deploy")


async def test_a_command_behind_deploy_is_refused(bot: Bot) -> None:
    await bot.slash("net-prod terraform destroy", command="/deploy")

    assert "/task net-prod &lt;command&gt;" in await bot.whispers(
        "ann", "/deploy takes"
    )


async def test_a_bot_that_dies_while_an_apply_initializes_masks_the_state_all_the_same(
    tmp_path: Path,
) -> None:
    stack = a_stack(deploy=DEPLOY, reading_state="terraform show -json -state")
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.engine.prepare("terraform show -json -state", STATE)
        bot.engine.prepare(APPLY, f"password = {SECRET}\n".encode())
        async with bot.start() as bot.handrail:
            ts = await unconfirmed(bot)
            bot.engine.on(INIT, b"half way\n", block=True)
            await bot.reply("confirm", to=ts)
            await bot.engine.reached(INIT)
            await bot.tells(ts, "half way")

        async with bot.start() as bot.handrail:
            await bot.tells(ts, "the run goes on")
            bot.engine.release(INIT)

            assert (await bot.ends(1)).state is RunState.FINISHED
            assert await bot.output(1) == "made a plan\nhalf way\npassword = *****"


async def test_an_apply_that_was_lost_before_it_began_begins_anew(
    tmp_path: Path,
) -> None:
    stack = a_stack(deploy=DEPLOY)
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        async with bot.start() as bot.handrail:
            ts = await unconfirmed(bot)
            bot.engine.on(INIT, block=True)
            await bot.reply("confirm", to=ts)
            await bot.engine.reached(INIT)
            installation = bot.handrail.installation
        bot.engine.lose("1", installation)
        bot.engine.prepare(INIT)
        bot.engine.prepare(APPLY, b"applied\n")

        async with bot.start() as bot.handrail:
            await bot.tells(ts, "*finished")

            assert (await bot.output(1)).count("applied") == 1


@pytest.mark.parametrize("said", ["redact", "add-mask"])
async def test_what_became_secret_while_planning_is_hidden_while_applying(
    bot: Bot, said: str
) -> None:
    announced = f"::add-mask::{SECRET}\n" if said == "add-mask" else f"{SECRET}\n"
    bot.engine.on(
        PLAN,
        announced.encode(),
        leaves={PLAN_FILE: b"saved", SUMMARY_FILE: ADDS_ONE},
    )
    bot.engine.prepare(APPLY, f"password = {SECRET}\n".encode())
    ts = await bot.deploy("net-prod")
    await bot.shows(ts, "unconfirmed")
    if said == "redact":
        await bot.reply(f"redact: {SECRET}", to=ts)
        await bot.tells(ts, "Redacted")

    await bot.reply("confirm", to=ts)
    await bot.ends(1)

    assert (await bot.output(1)).endswith("password = *****")


async def test_a_secret_in_the_apply_command_is_refused_before_it_is_recorded(
    tmp_path: Path,
) -> None:
    stack = a_stack(
        deploy=Deploy(plan=PLAN, apply=f"{APPLY} -var password={SECRET}"),
        secrets={"PASSWORD": FromEnv(variable="PASSWORD")},
    )
    async with a_bot(tmp_path, ScriptedEngine(), stack) as bot:
        bot.environ["PASSWORD"] = SECRET
        async with bot.start() as bot.handrail:
            await bot.slash("net-prod", command="/deploy")

            await bot.whispers("ann", "contains the value of PASSWORD")
            assert bot.roots() == []


async def test_a_plan_that_left_no_file_cannot_be_confirmed(tmp_path: Path) -> None:
    stack = a_stack(deploy=Deploy(plan=PLAN, apply='apply "$HANDRAIL_PLAN"'))
    async with a_running_bot(tmp_path, ScriptedEngine(), stack) as bot:
        ts = await bot.deploy("net-prod")

        final = await bot.tells(ts, "no file at $HANDRAIL_PLAN")

        assert "failed" in final
        assert (await bot.run(1)).state is RunState.FAILED
