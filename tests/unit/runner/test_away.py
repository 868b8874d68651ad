"""An engine that comes and goes: the run is followed again, as often as it takes."""

import asyncio
from pathlib import Path

import pytest

from runner.errors import EngineAway
from runner.events import Ending, Outcome
from runner.execute import resume
from runner.job import Job, Phase
from tests.support.runs import SEAL, a_job
from tests.unit.runner.bots import SOON, Bench, Kept, a_terraform_job

ANNOUNCING = b"::add-mask::said-secret\nsaid-secret one "


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


async def followed_again(bench: Bench, job: Job) -> Outcome:
    """Follow *job* by the record and the masks of before, as one bot does."""
    return await resume(
        job.run,
        job.installation,
        bench.engine,
        bench.record,
        limits=job.limits,
        masks=bench.masks,
        seal=SEAL,
        stop=bench.stop,
        reached=bench.record.reached,
        position=bench.record.position,
        grace=SOON,
        pauses=(0,),
    )


async def test_nothing_is_lost_or_doubled_however_often_it_is_given_up(
    bench: Bench,
) -> None:
    job = a_job("apply")
    bench.engine.on(
        "apply", ANNOUNCING, block=True, then=b"said-secret hunter2hunter2 two", code=3
    )
    running = asyncio.create_task(bench.run(job))
    await bench.record.printed(b"one ")
    bench.engine.available = False
    bench.engine.release("apply")
    given_up = [await running]
    given_up += [await followed_again(bench, job) for _ in range(3)]

    bench.engine.available = True
    outcome = await followed_again(bench, job)

    assert [(o.ending, o.container_gone, o.is_away) for o in given_up] == [
        (Ending.ENGINE, False, True)
    ] * 4
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 3)
    assert bench.record.output == b"***** one ***** ***** two"
    assert bench.record.asked == 1
    assert bench.record.concluded == [outcome]


async def test_what_is_out_of_sight_before_it_performs_goes_on_later(
    bench: Bench,
) -> None:
    job = a_job("apply", initializing=("init",))
    bench.engine.on("init", b"init ", block=True)
    bench.engine.prepare("apply", b"done")
    running = asyncio.create_task(bench.run(job))
    await bench.record.printed(b"init ")
    bench.engine.available = False
    bench.engine.release("init")
    given_up = await running

    bench.engine.available = True
    outcome = await followed_again(bench, job)

    assert (given_up.phase, given_up.container_gone) == (Phase.INITIALIZING, False)
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert bench.record.output == b"init done"
    assert bench.record.phases == [Phase.INITIALIZING]


async def test_a_gate_that_could_not_be_opened_is_opened_later(bench: Bench) -> None:
    class Leaving(Kept):
        async def may_perform(self) -> bool:
            bench.engine.available = False
            return await super().may_perform()

    job = a_job("apply")
    bench.engine.prepare("apply", b"done")
    bench.record = Leaving()
    given_up = await bench.run(job)

    bench.engine.available = True
    outcome = await followed_again(bench, job)

    assert (given_up.ending, given_up.phase) == (Ending.ENGINE, Phase.PERFORMING)
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert bench.record.asked == 1


async def test_a_state_that_is_out_of_sight_is_read_later(bench: Bench) -> None:
    job = a_terraform_job()
    bench.engine.prepare("apply", b"state-secret")
    bench.engine.on("init", b"init ", block=True)
    running = asyncio.create_task(bench.run(job))
    await bench.record.printed(b"init ")
    container = await bench.container()
    aside, away = container.aside, iter([True])

    async def flapping(*given: object, **named: object) -> object:
        if next(away, False):
            raise EngineAway("it is away")
        return await aside(*given, **named)  # type: ignore[arg-type]

    container.aside = flapping  # type: ignore[method-assign,assignment]
    bench.engine.release("init")
    given_up = await running

    outcome = await followed_again(bench, job)

    assert (given_up.is_away, given_up.container_gone) == (True, False)
    assert bench.record.remarks == []
    assert (outcome.ending, bench.record.output) == (Ending.EXITED, b"init *****")


async def test_an_engine_that_answers_and_refuses_is_not_away(bench: Bench) -> None:
    bench.engine.missing_images = {"sample"}

    outcome = await bench.run(a_job("apply"))

    assert (outcome.ending, outcome.is_away) == (Ending.IMAGE, False)


async def test_an_engine_that_is_away_before_the_start_is_told_as_such(
    bench: Bench,
) -> None:
    bench.engine.available = False

    outcome = await bench.run(a_job("apply"))

    assert (outcome.ending, outcome.phase) == (Ending.ENGINE, Phase.PREPARING)
    assert (outcome.is_away, outcome.container_gone) == (True, True)


async def test_what_was_lost_is_told_with_what_the_engine_remembers(
    bench: Bench,
) -> None:
    bench.engine.on("apply", b"one ", block=True)
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"one ")

    bench.engine.lose("run-1", "test")
    outcome = await running

    assert outcome.ending is Ending.LOST
    assert outcome.note.endswith("by somebody else: it was removed by a test")
