"""What a container came to is told before it is gone."""

import asyncio
from typing import Any

import pytest

from runner.events import Concluded, Ending, Event
from runner.job import Phase
from tests.contract.runner.rigs import BUSY, PLANNING, WAITING, Rig
from tests.contract.runner.runs import again, called_off, job_for, run
from tests.support.runs import Record


class Looking(Record):
    """Looks which containers there are when it is told of the conclusion."""

    def __init__(self, rig: Rig, **given: Any) -> None:
        super().__init__(**given)
        self.rig = rig
        self.there: tuple[str, ...] = ()

    async def tell(self, event: Event) -> None:
        await super().tell(event)
        if isinstance(event, Concluded):
            self.there = await self.rig.engine.left_behind(self.rig.installation)


class Dying(Record):
    """Goes away in the moment in which it is told of the conclusion."""

    async def tell(self, event: Event) -> None:
        await super().tell(event)
        if isinstance(event, Concluded):
            raise OSError("the bot is gone")


async def test_it_is_told_last_and_while_the_container_is_there(rig: Rig) -> None:
    record = Looking(rig)
    job = job_for(rig, PLANNING, results=("handrail.plan",))

    outcome = await run(rig, record, job, asyncio.Event())

    assert isinstance(record.events[-1], Concluded)
    assert record.there == (job.run,)
    assert record.concluded == [outcome]
    assert outcome.results == {"handrail.plan": b"planned\n"}


async def test_it_is_told_of_a_run_that_was_stopped(rig: Rig) -> None:
    record, stop = Record(), asyncio.Event()
    job = job_for(rig, "echo done", initializing=(BUSY,))
    running = asyncio.create_task(run(rig, record, job, stop))
    await record.printed(b"busy")

    stop.set()
    outcome = await running

    assert record.concluded == [outcome]
    assert (outcome.ending, outcome.phase) == (Ending.STOPPED, Phase.INITIALIZING)


async def test_it_is_told_again_by_whoever_takes_the_run_up(rig: Rig) -> None:
    dying, record = Dying(), Record()
    job = job_for(rig, PLANNING, results=("handrail.plan",))
    running = asyncio.gather(
        run(rig, dying, job, asyncio.Event()), return_exceptions=True
    )
    await running

    outcome = await again(rig, record, job, dying)

    assert record.concluded == dying.concluded == [outcome]
    assert await rig.engine.left_behind(rig.installation) == ()


async def test_nothing_is_concluded_of_a_run_that_is_left(rig: Rig) -> None:
    record = Record()
    job = job_for(rig, BUSY)
    running = asyncio.create_task(run(rig, record, job, asyncio.Event()))
    await record.printed(b"busy")

    await called_off(running)

    assert record.concluded == []
    container = await rig.engine.find(job.run, job.installation)
    assert container is not None
    assert await container.remove()


@pytest.mark.parametrize("running", [True, False])
async def test_an_end_that_was_begun_is_the_same_for_whoever_takes_it_up(
    rig: Rig, running: bool
) -> None:
    dying, record, stop = Dying(), Record(), asyncio.Event()
    job = job_for(rig, "echo done", initializing=(BUSY,))
    first = asyncio.create_task(run(rig, dying, job, stop))
    await dying.printed(b"busy")
    container = await rig.engine.find(job.run, job.installation)
    assert container is not None
    if running:
        await container.condemn(Ending.STOPPED)
        await called_off(first)
    else:
        stop.set()
        await asyncio.gather(first, return_exceptions=True)

    outcome = await again(rig, record, job, dying)

    assert record.concluded == [outcome]
    assert (outcome.ending, outcome.exit_code) == (Ending.STOPPED, 130)
    assert dying.output + record.output == b"busy\n"


async def test_nobody_stops_what_performs_by_saying_that_it_was_stopped(
    rig: Rig,
) -> None:
    seen, record = Record(), Record()
    job = job_for(rig, WAITING)
    running = asyncio.create_task(run(rig, seen, job, asyncio.Event()))
    await seen.printed(b"first")
    container = await rig.engine.find(job.run, job.installation)
    assert container is not None
    await container.condemn(Ending.STOPPED)
    await called_off(running)
    await rig.release(job.run)

    outcome = await again(rig, record, job, seen)

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
