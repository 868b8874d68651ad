"""Deploys by real Terraform: one container plans, another applies that very plan."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import pytest

from bot.catalog.deploying import usual
from bot.catalog.load import load
from bot.catalog.state_reading import calling, reading
from bot.demo.scene import scene
from bot.domain.plan import PLAN_FILE, SUMMARY_FILE, summary_of
from bot.domain.run import Reason, RunState
from bot.domain.stack import FromEnv, Stack, StackName
from runner.events import Ending
from runner.execute import execute
from runner.job import DirectorySource, Job, Phase, workspace_of
from tests.e2e.test_masked_forms import terraform_image
from tests.support.bot import Bot, a_stack, text_of
from tests.support.docker import busybox_image, engine_address, volumes_of
from tests.support.docker_bot import (
    Told,
    a_docker_bot,
    a_real_stack,
    everything_in_slack,
    told,
    told_in,
)
from tests.support.docker_runs import GRACE, Bench, a_bench
from tests.support.runs import SEAL, Record, masks_for

#: seconds, on a busy machine
PATIENCE = 90

MAIN = """
variable "secret" {
  type      = string
  sensitive = true
  default   = ""
}

resource "terraform_data" "network" {
  input = { range = "10.0.0.0/16", key = var.secret }
}

resource "terraform_data" "service" {
  for_each = toset(["api", "web"])
  input    = each.key
}
"""
LATER = 'resource "terraform_data" "later" {}\n'
INIT = "terraform -chdir=live init -input=false"
DEPLOY = usual("terraform -chdir=live")
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "echo provisioning; exec sleep 60"
  }
}
"""


@pytest.fixture
def source(tmp_path: Path) -> DirectorySource:
    live = tmp_path / "source" / "live"
    live.mkdir(parents=True)
    (live / "main.tf").write_text(MAIN)
    return DirectorySource(directory=tmp_path / "source")


def a_deployed_stack(source: DirectorySource, **changes: Any) -> Stack:
    program = calling(INIT, None, "")
    given = {
        "image": terraform_image(),
        "source": source,
        "init": INIT,
        "reading_state": reading(INIT, None),
        "program": program,
        "deploy": usual(program),
    }
    return a_real_stack(**given | changes)


async def planned(bot: Bot) -> str:
    """Have ann deploy net-prod, and return the thread once its plan waits."""
    ts = await bot.deploy("net-prod")
    await bot.shows(ts, "unconfirmed", PATIENCE)
    return ts


async def without_volumes(installation: str) -> None:
    """Wait until nothing is kept; what has ended is cleared away now and then."""
    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(  # noqa: ASYNC110 - an engine tells nobody
            volumes_of, installation
        ):
            await asyncio.sleep(1)


async def confirmed(bot: Bot, ts: str) -> Told:
    await bot.press("confirm", on=ts, by="bob")
    return await told_in(bot, ts)


async def test_a_plan_is_told_confirmed_by_a_writer_and_applied(
    tmp_path: Path, source: DirectorySource
) -> None:
    async with a_docker_bot(tmp_path, a_deployed_stack(source)) as bot:
        ts = await planned(bot)
        summary = await bot.tells(ts, '\n+ terraform_data.service["api"]')
        installation = (tmp_path / "data" / "installation").read_text()
        kept = volumes_of(installation)

        done = await confirmed(bot, ts)

        assert "3 to add, 0 to change, 0 to destroy" in summary
        assert done.run.state is RunState.FINISHED
        assert b"3 to add, 0 to change, 0 to destroy." in done.output
        assert b"Apply complete! Resources: 3 added" in done.output
        assert done.run.confirmed_by is not None
        assert done.run.confirmed_by.id == bot.people["bob"]
        assert [name.endswith(".run-1") for name in kept] == [True]
        await without_volumes(installation)


async def test_exactly_the_plan_is_applied_though_the_source_went_on(
    tmp_path: Path, source: DirectorySource
) -> None:
    async with a_docker_bot(tmp_path, a_deployed_stack(source)) as bot:
        ts = await planned(bot)
        (source.directory / "live" / "later.tf").write_text(LATER)

        done = await confirmed(bot, ts)

        assert b"Apply complete! Resources: 3 added" in done.output
        assert b"later" not in done.output


