"""Runs that go wrong on the real engine: the reason, and a sentence with a way out."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.run import Reason, Run, RunState
from bot.domain.stack import FromEnv
from bot.installation import remember_engine
from runner.docker.address import EngineAddress
from runner.docker.engine import DockerEngine
from runner.job import GitSource, Limits
from tests.support.bot import Bot, a_running_bot
from tests.support.command_line import handrail
from tests.support.docker_bot import a_docker_bot, a_real_stack, told
from tests.support.setup import a_setup


def failed_for(run: Run) -> Reason | None:
    """Return the reason of a failed run."""
    assert run.state is RunState.FAILED
    return run.reason


async def states_of(bot: Bot, run: Run) -> list[RunState]:
    """Return the states that *run* went through."""
    passed = await bot.handrail.archive.transitions(run.id)
    return [step.to_state for step in passed]


async def test_an_image_that_is_nowhere_is_named_with_what_to_do(
    tmp_path: Path,
) -> None:
    image = "localhost:1/no-such/image:9"
    async with a_docker_bot(tmp_path, a_real_stack(image=image)) as bot:
        seen = await told(bot, "true")

        assert failed_for(seen.run) is Reason.IMAGE
        assert seen.run.exit_code is None
        assert "failed: the image is not to be had" in seen.final
        assert f"The image {image} is not on the engine's host" in seen.final
        assert "Check its name" in seen.final


async def test_after_a_failed_init_the_command_never_runs(tmp_path: Path) -> None:
    init = "echo no backend here; exit 2"
    async with a_docker_bot(tmp_path, a_real_stack(init=init)) as bot:
        seen = await told(bot, "echo the command ran")

        assert failed_for(seen.run) is Reason.INIT
        assert "failed: the initialization failed, exit code 2" in seen.final
        assert seen.output == b"no backend here\n"
        assert RunState.PERFORMING not in await states_of(bot, seen.run)
        await bot.shows(seen.ts, "the initialization failed, exit code 2")


async def test_a_command_that_is_not_there_is_said_to_be_not_found(
    tmp_path: Path,
) -> None:
    async with a_docker_bot(tmp_path) as bot:
        seen = await told(bot, "terrafrom plan")

        assert failed_for(seen.run) is Reason.EXIT_CODE
        assert seen.run.exit_code == 127
        assert "exit code 127 (command not found)" in seen.final
        assert b"terrafrom: not found" in seen.output


async def test_a_command_that_takes_too_much_memory_is_said_to(
    tmp_path: Path,
) -> None:
    stack = a_real_stack(limits=Limits(memory=16 << 20))
    async with a_docker_bot(tmp_path, stack) as bot:
        # tail keeps all of a line that never ends.
        seen = await told(bot, "tail -c +1 /dev/zero | tail -n 1")

        assert failed_for(seen.run) is Reason.OUT_OF_MEMORY
        assert "it needed more memory than the stack allows" in seen.final
        assert "state may be partial" in seen.final


async def test_a_command_that_takes_too_long_is_ended_with_a_warning(
    tmp_path: Path,
) -> None:
    stack = a_real_stack(limits=Limits(run_timeout=timedelta(seconds=2)))
    async with a_docker_bot(tmp_path, stack) as bot:
        seen = await told(bot, "echo applying; sleep 60")

        assert failed_for(seen.run) is Reason.TIMEOUT
        assert "it ran longer than the stack allows" in seen.final
        assert "state may be partial" in seen.final
        assert seen.output == b"applying\n"


async def test_a_secret_that_is_not_set_is_named_and_nothing_starts(
    tmp_path: Path,
) -> None:
    stack = a_real_stack(secrets={"DB_PASSWORD": FromEnv(variable="NET_DB_PASSWORD")})
    async with a_docker_bot(tmp_path, stack) as bot:
        await bot.slash("net-prod true")

        await bot.whispers("ann", "DB_PASSWORD: the environment variable NET_DB_PASS")
        assert bot.roots() == []


async def test_a_source_that_cannot_be_fetched_is_named_with_what_to_do(
    tmp_path: Path,
) -> None:
    url = f"file://{tmp_path}/gone.git"
    stack = a_real_stack(source=GitSource(url=url, ref="main"))
    async with a_docker_bot(tmp_path, stack) as bot:
        seen = await told(bot, "true")

        assert failed_for(seen.run) is Reason.SOURCE
        assert "the source is not to be had" in seen.final
        assert f"Could not fetch main of {url}" in seen.final
        assert "check its address, the ref" in seen.final


async def test_without_an_engine_a_run_waits_and_its_stack_can_be_freed(
    tmp_path: Path,
) -> None:
    nowhere = EngineAddress(url=f"unix://{tmp_path}/no.sock", origin="the test")
    (tmp_path / "data").mkdir()
    remember_engine(tmp_path / "data", "an engine that answered once")
    async with (
        DockerEngine(nowhere) as engine,
        a_running_bot(tmp_path, engine, a_real_stack()) as bot,
    ):
        for _ in range(2):
            ts = await bot.task("net-prod true")
            told = await bot.tells(ts, "The run begins once the engine answers")
            assert "does not answer" in told

            await bot.reply("stop", to=ts)
            await bot.tells(ts, "*stopped")


@pytest.mark.parametrize("command", ["serve", "check"])
async def test_without_an_engine_the_command_line_says_what_to_do(
    tmp_path: Path, command: str
) -> None:
    async with a_setup(tmp_path) as setup:
        nowhere = f"unix://{tmp_path}/no.sock"

        done = await handrail(command, **setup.settings | {"DOCKER_HOST": nowhere})

        assert done.code == 1
        (sentence,) = done.err.splitlines()
        assert f"DOCKER_HOST names ({nowhere}) does not answer" in sentence
        assert "Start it, or unset DOCKER_HOST" in sentence


@pytest.mark.parametrize("command", ["serve", "check"])
async def test_a_wrong_token_is_one_sentence_with_where_the_right_one_is(
    tmp_path: Path, command: str
) -> None:
    async with a_setup(tmp_path) as setup:
        wrong = "xoxb-1-wrong"

        done = await handrail(command, **setup.settings | {"SLACK_BOT_TOKEN": wrong})

        assert done.code == 1
        assert done.err == (
            "Slack does not take SLACK_BOT_TOKEN (invalid_auth). Copy the bot token "
            "from the app's page, OAuth & Permissions; it begins with xoxb-.\n"
        )
