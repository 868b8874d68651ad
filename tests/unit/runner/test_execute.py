import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from runner.errors import EngineAway, EngineUnavailable
from runner.events import Ending, Event, Outcome, PhaseStarted
from runner.execute import execute, resume
from runner.job import DirectorySource, Job, Limits, Phase, WorkspaceFile
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.scripted import ScriptedContainer, ScriptedEngine
from runner.source import Sources
from tests.support.runs import INSTALLATION, SEAL, Record, a_job, masks_for

SOON = timedelta(milliseconds=20)


class Bench:
    """A scripted engine, a record, and one run of `execute`."""

    def __init__(self, cache: Path) -> None:
        self.engine = ScriptedEngine()
        self.record = Record()
        self.stop = asyncio.Event()
        self.sources = Sources(cache)

    async def run(self, job: Job, *secrets: Secret, grace: timedelta = SOON) -> Outcome:
        return await execute(
            job,
            self.engine,
            self.record,
            masks=masks_for(job, *secrets),
            seal=SEAL,
            stop=self.stop,
            sources=self.sources,
            grace=grace,
        )

    async def resume(self, job: Job, seen: Record) -> Outcome:
        return await resume(
            job.run,
            job.installation,
            self.engine,
            self.record,
            limits=job.limits,
            masks=Masks(),
            seal=SEAL,
            stop=self.stop,
            reached=seen.reached,
            position=seen.position,
            grace=SOON,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


async def test_a_run_is_told_in_the_order_in_which_it_happens(
    bench: Bench, tmp_path: Path
) -> None:
    source = DirectorySource(directory=tmp_path)
    job = a_job("true", initializing=("terraform init",), source=source)

    outcome = await bench.run(job)

    assert [type(event).__name__ for event in bench.record.events] == [
        "SourceFetched",
        "ImageResolved",
        "ContainerCreated",
        "PhaseStarted",
        "Concluded",
    ]
    assert outcome == Outcome(ending=Ending.EXITED, phase=Phase.PERFORMING, exit_code=0)
    assert await bench.engine.left_behind(INSTALLATION) == ()


async def test_without_initializing_that_phase_is_not_told(bench: Bench) -> None:
    outcome = await bench.run(a_job("true"))

    assert bench.record.phases == []
    assert outcome.phase is Phase.PERFORMING


async def test_output_is_masked_before_it_is_told(bench: Bench) -> None:
    bench.engine.prepare("env", b"token=hunter2hunter2 end")

    await bench.run(a_job("env"), Secret("TOKEN", b"hunter2hunter2"))

    assert bench.record.output == b"token=***** end"


async def test_a_stop_before_anything_leaves_no_container(bench: Bench) -> None:
    bench.stop.set()

    outcome = await bench.run(a_job("true"))

    assert outcome == Outcome(ending=Ending.STOPPED, phase=Phase.PREPARING)
    assert bench.engine.jobs == []


async def test_a_stop_while_initializing_ends_it(bench: Bench) -> None:
    bench.engine.on("init", b"working", block=True)
    running = asyncio.create_task(bench.run(a_job("true", initializing=("init",))))
    await bench.record.printed(b"working")

    bench.stop.set()
    outcome = await running

    assert (outcome.ending, outcome.phase) == (Ending.STOPPED, Phase.INITIALIZING)
    assert bench.record.asked == 0


async def test_a_stop_that_comes_with_the_gate_still_comes_in_time(
    bench: Bench,
) -> None:
    class Stopping(Record):
        async def tell(self, event: Event) -> None:
            if isinstance(event, PhaseStarted):
                bench.stop.set()

    bench.record = Stopping()

    outcome = await bench.run(a_job("apply", initializing=("init",)))

    assert (outcome.ending, bench.record.asked) == (Ending.STOPPED, 0)


async def test_what_ignores_a_stop_is_killed_after_its_grace(bench: Bench) -> None:
    bench.engine.on("init", b"working", block=True, deaf=True)
    running = asyncio.create_task(bench.run(a_job("true", initializing=("init",))))
    await bench.record.printed(b"working")

    bench.stop.set()
    outcome = await running

    assert (outcome.ending, outcome.exit_code) == (Ending.STOPPED, 137)
    assert "killed" in outcome.note


async def test_a_stop_while_performing_is_ignored(bench: Bench) -> None:
    bench.engine.on("apply", b"working", block=True, then=b" done")
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"working")

    bench.stop.set()
    bench.engine.release("apply")
    outcome = await running

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert bench.record.output == b"working done"


async def test_a_run_that_may_not_perform_is_stopped_at_the_gate(bench: Bench) -> None:
    bench.engine.prepare("apply", b"never")
    bench.record.allowed = False

    outcome = await bench.run(a_job("apply"))

    assert outcome.ending is Ending.STOPPED
    assert bench.record.output == b""


