"""The bot is told to end at each phase of a run, and is started again."""

from pathlib import Path
from signal import SIGTERM
from time import time

import pytest

from tests.support.crash_checks import check_over
from tests.support.crash_stage import (
    COMMAND,
    LEAVING,
    OF_THE_TASK,
    PATIENCE,
    a_stage,
)

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