async def test_what_was_deployed_is_there_for_tasks_and_then_there_is_nothing_to_do(
    tmp_path: Path, source: DirectorySource
) -> None:
    stack = a_deployed_stack(source, persistent=True)
    async with a_docker_bot(tmp_path, stack) as bot:
        await confirmed(bot, await planned(bot))

        listed = await told(bot, "terraform -chdir=live state list")
        again = await told_in(bot, await bot.deploy("net-prod"))

        assert b"terraform_data.network\n" in listed.output
        assert again.run.state is RunState.FINISHED
        assert again.run.confirmed_by is None
        assert b"No changes." in again.output
        assert "changes nothing" in again.final


async def test_a_discarded_plan_leaves_nothing_behind(
    tmp_path: Path, source: DirectorySource
) -> None:
    async with a_docker_bot(tmp_path, a_deployed_stack(source)) as bot:
        ts = await planned(bot)

        await bot.press("discard", on=ts, by="bob")

        assert (await told_in(bot, ts)).run.state is RunState.DISCARDED
        installation = (tmp_path / "data" / "installation").read_text()
        await without_volumes(installation)


async def test_a_plan_that_cannot_be_made_is_a_failed_run(
    tmp_path: Path, source: DirectorySource
) -> None:
    (source.directory / "live" / "wrong.tf").write_text("output x {}")
    async with a_docker_bot(tmp_path, a_deployed_stack(source, init="")) as bot:
        done = await told_in(bot, await bot.deploy("net-prod"))

        assert (done.run.state, done.run.reason) == (RunState.FAILED, Reason.EXIT_CODE)
        assert done.run.summary == ""


async def test_no_secret_of_the_plan_is_told(
    tmp_path: Path, source: DirectorySource
) -> None:
    keyed = (
        'resource "terraform_data" "k" { for_each = toset([nonsensitive(var.secret)]) }'
    )
    (source.directory / "live" / "keyed.tf").write_text(keyed)
    stack = a_deployed_stack(
        source,
        init=f'export TF_VAR_secret="$KEY"; {INIT}',
        secrets={"KEY": FromEnv(variable="KEY")},
    )
    async with a_docker_bot(tmp_path, stack) as bot:
        bot.environ["KEY"] = "correct-horse-battery"
        ts = await planned(bot)
        summary = await bot.tells(ts, '\n+ terraform_data.k["*****"]')

        done = await confirmed(bot, ts)

        assert "4 to add, 0 to change, 0 to destroy" in summary
        assert done.run.state is RunState.FINISHED
        assert b"correct-horse" not in done.output
        assert "correct-horse" not in everything_in_slack(bot)


async def test_the_lock_that_a_command_ran_into_is_read_as_terraform_prints_it(
    tmp_path: Path, source: DirectorySource
) -> None:
    (source.directory / "live" / "slow.tf").write_text(SLOW)
    command = (
        "terraform -chdir=live apply -auto-approve >log 2>&1 & "
        "until grep -q provisioning log; do sleep 0.1; done; "
        "terraform -chdir=live plan"
    )
    async with a_docker_bot(tmp_path, a_deployed_stack(source)) as bot:
        done = await told(bot, command)

        assert b"Error acquiring the state lock" in done.output
        lock = done.run.state_lock
        assert lock is not None
        assert f"ID:        {lock.id}\n".encode() in done.output
        assert lock.operation == "OperationTypeApply"
        assert lock.id in done.final


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench
        await bench.engine.forget_workspace("1", bench.installation)


def a_job(bench: Bench, source: DirectorySource, command: str, **changes: Any) -> Job:
    plan = {
        "HANDRAIL_PLAN": f"/mnt/workspace/{PLAN_FILE}",
        "HANDRAIL_SUMMARY": f"/mnt/workspace/{SUMMARY_FILE}",
    }
    given = {
        "run": "1",
        "image": terraform_image(),
        "source": source,
        "initializing": (f"{INIT} >/dev/null",),
        "env": plan,
        "volume": workspace_of("1"),
    }
    return bench.job(command, **given | changes)


def a_planning(bench: Bench, source: DirectorySource) -> Job:
    return a_job(
        bench,
        source,
        DEPLOY.plan,
        after_perform=(f'{DEPLOY.summary} >"$HANDRAIL_SUMMARY"',),
        results=(PLAN_FILE, SUMMARY_FILE),
        harmless=True,
    )


