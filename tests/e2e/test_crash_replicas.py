"""One of two replicas is killed, and the other finishes what that one began."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from tests.support import postgres
from tests.support.command_line import Process
from tests.support.crash_checks import check_over
from tests.support.crash_stage import COMMAND, LEAVING, OF_THE_TASK, a_stage
from tests.support.postgres import Postgres

#: three processes are started, one after the other, on a busy machine
pytestmark = pytest.mark.timeout(240)

#: seconds: a replica that is not heard of is believed dead after 20
PATIENCE = 60
POINTS = (
    ("submit stored", "started", "container created"),
    ("initializing stored", "performing stored", "output stored"),
    ("conclusion stored", "end stored", "final sent"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres.serving() as server:
        yield server


async def survivor(replicas: Sequence[Process]) -> Process:
    """Wait until one of two is killed, and return the other."""
    ends = {asyncio.create_task(each.inner.wait()): each for each in replicas}
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    ((dead, killed),) = [(end, each) for end, each in ends.items() if end.done()]
    assert dead.result() == -SIGKILL
    (left,) = (each for each in replicas if each is not killed)
    return left


async def is_finished_by_the_other(folder: Path, url: str, point: str) -> None:
    async with a_stage(folder, database_url=url) as stage:
        seen = stage.setup.seen
        async with stage.two_replicas(point) as replicas:
            stage.says(f"/task {COMMAND}")
            left = await survivor(replicas)

            await seen.sandbox.wait_for(seen.roots, PATIENCE)
            ts = str(seen.roots()[0]["ts"])
            await seen.tells(ts, "exit code 3*", PATIENCE)
            await seen.shows(ts, "exit code 3", PATIENCE)
            await stage.is_told()
            left.inner.send_signal(SIGTERM)
            assert await left.ended(within=LEAVING) == 0

        table = await check_over(stage)
        assert table.runs == [(1, "failed", "exit_code", 3)]
        _, output = await stage.setup.recorded(1)
        assert output == OF_THE_TASK


@pytest.mark.parametrize("points", POINTS, ids=", ".join)
async def test_a_run_whose_replica_is_killed_is_finished_by_the_other_one(
    tmp_path: Path, server: Postgres, points: Sequence[str]
) -> None:
    # Most of the time a lease is waited for, so three pairs do that at once.
    async with AsyncExitStack() as databases, asyncio.TaskGroup() as pairs:
        for number, point in enumerate(points):
            url = await databases.enter_async_context(server.empty_database())
            folder = tmp_path / str(number)
            pairs.create_task(is_finished_by_the_other(folder, url, point))
