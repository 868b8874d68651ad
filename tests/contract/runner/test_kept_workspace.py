"""What is taken out of a workspace, and what is kept of it for the next container."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from runner.events import Ending, Outcome
from runner.execute import resume
from runner.job import GitSource, Job, Phase, workspace_of
from runner.masking.masker import Masks
from tests.contract.runner.rigs import (
    BUSY,
    FAILING,
    LEAVING,
    PLANNING,
    TOO_MUCH,
    Rig,
)
from tests.contract.runner.runs import called_off, job_for, run
from tests.support.runs import SEAL, Record

PLAN = "handrail.plan"
DIGEST = sha256(b"planned\n").hexdigest()

#: A source that cannot be fetched.
NOWHERE = GitSource(url="file:///nowhere/at/all", ref="main")


@pytest.fixture(autouse=True)
async def cleared(rig: Rig) -> AsyncIterator[None]:
    yield
    await rig.engine.forget_workspace("run-1", rig.installation)


def a_planning(rig: Rig, command: str = PLANNING, **changes: Any) -> Job:
    job = {"volume": workspace_of("run-1"), "results": (PLAN,), "harmless": True}
    return job_for(rig, command, **(job | changes))


def an_applying(rig: Rig, command: str = "echo done", **changes: Any) -> Job:
    job = {"volume": workspace_of("run-1"), "is_laid": True, "source": NOWHERE}
    return job_for(rig, command, **(job | changes))


async def ended(rig: Rig, job: Job, record: Record | None = None) -> Outcome:
    return await run(rig, record or Record(), job, asyncio.Event())


async def taken_up(
    rig: Rig, job: Job, seen: Record, stop: asyncio.Event | None = None
) -> Outcome:
    return await resume(
        job.run,
        job.installation,
        rig.engine,
        Record(),
        limits=job.limits,
        masks=Masks(),
        seal=SEAL,
        stop=stop or asyncio.Event(),
        reached=seen.reached,
        position=seen.position,
    )


async def left_running(rig: Rig, job: Job, printed: bytes) -> Record:
    """Return what was told of *job*, which goes on without its bot."""
    seen = Record()
    running = asyncio.create_task(run(rig, seen, job, asyncio.Event()))
    await seen.printed(printed)
    await called_off(running)
    return seen


async def test_what_a_job_wants_out_of_its_workspace_is_taken(rig: Rig) -> None:
    outcome = await ended(rig, a_planning(rig, results=(PLAN, "missing")))

    assert outcome.results == {PLAN: b"planned\n"}
    assert outcome.container_gone


async def test_nothing_is_taken_from_a_job_that_failed(rig: Rig) -> None:
    outcome = await ended(rig, a_planning(rig, FAILING))

    assert (outcome.exit_code, outcome.results) == (7, {})


async def test_a_file_that_is_too_large_is_not_taken(rig: Rig) -> None:
    outcome = await ended(rig, a_planning(rig, TOO_MUCH))

    assert (outcome.exit_code, outcome.results) == (0, {})


async def test_a_job_is_given_no_more_than_it_asked_for(rig: Rig) -> None:
    assert (await ended(rig, a_planning(rig, results=()))).results == {}


async def test_a_bot_that_comes_back_takes_what_the_job_wanted(rig: Rig) -> None:
    job = a_planning(rig, LEAVING, results=("first.plan", "second.plan"))
    seen = await left_running(rig, job, b"waits")

    await rig.release(job.run)
    outcome = await taken_up(rig, job, seen)

    assert outcome.results == {"first.plan": b"first\n", "second.plan": b"second\n"}


async def test_the_next_job_finds_the_workspace_and_fetches_no_source(
    rig: Rig,
) -> None:
    await ended(rig, a_planning(rig))
    record = Record()

    outcome = await ended(rig, an_applying(rig, expected={PLAN: DIGEST}), record)

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert record.output == b"done\n"


async def test_nothing_runs_where_the_workspace_is_gone(rig: Rig) -> None:
    await ended(rig, a_planning(rig))
    assert await rig.engine.forget_workspace("run-1", rig.installation)
    record = Record()

    outcome = await ended(rig, an_applying(rig), record)

    assert (outcome.ending, outcome.phase) == (Ending.SOURCE, Phase.PREPARING)
    assert "is gone from the engine's host" in outcome.note
    assert outcome.container_gone
    assert (record.output, record.asked) == (b"", 0)
    assert await rig.engine.left_workspaces(rig.installation) == ()


@pytest.mark.parametrize("path", [PLAN, "missing"])
async def test_nothing_runs_where_a_file_is_not_what_it_was(
    rig: Rig, path: str
) -> None:
    await ended(rig, a_planning(rig))
    record = Record()
    another = sha256(b"another").hexdigest()

    outcome = await ended(rig, an_applying(rig, expected={path: another}), record)

    assert outcome.ending is Ending.SOURCE
    assert f'the file "{path}"' in outcome.note
    assert (record.output, record.asked) == (b"", 0)
    assert await rig.engine.left_behind(rig.installation) == ()


async def test_what_an_earlier_run_left_is_not_taken_for_a_result(rig: Rig) -> None:
    await ended(rig, a_planning(rig))

    outcome = await ended(rig, a_planning(rig, "true"))

    assert (outcome.exit_code, outcome.results) == (0, {})


async def test_a_harmless_command_is_stopped_while_it_performs(rig: Rig) -> None:
    stop, record = asyncio.Event(), Record()
    running = asyncio.create_task(run(rig, record, a_planning(rig, BUSY), stop))
    await record.printed(b"busy")

    stop.set()
    outcome = await running

    assert (outcome.ending, outcome.phase) == (Ending.STOPPED, Phase.PERFORMING)
    assert (outcome.exit_code, outcome.results) == (130, {})
    assert outcome.container_gone


async def test_a_bot_that_comes_back_stops_a_harmless_command(rig: Rig) -> None:
    job, stop = a_planning(rig, BUSY), asyncio.Event()
    seen = await left_running(rig, job, b"busy")

    stop.set()
    outcome = await taken_up(rig, job, seen, stop)

    assert (outcome.ending, outcome.exit_code) == (Ending.STOPPED, 130)


async def test_any_other_command_is_not_stopped_once_it_performs(rig: Rig) -> None:
    job, stop = a_planning(rig, LEAVING, harmless=False), asyncio.Event()
    seen = await left_running(rig, job, b"waits")

    stop.set()
    resumed = asyncio.create_task(taken_up(rig, job, seen, stop))
    await rig.release(job.run)

    assert (await resumed).ending is Ending.EXITED


async def test_the_workspaces_of_runs_are_listed_and_forgotten_as_often_as_wished(
    rig: Rig,
) -> None:
    await ended(rig, a_planning(rig))
    await ended(rig, a_planning(rig, run="run-2", volume="net-prod"))
    other, own = await listed(rig, "another"), await listed(rig)

    forgotten = [
        await rig.engine.forget_workspace(name, owner)
        for name, owner in (
            ("run-1", rig.installation),
            ("run-1", rig.installation),
            ("never", rig.installation),
        )
    ]

    assert (other, own) == ((), ("run-1",))
    assert forgotten == [True, True, True]
    assert await listed(rig) == ()
    outcome = await ended(rig, an_applying(rig, volume="net-prod"))
    assert outcome.exit_code == 0


async def test_a_workspace_in_use_is_not_forgotten(rig: Rig) -> None:
    seen = await left_running(rig, a_planning(rig, LEAVING), b"waits")

    forgotten = await rig.engine.forget_workspace("run-1", rig.installation)
    await rig.release("run-1")
    await taken_up(rig, a_planning(rig, LEAVING), seen)

    assert not forgotten
    assert await listed(rig) == ("run-1",)


async def listed(rig: Rig, installation: str = "") -> tuple[str, ...]:
    return await rig.engine.left_workspaces(installation or rig.installation)
