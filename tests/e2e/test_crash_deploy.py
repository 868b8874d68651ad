"""The bot is killed after each step of a deploy, once, and is started again."""

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.crash_checks import check_over
from tests.support.crash_stage import OF_THE_DEPLOY, PATIENCE, Stage, a_stage

#: three processes are started, one after the other, on a busy machine
pytestmark = pytest.mark.timeout(240)

PLANNING = (
    "started",
    "container created",
    "planning stored",
    "output stored",
    "plan read",
    "conclusion stored",
    "container removed",
    "plan not stored",
    "plan stored",
    "plan sent",
)
CONFIRMED = (
    "confirm stored",
    "confirm sent",
    "applying stored",
    "applier created",
    "applier started",
    "at the gate of apply",
    "applying begun",
    "gate of apply opened",
    "applier's output stored",
    "applier exited",
    "apply concluded",
    "applier removed",
    "end stored",
    "final sent",
)


async def plan(stage: Stage) -> str:
    """Wait until the plan is told, and return its thread."""
    seen = stage.setup.seen
    await seen.sandbox.wait_for(seen.roots, PATIENCE)
    ts = str(seen.roots()[0]["ts"])
    await seen.tells(ts, "1 to add, 0 to change, 0 to destroy", PATIENCE)
    return ts


async def check_applied(stage: Stage, ts: str) -> None:
    """Wait for the end of the deploy, and check that it is told as one."""
    async with stage.serving():
        await stage.setup.seen.tells(ts, "finished, exit code 0*", PATIENCE)
        await stage.setup.seen.shows(ts, "finished, exit code 0", PATIENCE)

    table = await check_over(stage, containers=2)
    assert table.runs == [(1, "finished", None, 0)]
    _, output = await stage.setup.recorded(1)
    assert output == OF_THE_DEPLOY


@pytest.mark.parametrize("point", PLANNING)
async def test_a_deploy_whose_bot_is_killed_while_it_plans_is_planned_and_applied(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        async with stage.dying(point) as doomed:
            await doomed.says("Handrail serves")
            stage.says("/deploy net-prod")
            assert await doomed.ended() == -SIGKILL
        async with stage.serving():
            ts = await plan(stage)
            await stage.setup.seen.shows(ts, "unconfirmed", PATIENCE)
            await stage.setup.seen.reply("confirm", to=ts)
            await stage.setup.seen.tells(ts, "confirmed", PATIENCE)

        await check_applied(stage, ts)


@pytest.mark.parametrize("point", CONFIRMED)
async def test_a_deploy_whose_bot_is_killed_once_it_is_confirmed_is_applied_once(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        async with stage.dying(point) as doomed:
            await doomed.says("Handrail serves")
            stage.says("/deploy net-prod")
            ts = await plan(stage)
            await stage.setup.seen.shows(ts, "unconfirmed", PATIENCE)
            await stage.setup.seen.reply("confirm", to=ts)
            assert await doomed.ended() == -SIGKILL

        await check_applied(stage, ts)