async def test_a_plan_that_a_task_made_stale_is_refused_by_terraform_itself(
    bench: Bench, source: DirectorySource
) -> None:
    plan = await bench.execute(a_planning(bench, source))
    digest = sha256(plan.results[PLAN_FILE]).hexdigest()
    task = f"{DEPLOY.plan}2 >/dev/null; terraform -chdir=live apply -auto-approve"
    await bench.execute(a_job(bench, source, task, is_laid=True))

    expected = {PLAN_FILE: digest}
    job = a_job(bench, source, DEPLOY.apply, is_laid=True, expected=expected)
    outcome = await bench.execute(job)

    summary = summary_of(plan.results[SUMMARY_FILE])
    assert summary is not None
    assert summary.counts == "3 to add, 0 to change, 0 to destroy"
    assert outcome.exit_code == 1
    assert b"Saved plan is stale" in bench.record.output


async def test_a_terraform_that_is_stopped_gives_its_lock_back(
    bench: Bench, source: DirectorySource
) -> None:
    (source.directory / "live" / "slow.tf").write_text(SLOW)
    # An apply, since no plan without a provider takes long enough to be stopped.
    command = "terraform -chdir=live apply -auto-approve"
    stop, record = asyncio.Event(), Record()
    job = a_job(bench, source, command, harmless=True)
    running = asyncio.create_task(
        execute(
            job,
            bench.engine,
            record,
            masks=masks_for(job),
            seal=SEAL,
            stop=stop,
            sources=bench.sources,
            grace=GRACE * 10,
        )
    )
    await record.printed(b"provisioning")

    stop.set()
    outcome = await running
    left = "ls -A live; terraform -chdir=live plan -lock=true >/dev/null && echo free"
    (source.directory / "live" / "slow.tf").unlink()
    await bench.execute(a_job(bench, source, left, is_laid=True))

    assert (outcome.ending, outcome.phase) == (Ending.STOPPED, Phase.PERFORMING)
    assert outcome.note == ""
    assert b"Interrupt received" in record.output
    assert b"lock.info" not in bench.record.output
    assert b"free" in bench.record.output


async def test_the_sample_stack_of_the_demo_is_deployed(tmp_path: Path) -> None:
    environ = {**os.environ, **engine_address().environment}
    async with scene(tmp_path, environ, print) as demo:
        sandbox = demo.sandbox

        def said(words: str) -> dict[str, Any]:
            own = [m for m in sandbox.messages(demo.channel) if m.get("bot_id")]
            threads = [sandbox.thread(demo.channel, m["ts"]) for m in own]
            told = (message for thread in threads for message in thread)
            return next((m for m in told if words in text_of(m)), {})

        await sandbox.slash("/deploy sample", by=demo.writer, channel=demo.channel)
        await sandbox.wait_for(
            lambda: said('\n+ terraform_data.service["mail"]'), PATIENCE
        )
        root = sandbox.messages(demo.channel)[-1]["ts"]
        await sandbox.wait_for(lambda: said("unconfirmed"), PATIENCE)
        await sandbox.click(
            action_id="confirm",
            by=demo.writer,
            channel=demo.channel,
            message_ts=root,
        )
        await sandbox.wait_for(lambda: said("finished, exit code 0"), PATIENCE)

        assert said("Apply complete! Resources: 1 added")


async def test_the_demo_without_terraform_deploys_too(tmp_path: Path) -> None:
    folder = Path(str(files("bot.demo"))) / "shell"
    values = {"workspace": "T0123ABCD", "admin": "U0ADA", "source": str(folder)}
    text = Template((folder / "handrail.yaml").read_text())
    config = tmp_path / "handrail.yaml"
    config.write_text(text.substitute(values, image=busybox_image()))
    sample = load(config).stacks[StackName("sample")]
    stack = replace(sample, name=StackName("net-prod"), writers=a_stack().writers)
    async with a_docker_bot(tmp_path, stack) as bot:
        bot.environ["DEMO_DB_PASSWORD"] = "correct-horse-battery"
        ts = await planned(bot)
        await bot.tells(ts, "1 greeting to add")

        done = await confirmed(bot, ts)

        assert done.run.state is RunState.FINISHED
        assert done.output.endswith(b"Hello, ann.\n")
