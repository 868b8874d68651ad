"""The bot is killed after each step of a task, once, and is started again."""

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.command_line import handrail
from tests.support.crash_checks import check_over, table_of
from tests.support.crash_stage import COMMAND, OF_THE_TASK, PATIENCE, Stage, a_stage

#: three processes are started, one after the other, on a busy machine
pytestmark = pytest.mark.timeout(240)

#: Nothing was recorded: it is as if nobody had typed anything, and Slack says so.
FORGOTTEN = ("migrating", "slash heard")
#: Nothing came of it, which is told to whoever typed it.
UNDONE = ("slash noted", "role asked", "submit not committed")
#: Nobody had begun it.
WAITING = (
    "submit stored",
    "promote not committed",
    "promoted",
    "start not committed",
)
#: A replica owned it, and had not told its end.
UNDER_WAY = (
    "started",
    "secrets read",
    "source fetched",
    "image resolved",
    "container made, empty",
    "container created",
    "container recorded",
    "container started",
    "initializing stored",
    "state read",
    "state's values kept",
    "at the gate",
    "performing stored",
    "gate opened",
    "output read",
    "output not committed",
    "output stored",
    "container exited",
    "conclusion stored",
    "container removed",
    "at the end",
    "end not committed",
    "tail sent",
)
#: Nothing was left to do but to tell.
OVER = ("end stored", "file uploaded", "final sent", "final noted")
#: How far the run had come beside it is another matter.
TOLD = ("header sent", "header noted", "echo sent", "header changed")
AGAIN = (
    "started",
    "container created",
    "initializing stored",
    "performing stored",
    "output begun",
    "container exited",
    "end stored",
    "final sent",
)


async def dies(stage: Stage, point: str) -> None:
    """Have the task asked for, by a bot that is killed at *point*."""
    async with stage.dying(point) as doomed:
        if point != "migrating":
            await doomed.says("Handrail serves")
            stage.says(f"/task {COMMAND}")
        assert await doomed.ended() == -SIGKILL


async def check_told(stage: Stage) -> None:
    """Check that the one run is told, from its beginning to its end."""
    table = await check_over(stage)
    assert table.runs == [(1, "failed", "exit_code", 3)]
    run, output = await stage.setup.recorded(1)
    assert output == OF_THE_TASK
    assert run.command == COMMAND.removeprefix("net-prod ")


async def ends(stage: Stage) -> None:
    """Wait until the one thread tells how its run ended."""
    seen = stage.setup.seen
    await seen.sandbox.wait_for(seen.roots, PATIENCE)
    ts = str(seen.roots()[0]["ts"])
    await seen.tells(ts, "failed: the command failed, exit code 3*", PATIENCE)
    await seen.shows(ts, "failed: the command failed, exit code 3", PATIENCE)


def told_to_go_on(stage: Stage) -> int:
    """Return how often the one thread was told that its run goes on."""
    (root,) = stage.setup.seen.roots()
    told = stage.setup.seen.told(root["ts"])
    return sum("Handrail was restarted; the run goes on." in text for text in told)


@pytest.mark.parametrize("point", [*WAITING, *UNDER_WAY, *OVER, *TOLD])
async def test_a_task_that_was_recorded_ends_as_if_nobody_had_been_killed(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        await dies(stage, point)

        async with stage.serving():
            await ends(stage)
            await stage.setup.seen.sandbox.redeliver_last()

        await check_told(stage)
        assert point in TOLD or told_to_go_on(stage) == (point in UNDER_WAY)


async def test_a_task_survives_a_bot_that_is_killed_again_and_again(
    tmp_path: Path,
) -> None:
    async with a_stage(tmp_path) as stage:
        await dies(stage, AGAIN[0])
        for point in AGAIN[1:]:
            async with stage.dying(point) as doomed:
                assert await doomed.ended() == -SIGKILL

        async with stage.serving():
            await ends(stage)

        await check_told(stage)
        command = ("audit", "verify", "--channel", "all")
        verified = await handrail(*command, **stage.setup.settings)
        assert (verified.code, verified.err) == (0, "")


@pytest.mark.parametrize("point", FORGOTTEN)
async def test_a_task_that_was_not_recorded_left_nothing_and_can_be_asked_for_again(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        await dies(stage, point)
        left = stage.setup.seen.roots(), stage.lives.starts.total()
        for typed in stage.typing:
            assert (await typed).error == "operation_timeout"  # what Slack shows then

        async with stage.serving():
            recorded = (await table_of(stage)).runs
            stage.says(f"/task {COMMAND}")
            await ends(stage)

        assert (left, recorded) == (([], 0), [])
        await check_told(stage)


@pytest.mark.parametrize("point", UNDONE)
async def test_of_a_task_that_was_heard_and_not_recorded_its_sender_is_told(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        await dies(stage, point)
        left = stage.setup.seen.roots(), stage.lives.starts.total()

        async with stage.serving():
            await stage.setup.seen.hears("ann", "heard your `/task` of", PATIENCE)
            await stage.setup.seen.sandbox.redeliver_last()
            recorded = (await table_of(stage)).runs
            stage.says(f"/task {COMMAND}")
            await ends(stage)

        assert (left, recorded) == (([], 0), [])
        await check_told(stage)