async def test_a_run_timeout_ends_what_performs(bench: Bench) -> None:
    bench.engine.on("apply", b"working", block=True)

    outcome = await bench.run(a_job("apply", limits=Limits(run_timeout=SOON)))

    assert (outcome.ending, outcome.phase) == (Ending.TIMEOUT, Phase.PERFORMING)
    assert outcome.exit_code == 130


async def test_a_silence_timeout_ends_what_says_nothing(bench: Bench) -> None:
    bench.engine.on("apply", b"working", block=True)

    outcome = await bench.run(a_job("apply", limits=Limits(silence_timeout=SOON)))

    assert outcome.ending is Ending.SILENCE


async def test_out_of_memory_is_told_as_such(bench: Bench) -> None:
    bench.engine.on("apply", code=137, out_of_memory=True)

    outcome = await bench.run(a_job("apply"))

    assert (outcome.ending, outcome.exit_code) == (Ending.OUT_OF_MEMORY, 137)


async def test_an_image_that_is_not_to_be_had_is_named(bench: Bench) -> None:
    bench.engine.missing_images.add("sample")

    outcome = await bench.run(a_job("true"))

    assert outcome.ending is Ending.IMAGE
    assert "sample" in outcome.note


async def test_notes_are_masked(bench: Bench) -> None:
    bench.engine.missing_images.add("registry/hunter2hunter2")
    secret = Secret("TOKEN", b"hunter2hunter2")

    outcome = await bench.run(a_job("true", image="registry/hunter2hunter2"), secret)

    assert "registry/*****" in outcome.note


async def test_a_missing_source_directory_is_named(
    bench: Bench, tmp_path: Path
) -> None:
    source = DirectorySource(directory=tmp_path / "nowhere")

    outcome = await bench.run(a_job("true", source=source))

    assert outcome.ending is Ending.SOURCE
    assert str(tmp_path / "nowhere") in outcome.note


async def test_a_missing_project_root_is_named(bench: Bench, tmp_path: Path) -> None:
    source = DirectorySource(directory=tmp_path)

    outcome = await bench.run(a_job("true", source=source, project_root="net/prod"))

    assert outcome.ending is Ending.SOURCE
    assert "net/prod" in outcome.note


async def test_files_of_the_job_are_in_the_workspace(bench: Bench) -> None:
    await bench.run(a_job(files=(WorkspaceFile(path="a/b.hcl", content=b"x"),)))

    assert "source/a/b.hcl" in bench.engine.workspaces[0]


async def test_an_engine_that_does_not_answer_is_told_as_such(bench: Bench) -> None:
    bench.engine.available = False

    outcome = await bench.run(a_job("true"))

    assert outcome.ending is Ending.ENGINE


async def test_an_engine_that_goes_away_leaves_the_container_unproven(
    bench: Bench,
) -> None:
    bench.engine.on("apply", b"working", block=True)
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"working")

    bench.engine.available = False
    bench.engine.release("apply")
    outcome = await running

    assert outcome.ending is Ending.ENGINE
    assert not outcome.container_gone


async def test_a_container_that_cannot_be_removed_is_told(bench: Bench) -> None:
    bench.engine.removable = False

    outcome = await bench.run(a_job("true"))

    assert outcome.ending is Ending.EXITED
    assert not outcome.container_gone


async def test_a_container_that_somebody_removed_is_lost(bench: Bench) -> None:
    bench.engine.on("apply", b"working", block=True)
    running = asyncio.create_task(bench.run(a_job("apply")))
    await bench.record.printed(b"working")

    bench.engine.lose("run-1", INSTALLATION)
    outcome = await running

    assert outcome.ending is Ending.LOST


async def test_resuming_without_a_container_is_a_loss(bench: Bench) -> None:
    outcome = await bench.resume(a_job("true"), Record())

    assert (outcome.ending, outcome.container_gone) == (Ending.LOST, True)


async def test_a_container_that_was_never_started_is_removed_and_lost(
    bench: Bench, tmp_path: Path
) -> None:
    job = a_job("true")
    archive = tmp_path / "empty.tar"
    archive.write_bytes(b"\0" * 10240)
    await bench.engine.create(job, "sha256:0", archive)

    outcome = await bench.resume(job, Record())

    assert outcome.ending is Ending.LOST
    assert await bench.engine.left_behind(INSTALLATION) == ()


async def test_a_watcher_that_fails_leaves_the_run_to_be_resumed(bench: Bench) -> None:
    bench.engine.prepare("apply", b"all of it")

    class Full(Record):
        async def may_perform(self) -> bool:
            raise OSError("disk full")

    bench.record = seen = Full()
    with pytest.raises(OSError, match="disk full"):
        await bench.run(a_job("apply"))
    bench.record = Record()
    outcome = await bench.resume(a_job("apply"), seen)

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert bench.record.output == b"all of it"


class Absent(Record):
    """A bot that goes away when its run is about to perform."""

    async def may_perform(self) -> bool:
        await super().may_perform()
        raise OSError("killed")


