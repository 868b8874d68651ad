"""The bot is told to end at each phase of a run, and is started again."""

from pathlib import Path
from signal import SIGKILL, SIGTERM
from time import time

import pytest

from tests.support.command_line import started
from tests.support.crash_checks import check_over, table_of
from tests.support.crash_stage import (
    COMMAND,
    LEAVING,
    OF_THE_TASK,
    PATIENCE,
    a_stage,
)
from tests.support.docker import run_in

#: three processes are started, one after the other, on a busy machine
pytestmark = pytest.mark.timeout(240)

UNTIL_TOLD = "until [ -e /tmp/go ]; do sleep 0.1; done"
PHASES = (
    "submit stored",
    "promoted",
    "started",
    "source fetched",
    "container created",
    "container started",
    "initializing stored",
    "state read",
    "at the gate",
    "performing stored",
    "gate opened",
    "output stored",
    "container exited",
    "conclusion stored",
    "container removed",
    "end stored",
    "file uploaded",
    "final sent",
)


@pytest.mark.parametrize("point", PHASES)
async def test_a_bot_that_is_told_to_end_leaves_its_run_to_the_next_one(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        seen = stage.setup.seen
        async with stage.dying(point, SIGTERM) as leaving:
            await leaving.says("Handrail serves")
            stage.says(f"/task {COMMAND}")
            code = await leaving.ended()
            took = time() - stage.marker(point).stat().st_mtime

        async with stage.serving():
            await seen.sandbox.wait_for(seen.roots, PATIENCE)
            ts = str(seen.roots()[0]["ts"])
            await seen.tells(ts, "exit code 3*", PATIENCE)
            await seen.shows(ts, "exit code 3", PATIENCE)

        table = await check_over(stage)
        assert took < LEAVING
        assert (code, table.runs) == (0, [(1, "failed", "exit_code", 3)])
        _, output = await stage.setup.recorded(1)
        assert output == OF_THE_TASK


async def test_a_drain_outlives_a_bot_that_is_killed_and_waits_for_its_run(
    tmp_path: Path,
) -> None:
    async with a_stage(tmp_path) as stage:
        seen, settings = stage.setup.seen, stage.setup.settings
        async with stage.setup.serving() as killed:
            ts = await seen.task(f"net-prod {UNTIL_TOLD}")
            await seen.shows(ts, "performing", PATIENCE)
            async with started("drain", **settings) as drain:
                await drain.says("Waiting for run 1")
                await killed.told(SIGKILL)
                async with stage.serving():
                    later = await seen.task("net-prod true", by="bob")
                    await seen.tells(later, "Nothing starts at the moment", PATIENCE)
                    run_in(stage.setup.container(1), ": > /tmp/go")
                    await seen.tells(ts, "finished, exit code 0*", PATIENCE)
                    code = await drain.ended()
        drained = (await table_of(stage)).runs
        async with stage.serving():
            await seen.tells(later, "finished, exit code 0*", PATIENCE)

        assert code == 0
        assert [state for _, state, *_ in drained] == ["finished", "ready"]
