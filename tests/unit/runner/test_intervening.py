"""Nothing is done to a container before its watcher has had a say."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from runner.events import Event, Intervening
from runner.job import Limits
from tests.support.runs import INSTALLATION, a_job
from tests.unit.runner.bots import Bench, Kept


class NotMine(Exception):
    """The run is another's by now."""


class Stale(Kept):
    """Belongs to a process that has been given up by the others."""

    async def tell(self, event: Event) -> None:
        await super().tell(event)
        if isinstance(event, Intervening):
            raise NotMine


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path / "cache")
    bench.record = Stale()
    bench.engine.on("apply", b"one ", block=True, then=b"two")
    bench.engine.on("init", b"init ", block=True)
    return bench


@pytest.mark.parametrize(
    "limits",
    [
        Limits(run_timeout=timedelta(seconds=0.05)),
        Limits(silence_timeout=timedelta(seconds=0.05)),
    ],
)
async def test_who_has_lost_a_run_ends_it_for_no_time(
    bench: Bench, limits: Limits
) -> None:
    with pytest.raises(NotMine):
        await bench.run(a_job("apply", limits=limits))

    await goes_on(bench, "apply")


async def test_who_has_lost_a_run_stops_it_for_nobody(bench: Bench) -> None:
    running = asyncio.create_task(bench.run(a_job("true", initializing=("init",))))
    await bench.record.printed(b"init ")

    bench.stop.set()
    with pytest.raises(NotMine):
        await running

    await goes_on(bench, "init")


async def test_who_has_lost_a_run_removes_nothing_that_was_not_started(
    bench: Bench,
) -> None:
    job = a_job("apply")
    bench.record.fails_at = 1  # told of its creation
    with pytest.raises(OSError, match="gone"):
        await bench.run(job)
    seen, bench.record = bench.record, Stale()

    with pytest.raises(NotMine):
        await bench.take_up(job, seen)

    assert await bench.engine.left_behind(INSTALLATION) == ("run-1",)


async def goes_on(bench: Bench, text: str) -> None:
    container = await bench.container()
    assert (await container.vitals()).running
    bench.engine.release(text)
    assert await container.remove()