@pytest.mark.parametrize(
    "limits",
    [Limits(run_timeout=timedelta(0)), Limits(silence_timeout=timedelta(0))],
)
async def test_what_ended_while_nobody_followed_comes_out_by_its_exit_code(
    bench: Bench, limits: Limits
) -> None:
    bench.engine.on("apply", b"working", block=True, then=b" done", code=3)
    bench.record = seen = Absent()
    with pytest.raises(OSError, match="killed"):
        await bench.run(a_job("apply"))
    container = await bench.engine.find("run-1", INSTALLATION)
    assert container
    await container.open_gate()
    bench.engine.release("apply")
    await container.exit()

    bench.record = Record()
    outcome = await bench.resume(a_job("apply", limits=limits), seen)

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 3)
    assert bench.record.output == b"working done"


class Confused(ScriptedEngine):
    """An engine that fails in a way nobody thought of, at one of its steps."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step_that_fails = step

    async def resolve(self, image: str) -> str:
        self._fail_at("resolve")
        return await super().resolve(image)

    async def create(self, job: Job, digest: str, workspace: Path) -> ScriptedContainer:
        await super().create(job, digest, workspace)
        self._fail_at("create")
        return Unstartable(self, job)

    def _fail_at(self, step: str) -> None:
        if step == self.step_that_fails:
            raise KeyError("hunter2hunter2")


class Unstartable(ScriptedContainer):
    """A container that fails in a way nobody thought of when it is started."""

    async def start(self) -> None:
        raise KeyError("hunter2hunter2")


@pytest.mark.parametrize("step", ["resolve", "create", "start"])
async def test_what_nobody_thought_of_ends_the_run_and_leaves_no_container(
    bench: Bench, step: str
) -> None:
    bench.engine = Confused(step)
    secret = Secret("TOKEN", b"hunter2hunter2")

    outcome = await bench.run(a_job("true"), secret)

    assert outcome.ending is Ending.ENGINE
    assert outcome.note == "unexpected KeyError: '*****'"
    assert outcome.container_gone
    assert await bench.engine.left_behind(INSTALLATION) == ()


class Unanswered(ScriptedContainer):
    """A container whose engine goes away right after it was started."""

    stays_away = False

    async def start(self) -> None:
        await super().start()
        self._engine.available = not self.stays_away
        raise EngineAway("the connection was cut")


class Cut(ScriptedEngine):
    """An engine that starts what it is asked for, and whose answer is lost."""

    def __init__(self, *, stays_away: bool) -> None:
        super().__init__()
        self.stays_away = stays_away

    async def create(self, job: Job, digest: str, workspace: Path) -> ScriptedContainer:
        await super().create(job, digest, workspace)
        container = Unanswered(self, job)
        container.stays_away = self.stays_away
        self._containers[job.installation, job.run] = container
        return container


async def test_a_container_that_began_is_followed_though_the_answer_was_lost(
    bench: Bench,
) -> None:
    bench.engine = Cut(stays_away=False)
    bench.engine.on("true", b"done")

    outcome = await bench.run(a_job("true"))

    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)
    assert bench.record.output == b"done"


async def test_a_container_that_may_have_begun_is_left_as_it_is(bench: Bench) -> None:
    bench.engine = Cut(stays_away=True)

    outcome = await bench.run(a_job("true"))

    assert (outcome.is_away, outcome.container_gone) == (True, False)
    bench.engine.available = True
    assert await bench.engine.left_behind(INSTALLATION) == ("run-1",)


async def test_an_engine_that_fails_after_it_created_leaves_no_container(
    bench: Bench,
) -> None:
    class Slow(ScriptedEngine):
        async def create(
            self, job: Job, digest: str, workspace: Path
        ) -> ScriptedContainer:
            await super().create(job, digest, workspace)
            raise EngineUnavailable("it did not answer in time")

    bench.engine = Slow()

    outcome = await bench.run(a_job("true"))

    assert (outcome.ending, outcome.container_gone) == (Ending.ENGINE, True)
    assert await bench.engine.left_behind(INSTALLATION) == ()


async def test_a_created_container_of_the_same_run_is_left_to_its_owner(
    bench: Bench, tmp_path: Path
) -> None:
    archive = tmp_path / "empty.tar"
    archive.write_bytes(b"\0" * 10240)
    await bench.engine.create(a_job("true"), "sha256:0", archive)

    outcome = await bench.run(a_job("true"))

    assert (outcome.ending, outcome.container_gone) == (Ending.ENGINE, False)
    assert await bench.engine.left_behind(INSTALLATION) == ("run-1",)


async def test_an_error_of_the_watcher_is_the_watchers_own(bench: Bench) -> None:
    class Full(Record):
        async def tell(self, event: Event) -> None:
            raise OSError("disk full")

    bench.record = Full()

    with pytest.raises(OSError, match="disk full"):
        await bench.run(a_job("true"))


async def test_a_host_without_room_for_a_source_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    outcome = await bench.run(a_job("true"))

    assert outcome.ending is Ending.SOURCE
    assert "no place for the source" in outcome.note
