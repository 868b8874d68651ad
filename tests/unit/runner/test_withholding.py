"""What is not shown where masking cannot be relied upon."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.driver import Mark, Marks
from runner.errors import EngineUnavailable
from runner.events import Ending, ImageResolved
from runner.job import Limits
from runner.masking.masker import Masks
from runner.masking.patterns import Range
from runner.performance import Performance
from runner.scripted import ScriptedContainer
from runner.seal import Carried, Seal, about
from runner.telling import TEXT_WITHHELD, WITHHELD
from tests.support.runs import INSTALLATION, SEAL, a_job
from tests.unit.runner.bots import OWN, SHOW, SOON, Bench, a_terraform_job


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


class Broken:
    """A view that cannot look at anything."""

    def matches(self, data: bytes) -> list[Range]:
        raise ZeroDivisionError(data)

    def live(self, data: bytes) -> int:
        raise ZeroDivisionError(data)


async def test_a_masker_that_fails_withholds_all_it_would_say_and_the_run_goes_on(
    bench: Bench,
) -> None:
    broken = Masks(others=[Broken()])
    bench.engine.prepare("apply", b"hunter2hunter2", code=3)
    bench.engine.prepare(SHOW, code=1)

    outcome = await bench.run(a_terraform_job(), broken)

    (image,) = (e for e in bench.record.events if isinstance(e, ImageResolved))
    assert outcome.exit_code == 3
    assert image.digest == TEXT_WITHHELD
    assert bench.record.output == WITHHELD
    assert bench.record.remarks[0] == TEXT_WITHHELD
    assert "masking failed" in bench.record.remarks[1]


async def test_a_masker_that_fails_withholds_why_a_run_could_not_start(
    bench: Bench,
) -> None:
    bench.engine.missing_images.add("sample")

    outcome = await bench.run(a_job("apply"), Masks(others=[Broken()]))

    assert (outcome.ending, outcome.note) == (Ending.IMAGE, TEXT_WITHHELD)


class BrokenMarks(Marks):
    def feed(self, data: bytes) -> Iterator[bytes | Mark]:
        if b"broken" in data:
            raise ZeroDivisionError(data)
        return super().feed(data)


async def test_marks_that_cannot_be_read_withhold_the_output_and_the_run_goes_on(
    bench: Bench, tmp_path: Path
) -> None:
    archive = tmp_path / "empty.tar"
    archive.write_bytes(b"\0" * 10240)
    bench.engine.on("apply", b"shown", block=True, then=b"broken")
    container = await bench.engine.create(a_job("apply"), "sha256:0", archive)
    carried = Carried(container, Masks(), SEAL, about("run-1", INSTALLATION))
    performance = Performance(container, bench.record, carried, bench.stop)
    performance._marks = BrokenMarks(container.nonce)
    await container.start()
    running = asyncio.create_task(performance.run(Limits(), SOON))
    await bench.record.printed(b"shown")
    bench.engine.release("apply")

    outcome = await running

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert bench.record.output == b"shown" + WITHHELD
    assert len(bench.record.remarks) == 1


def nothing(container: ScriptedContainer) -> None:
    container._sealed = None


def changed(container: ScriptedContainer) -> None:
    assert container._sealed is not None
    container._sealed = container._sealed[:-1]


def of_another_run(container: ScriptedContainer) -> None:
    container._sealed = SEAL.closed([OWN], about("run-2", INSTALLATION))


def with_another_key(container: ScriptedContainer) -> None:
    container._sealed = Seal(b"1" * 32).closed([OWN], about("run-1", INSTALLATION))


SPOILT = pytest.mark.parametrize(
    "spoil", [nothing, changed, of_another_run, with_another_key]
)


@SPOILT
async def test_where_it_is_unknown_what_to_mask_nothing_performs(
    bench: Bench, spoil: Callable[[ScriptedContainer], None]
) -> None:
    bench.engine.prepare("apply", b"secret output")
    bench.record.fails_at = 2
    with pytest.raises(OSError, match="gone"):
        await bench.run(a_job("apply"))
    spoil(await bench.container())

    outcome = await bench.resume(a_job("apply"))

    assert (outcome.ending, outcome.container_gone) == (Ending.ENGINE, True)
    assert bench.record.asked == 0
    assert await bench.engine.left_behind(INSTALLATION) == ()


@SPOILT
async def test_what_performs_is_followed_unseen_where_it_is_unknown_what_to_mask(
    bench: Bench, spoil: Callable[[ScriptedContainer], None]
) -> None:
    bench.engine.on("apply", b"one ", block=True, then=b"hunter2hunter2", code=3)
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"one ")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    container = await bench.container()
    spoil(container)
    spoilt = container._sealed

    bench.engine.release("apply")
    outcome = await bench.resume(a_job("apply"))

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 3)
    assert bench.record.output == WITHHELD
    assert "could not be read after a restart" in bench.record.remarks[0]
    assert container._sealed == spoilt
    assert await bench.engine.left_behind(INSTALLATION) == ()


async def test_an_engine_that_is_away_for_a_moment_is_asked_again(
    bench: Bench,
) -> None:
    bench.engine.on("apply", b"one ", block=True, then=b"two")
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"one ")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    container = await bench.container()
    kept, away = container.kept, iter([True])

    async def flapping() -> bytes:
        if next(away, False):
            raise EngineUnavailable("it is away")
        return await kept()

    container.kept = flapping  # type: ignore[method-assign]
    bench.engine.release("apply")

    outcome = await bench.resume(a_job("apply"))

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert bench.record.output == b"two"
