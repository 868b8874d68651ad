"""What happens where results cannot be taken, and while what is harmless performs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ContainerLost, EngineUnavailable, RunnerError
from runner.events import Ending
from runner.job import Job, Phase, workspace_of
from runner.scripted import ScriptedContainer, ScriptedEngine
from tests.support.runs import INSTALLATION, Record, a_job
from tests.unit.runner.test_execute import Bench

PLAN = "handrail.plan"


class Closed(ScriptedContainer):
    """A container out of which nothing can be taken."""

    error: RunnerError

    async def result(self, path: str) -> bytes | None:
        raise self.error


class ClosedEngine(ScriptedEngine):
    """An engine that gives nothing out of its containers."""

    def __init__(self, error: RunnerError) -> None:
        super().__init__()
        self._error = error

    async def create(self, job: Job, digest: str, workspace: Path) -> ScriptedContainer:
        await super().create(job, digest, workspace)
        container = Closed(self, job)
        container.error = self._error
        return container


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


def a_planning(command: str = "plan", **changes: Any) -> Job:
    given = {"results": (PLAN,), "harmless": True, "volume": workspace_of("run-1")}
    return a_job(command, **given | changes)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (EngineUnavailable("it is away"), Ending.ENGINE),
        (ContainerLost("somebody took it"), Ending.LOST),
    ],
)
async def test_a_plan_that_cannot_be_taken_is_no_plan(
    bench: Bench, error: RunnerError, ending: Ending
) -> None:
    bench.engine = ClosedEngine(error)

    outcome = await bench.run(a_planning())

    assert (outcome.ending, outcome.results) == (ending, {})
    assert outcome.note == str(error)
    assert outcome.container_gone


async def test_an_engine_that_goes_away_keeps_only_what_may_have_changed_something(
    bench: Bench,
) -> None:
    bench.engine = ClosedEngine(EngineUnavailable("it is away"))

    outcome = await bench.run(a_planning(harmless=False))

    assert (outcome.ending, outcome.container_gone) == (Ending.ENGINE, False)
    assert await bench.engine.left_behind(INSTALLATION) == ("run-1",)


async def test_a_harmless_command_that_does_not_heed_a_stop_is_killed(
    bench: Bench,
) -> None:
    bench.engine.on("plan", b"refreshing", block=True, deaf=True)
    running = asyncio.create_task(bench.run(a_planning()))
    await bench.record.printed(b"refreshing")

    bench.stop.set()
    outcome = await running

    assert (outcome.ending, outcome.phase) == (Ending.STOPPED, Phase.PERFORMING)
    assert outcome.note == "it did not end when interrupted, and was killed"
    assert (outcome.exit_code, outcome.results) == (137, {})


async def test_a_command_that_fails_after_it_left_its_plan_has_none(
    bench: Bench,
) -> None:
    bench.engine.prepare("plan", leaves={PLAN: b"saved"})
    bench.engine.prepare("summary", code=1)

    outcome = await bench.run(a_planning(after_perform=("summary",)))

    assert (outcome.exit_code, outcome.results) == (1, {})


async def test_the_outcome_does_not_show_what_was_taken(bench: Bench) -> None:
    bench.engine.prepare("plan", leaves={PLAN: b"s3cret"})

    outcome = await bench.run(a_planning())

    assert outcome.results == {PLAN: b"s3cret"}
    assert "s3cret" not in repr(outcome)


async def test_no_source_is_told_of_a_workspace_that_is_laid(bench: Bench) -> None:
    bench.engine.prepare("plan", leaves={PLAN: b"saved"})
    await bench.run(a_planning())
    bench.record = Record()

    await bench.run(a_planning("apply", is_laid=True))

    told = [type(event).__name__ for event in bench.record.events]
    assert told == ["ImageResolved", "ContainerCreated", "Concluded"]
