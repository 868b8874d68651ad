"""What becomes secret while a run goes on: masked, carried, and masked again."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from runner.driver import Mark, Marks
from runner.errors import ContainerLost, EngineUnavailable
from runner.events import Ending, Event, ImageResolved, Outcome, Output, SecretsLearned
from runner.execute import execute, resume
from runner.job import Job, Limits, Phase
from runner.masking.masker import Masks
from runner.masking.patterns import Range
from runner.masking.secrets import Secret
from runner.performance import Performance
from runner.scripted import ScriptedContainer, ScriptedEngine
from runner.seal import Carried, Seal, about
from runner.source import Sources
from runner.telling import TEXT_WITHHELD, WITHHELD
from tests.support.runs import INSTALLATION, SEAL, Record, a_job, masks_for

SOON = timedelta(milliseconds=20)
SHOW = "terraform show -json"
OWN = Secret("TOKEN", b"hunter2hunter2")
IN_STATE = {"sensitive": True, "value": "state-secret"}
STATE = json.dumps(
    {"format_version": "1.0", "values": {"outputs": {"key": IN_STATE}}}
).encode()
UNREADABLE = (
    "The sensitive values of the state could not be read ({}), so only those that "
    "were given as secrets are masked."
)


@dataclass
class Kept(Record):
    """A record that edits what it has kept, and may fail at one of its events."""

    kept: bytes = b""
    fails_at: int = -1
    left: bool = field(default=False, init=False)

    async def tell(self, event: Event) -> None:
        self._fail_at_its_time()
        await super().tell(event)
        if isinstance(event, Output):
            self.kept += event.data
        elif isinstance(event, SecretsLearned):
            self.kept = Masks(event.secrets).data(self.kept)

    async def may_perform(self) -> bool:
        self._fail_at_its_time()
        return await super().may_perform()

    def _fail_at_its_time(self) -> None:
        if len(self.events) + self.asked == self.fails_at:
            raise OSError("the bot is gone")


class Bench:
    """A scripted engine, and bots that come and go over one run."""

    def __init__(self, cache: Path) -> None:
        self.engine = ScriptedEngine()
        self.engine.prepare(SHOW, STATE)
        self.record = Kept()
        self.masks = Masks([OWN])
        self.stop = asyncio.Event()
        self.sources = Sources(cache)

    async def run(self, job: Job, masks: Masks | None = None) -> Outcome:
        self.masks = masks or masks_for(job, OWN)
        return await execute(
            job,
            self.engine,
            self.record,
            masks=self.masks,
            seal=SEAL,
            stop=self.stop,
            sources=self.sources,
            grace=SOON,
        )

    async def resume(self, job: Job, seal: Seal = SEAL) -> Outcome:
        seen, self.record = self.record, Kept(kept=self.record.kept)
        return await resume(
            job.run,
            job.installation,
            self.engine,
            self.record,
            limits=job.limits,
            masks=Masks([OWN]),
            seal=seal,
            stop=self.stop,
            reached=seen.reached,
            position=seen.position,
            grace=SOON,
        )

    async def container(self) -> ScriptedContainer:
        found = await self.engine.find("run-1", INSTALLATION)
        assert found is not None
        return found

    async def carried(self) -> set[bytes]:
        sealed = await (await self.container()).kept()
        opened = SEAL.opened(sealed, about("run-1", INSTALLATION))
        return {secret.value for secret in opened}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


def a_terraform_job(command: str = "apply", **changes: Limits) -> Job:
    return a_job(command, initializing=("init",), reading_state=SHOW, **changes)


async def test_what_is_sensitive_in_the_state_is_hidden_from_the_gate_on(
    bench: Bench,
) -> None:
    bench.engine.prepare("init", b"early state-secret\n")
    bench.engine.prepare("apply", b"late state-secret\n")

    outcome = await bench.run(a_terraform_job())

    assert outcome.exit_code == 0
    assert bench.record.output == b"early state-secret\nlate *****\n"
    assert bench.record.kept == b"early *****\nlate *****\n"
    assert bench.record.remarks == []


async def test_the_state_is_read_before_the_run_is_allowed(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True)
    running = asyncio.create_task(bench.run(a_terraform_job()))
    await bench.engine.reached(SHOW)

    before = bench.record.asked
    bench.engine.release(SHOW)
    await running

    assert (before, bench.record.asked) == (0, 1)


async def test_without_a_way_to_read_it_no_state_is_read(bench: Bench) -> None:
    bench.engine.prepare("apply", b"state-secret")

    await bench.run(a_job("apply"))

    assert bench.record.output == b"state-secret"
    assert bench.record.learned == ()


@pytest.mark.parametrize(
    ("printed", "code", "why"),
    [
        (b"", 1, "reading ended with exit code 1"),
        (b"no JSON", 0, "it is no state that Terraform shows: it is not JSON"),
        (b"[", 0, "it is no state that Terraform shows: it is not JSON"),
        (b" " * (17 << 20), 0, "reading took more than 20 seconds or 16 MiB"),
    ],
)
async def test_a_state_that_cannot_be_read_is_told_and_the_run_goes_on(
    bench: Bench, printed: bytes, code: int, why: str
) -> None:
    bench.engine.prepare(SHOW, printed, code=code)

    outcome = await bench.run(a_terraform_job())

    (remark,) = bench.record.remarks
    assert outcome.exit_code == 0
    assert remark.startswith("The sensitive values of the state could not be read (")
    assert why.rpartition(": ")[2] in remark


async def test_a_state_that_nobody_thought_of_is_told_and_the_run_goes_on(
    bench: Bench,
) -> None:
    def fail(environment: object) -> bytes:
        raise KeyError("state-secret")

    bench.engine.on(SHOW, fail)

    outcome = await bench.run(a_terraform_job())

    assert outcome.exit_code == 0
    assert bench.record.remarks == [UNREADABLE.format("unexpected KeyError")]


async def test_a_stop_while_the_state_is_read_ends_the_run(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True)
    running = asyncio.create_task(bench.run(a_terraform_job()))
    await bench.engine.reached(SHOW)

    bench.stop.set()
    outcome = await running

    assert (outcome.ending, outcome.phase) == (Ending.STOPPED, Phase.INITIALIZING)
    assert (bench.record.asked, bench.record.remarks) == (0, [])


async def test_a_timeout_while_the_state_is_read_ends_the_run(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True, deaf=True)

    outcome = await bench.run(a_terraform_job(limits=Limits(run_timeout=SOON)))

    assert outcome.ending is Ending.TIMEOUT
    assert bench.record.asked == 0


async def test_a_run_whose_state_is_read_is_not_silent(bench: Bench) -> None:
    bench.engine.on(SHOW, STATE, block=True)
    limits = Limits(silence_timeout=SOON)
    running = asyncio.create_task(bench.run(a_terraform_job(limits=limits)))
    await bench.engine.reached(SHOW)

    await asyncio.wait({running}, timeout=10 * SOON.total_seconds())
    bench.engine.release(SHOW)
    outcome = await running

    assert outcome.ending is Ending.EXITED


async def test_a_value_announced_where_a_phase_ends_needs_no_newline(
    bench: Bench,
) -> None:
    bench.engine.prepare("init", b"::add-mask::said-secret")
    bench.engine.prepare("apply", b"said-secret")

    await bench.run(a_job("apply", initializing=("init",)))

    assert bench.record.output == b"*****"


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


PRINTED = {
    "init": b"state-secret said-secret\n",
    "plan": b"::add-mask::said-secret\nsaid-secret hunter2hunter2\n",
    "apply": b"state-secret said-secret\n::add-mask::late-secret\nlate-secret\nend",
}
HIDDEN = b"***** *****\n***** *****\n***** *****\n*****\nend"


def a_telling_job() -> Job:
    hooks = {"initializing": ("init", "plan")}
    return a_job("apply", reading_state=SHOW, **hooks)


def test_all_that_is_told_of_that_job_is_hidden_where_nothing_fails(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    for text, output in PRINTED.items():
        bench.engine.prepare(text, output)

    asyncio.run(told(bench))

    assert bench.record.kept == HIDDEN


async def told(bench: Bench) -> Outcome:
    return await bench.run(a_telling_job())


async def test_a_bot_that_goes_away_at_any_event_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    for fails_at in count():
        bench = Bench(tmp_path)
        for text, output in PRINTED.items():
            bench.engine.prepare(text, output)
        bench.record = first = Kept(fails_at=fails_at)
        try:
            await told(bench)
        except OSError:
            await resumed(bench)
        else:
            break

        assert bench.record.kept == HIDDEN, f"failed at {fails_at}: {first.events}"

    assert fails_at > 10


async def resumed(bench: Bench) -> None:
    """Take it up; before it was started there is nothing to be taken up."""
    outcome = await bench.resume(a_telling_job())
    if outcome.ending is Ending.LOST:
        bench.record = Kept()
        await told(bench)


async def test_what_others_learn_while_it_runs_is_masked_after_a_restart_too(
    bench: Bench,
) -> None:
    bench.engine.on("apply", b"first\n", block=True, then=b"said-secret\n")
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"first")
    bench.masks.learn([Secret("redacted", b"said-secret")])
    bench.record.fails_at = len(bench.record.events) + bench.record.asked + 1
    bench.engine.release("apply")
    with pytest.raises(OSError, match="gone"):
        await running

    await bench.resume(a_job("apply"))

    assert bench.record.kept == b"first\n*****\n"
    assert {one.value for one in bench.record.learned} == {b"said-secret"}


async def test_a_container_carries_what_is_masked_before_it_is_started(
    bench: Bench,
) -> None:
    job = a_job("apply", secret_env={"KEY": "job-secret"})
    bench.engine.on("apply", b"here", block=True)
    running = asyncio.create_task(bench.run(job))
    await bench.record.printed(b"here")

    carried = await bench.carried()

    bench.engine.release("apply")
    await running
    assert carried == {b"job-secret", OWN.value}


class Uncarrying(ScriptedEngine):
    """An engine whose containers cannot be given anything to carry."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def create(self, job: Job, digest: str, workspace: Path) -> ScriptedContainer:
        container = await super().create(job, digest, workspace)
        container.keep = self.fail  # type: ignore[method-assign]
        return container

    async def fail(self, sealed: bytes) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error", [EngineUnavailable("it is full"), ContainerLost("gone"), KeyError("x")]
)
async def test_a_container_that_cannot_carry_secrets_is_not_started(
    bench: Bench, error: Exception
) -> None:
    bench.engine = Uncarrying(error)
    bench.engine.prepare("apply", b"never")

    outcome = await bench.run(a_job("apply"))

    assert (outcome.ending, outcome.phase) == (Ending.ENGINE, Phase.PREPARING)
    assert bench.record.output == b""
    assert await bench.engine.left_behind(INSTALLATION) == ()


def nothing(container: ScriptedContainer) -> None:
    container._sealed = None


def changed(container: ScriptedContainer) -> None:
    assert container._sealed is not None
    container._sealed = container._sealed[:-1]


def of_another_run(container: ScriptedContainer) -> None:
    container._sealed = SEAL.closed([OWN], about("run-2", INSTALLATION))


def with_another_key(container: ScriptedContainer) -> None:
    container._sealed = Seal(b"1" * 32).closed([OWN], about("run-1", INSTALLATION))


@pytest.mark.parametrize("spoil", [nothing, changed, of_another_run, with_another_key])
async def test_where_it_is_unknown_what_to_mask_nothing_is_shown(
    bench: Bench, spoil: Callable[[ScriptedContainer], None]
) -> None:
    bench.engine.prepare("apply", b"secret output")
    bench.record.fails_at = 2
    with pytest.raises(OSError, match="gone"):
        await bench.run(a_job("apply"))
    spoil(await bench.container())

    outcome = await bench.resume(a_job("apply"))

    assert (outcome.ending, outcome.container_gone) == (Ending.ENGINE, False)
    assert bench.record.events == []
    assert await bench.engine.left_behind(INSTALLATION) == ("run-1",)
