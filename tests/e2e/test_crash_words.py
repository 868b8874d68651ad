"""The bot is killed when it has heard what somebody replied, and is started again."""

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.crash_checks import table_of
from tests.support.crash_stage import PATIENCE, Stage, a_stage
from tests.support.docker import containers_of, run_in

#: three processes are started, one after the other, on a busy machine
pytestmark = pytest.mark.timeout(240)

UNTIL_TOLD = "until [ -e /tmp/go ]; do sleep 0.1; done"
HELD = ("word noted", "hold not committed", "hold stored", "hold sent")
RELEASED = ("release stored", "release sent")
STOPPED_SO = "stopped, exit code 130 (ended by signal 2)*"
STOPPED = ("word noted", "stop stored", "stop sent", "interrupted")


async def performing(stage: Stage, command: str) -> str:
    """Have *command* perform, and return its thread."""
    ts = await stage.setup.seen.task(f"net-prod {command}")
    await stage.setup.seen.shows(ts, "performing", PATIENCE)
    return ts


def told_once(stage: Stage, ts: str, words: str) -> bool:
    return sum(words in text for text in stage.setup.seen.told(ts)) == 1


@pytest.mark.parametrize("point", HELD)
async def test_a_hold_is_taken_and_told_once_whenever_the_bot_is_killed(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        seen = stage.setup.seen
        async with stage.dying(point) as doomed:
            await doomed.says("Handrail serves")
            ts = await performing(stage, UNTIL_TOLD)
            await seen.reply("lock: moving the state", to=ts)
            assert await doomed.ended() == -SIGKILL

        async with stage.serving():
            await seen.tells(ts, "holds *net-prod*", PATIENCE)
            run_in(stage.setup.container(1), ": > /tmp/go")
            await seen.tells(ts, "finished, exit code 0*", PATIENCE)

        table = await table_of(stage)
        assert (table.holds, table.claims, table.faults) == (["net-prod"], 0, [])
        assert told_once(stage, ts, "holds *net-prod*")


@pytest.mark.parametrize("point", RELEASED)
async def test_a_hold_is_released_and_told_once_whenever_the_bot_is_killed(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path) as stage:
        seen = stage.setup.seen
        async with stage.dying(point) as doomed:
            await doomed.says("Handrail serves")
            ts = await performing(stage, "true")
            await seen.reply("lock", to=ts)
            await seen.tells(ts, "holds *net-prod*", PATIENCE)
            await seen.reply("unlock", to=ts)
            assert await doomed.ended() == -SIGKILL

        async with stage.serving():
            await seen.tells(ts, "released *net-prod*", PATIENCE)

        table = await table_of(stage)
        assert (table.holds, table.faults) == ([], [])
        assert told_once(stage, ts, "released *net-prod*")


@pytest.mark.parametrize("point", STOPPED)
async def test_a_run_that_was_asked_to_stop_is_stopped_whenever_the_bot_is_killed(
    tmp_path: Path, point: str
) -> None:
    async with a_stage(tmp_path, init=UNTIL_TOLD) as stage:
        seen = stage.setup.seen
        async with stage.dying(point) as doomed:
            await doomed.says("Handrail serves")
            ts = await seen.task("net-prod echo never")
            await seen.shows(ts, "initializing", PATIENCE)
            await seen.reply("stop", to=ts)
            assert await doomed.ended() == -SIGKILL

        async with stage.serving():
            await seen.tells(ts, STOPPED_SO, PATIENCE)

        table = await table_of(stage)
        assert table.runs == [(1, "stopped", None, 130)]
        assert (table.claims, table.faults) == (0, [])
        assert containers_of(stage.setup.installation) == []
        assert told_once(stage, ts, STOPPED_SO)
