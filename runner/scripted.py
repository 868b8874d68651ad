"""An engine without containers: scripts say what each shell text prints and returns."""

import asyncio
import hashlib
import tarfile
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from runner.driver import Mark, mark, reading_script
from runner.engine import LARGEST_RESULT, Aside, Exit, Vitals
from runner.errors import (
    ContainerExists,
    ContainerLost,
    EngineAway,
    ImageUnavailable,
    SealBroken,
)
from runner.job import Job
from runner.scripted_steps import Printed, Step
from runner.scripted_workspaces import ScriptedWorkspaces


class ScriptedEngine:
    """Runs jobs as its scripts say. A text it was not told about does nothing."""

    def __init__(self) -> None:
        self.name = "scripted"
        self.available = True
        self.removable = True  #: False: no container can be proven gone
        self.missing_images: set[str] = set()
        self.jobs: list[Job] = []
        self.workspaces: list[frozenset[str]] = []  #: the paths in each
        self._steps: dict[str, Step] = {}
        self._released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._reached: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._containers: dict[tuple[str, str], ScriptedContainer] = {}
        self._lost: set[tuple[str, str]] = set()
        self._kept = ScriptedWorkspaces()

    def prepare(
        self,
        text: str,
        output: Printed = b"",
        *,
        code: int = 0,
        leaves: Mapping[str, bytes] | None = None,
    ) -> None:
        """Let *text* print *output*, end with *code* and leave files."""
        self.on(text, output, code=code, leaves=leaves)

    def on(
        self,
        text: str,
        output: Printed = b"",
        *,
        block: bool = False,
        then: bytes = b"",
        code: int = 0,
        out_of_memory: bool = False,
        deaf: bool = False,
        leaves: Mapping[str, bytes] | None = None,
    ) -> None:
        """Say all that *text* does; see Step."""
        self._released.pop(text, None)
        self._reached.pop(text, None)
        self._steps[text] = Step(
            output=output,
            block=block,
            then=then,
            code=code,
            out_of_memory=out_of_memory,
            deaf=deaf,
            leaves=leaves or {},
        )

    def release(self, text: str) -> None:
        """Let *text* go on, now or when it comes to its wait."""
        self._released[text].set()

    async def reached(self, text: str) -> None:
        """Wait until *text* has printed its output."""
        await self._reached[text].wait()

    def lose(self, run: str, installation: str) -> None:
        """Take the container of *run* away, as a person with `docker rm` would."""
        self._lost.add((installation, run))
        self._containers.pop((installation, run)).vanish()

    def lose_workspace(self, run: str, installation: str) -> None:
        """Take away the workspace that is kept for *run*, as a person would."""
        self._kept.forget(run, installation)

    async def ping(self) -> str:
        """Return a version, as an engine would."""
        self._check()
        return "scripted"

    async def identity(self) -> str:
        """Return the name it was given."""
        self._check()
        return self.name

    async def resolve(self, image: str) -> str:
        """Return a digest that depends on nothing but the name; of a digest itself."""
        self._check()
        if image in self.missing_images:
            raise ImageUnavailable(f"there is no image {image}; check its name")
        if image.startswith("sha256:"):
            return image
        return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"

    async def create(
        self,
        job: Job,
        digest: str,  # noqa: ARG002 - of the port
        workspace: Path,
    ) -> "ScriptedContainer":
        """Create the container of *job*, and keep the job for a test to look at."""
        self._check()
        key = (job.installation, job.run)
        if key in self._containers:
            raise ContainerExists(f"a container of run {job.run} already exists")
        files = self._kept.of(job)
        self.jobs.append(job)
        with tarfile.open(workspace) as archive:
            self.workspaces.append(frozenset(archive.getnames()))
        self._containers[key] = ScriptedContainer(self, job, files)
        return self._containers[key]

    async def find(self, run: str, installation: str) -> "ScriptedContainer | None":
        """Return the container of *run*, or None."""
        self._check()
        return self._containers.get((installation, run))

    async def left_behind(self, installation: str) -> tuple[str, ...]:
        """Return the runs of which a container exists."""
        self._check()
        return tuple(run for owner, run in self._containers if owner == installation)

    async def fate(self, run: str, installation: str) -> str:
        """Remember what `lose` has done."""
        self._check()
        lost = (installation, run) in self._lost
        return "it was removed by a test" if lost else ""

    async def forget_workspace(self, run: str, installation: str) -> bool:
        """Forget the workspace that was kept for *run* alone."""
        if not self.available or (installation, run) in self._containers:
            return False
        self._kept.forget(run, installation)
        return True

    async def left_workspaces(self, installation: str) -> tuple[str, ...]:
        """Return the runs for which a workspace of their own is kept."""
        self._check()
        return self._kept.left(installation)

    async def close(self) -> None:
        """Let go; containers stay as they are."""

    def step(self, text: str) -> Step:
        """Return what *text* does."""
        return self._steps.get(text, Step())

    def arrived(self, text: str) -> asyncio.Event:
        """Take note that *text* has printed; return what releases it."""
        self._reached[text].set()
        return self._released[text]

    def removed(self, job: Job) -> bool:
        """Forget the container of *job*, unless nothing can be removed."""
        if not (self.removable and self.available):
            return False
        self._containers.pop((job.installation, job.run), None)
        return True

    def _check(self) -> None:
        if not self.available:
            raise EngineAway("the scripted engine does not answer")


class ScriptedContainer:
    """Goes through the phases of a job just as the driver does."""

    def __init__(
        self, engine: ScriptedEngine, job: Job, files: dict[str, bytes] | None = None
    ) -> None:
        self.id = f"scripted-{job.run}"
        self.nonce = f"nonce-{job.run}"
        self.reading = job.reading_state
        self.harmless = job.harmless
        self.results = job.results
        self._files = {} if files is None else files
        self._engine = engine
        self._job = job
        self._env = {**job.env, **job.secret_env}
        self._sealed = job.sealed or None
        self._printed = bytearray()
        self._news = asyncio.Event()
        self._gate = asyncio.Event()
        self._interrupted = asyncio.Event()
        self._driving: asyncio.Task[None] | None = None
        self._exit: Exit | None = None
        self._out_of_memory = False
        self._condemned = ""
        self._vanished = False

    async def start(self) -> None:
        """Start the driver."""
        self._driving = asyncio.create_task(self._drive())

    async def vitals(self) -> Vitals:
        """Tell whether the driver runs; no time passes here."""
        self._check()
        running = self._driving is not None and self._exit is None
        return Vitals(
            started=self._driving is not None, running=running, age=timedelta(0)
        )

    async def keep(self, sealed: bytes) -> None:
        """Keep *sealed*."""
        self._check()
        self._sealed = sealed

    async def kept(self) -> bytes:
        """Return what is kept."""
        self._check()
        if self._sealed is None:
            raise SealBroken("the scripted container carries no seal")
        return self._sealed

    async def condemn(self, why: str) -> None:
        """Take note of *why* it is to be ended."""
        self._check()
        self._condemned = why

    async def condemned(self) -> str:
        """Return why it was to be ended."""
        self._check()
        return self._condemned

    async def aside(self, script: str, *, within: timedelta, most: int) -> Aside:
        """Do what was said of *script*, beside what the driver does."""
        self._check()
        text = self.reading if script == reading_script(self.reading) else script
        step = self._engine.step(text)
        printed = step.output
        output = printed if isinstance(printed, bytes) else printed(self._env)
        released = self._engine.arrived(text)
        try:
            async with asyncio.timeout(within.total_seconds()):
                if step.block:
                    await self._first(released, self._interrupted)
        except TimeoutError:
            return Aside(code=None, output=output)
        if len(output) > most:
            return Aside(code=None, output=output[:most])
        return Aside(
            code=130 if self._interrupted.is_set() else step.code, output=output
        )

    async def output(self) -> AsyncGenerator[bytes, None]:
        """Yield all that was printed, until it has ended."""
        done = 0
        while True:
            self._check()
            ended, news = self._exit is not None, self._news
            if fresh := bytes(self._printed[done:]):
                done += len(fresh)
                yield fresh
            elif ended:
                return
            else:
                await news.wait()

    async def open_gate(self) -> None:
        """Let it perform."""
        self._check()
        self._gate.set()

    async def exit(self) -> Exit:
        """Wait for its end."""
        while self._exit is None:
            self._check()
            await self._news.wait()
        return self._exit

    async def result(self, path: str) -> bytes | None:
        """Return what *path* in its workspace holds."""
        self._check()
        found = self._files.get(path, b"")
        return None if len(found) > LARGEST_RESULT else self._files.get(path)

    async def interrupt(self) -> None:
        """End what runs in it, unless that is deaf."""
        self._check()
        self._interrupted.set()

    async def kill(self) -> None:
        """End it now."""
        if self._driving is not None and self._exit is None:
            self._driving.cancel()
            self._end(137)

    async def remove(self) -> bool:
        """End and forget it."""
        if not self._engine.removed(self._job):
            return False
        await self.kill()
        self._vanished = True
        return True

    def vanish(self) -> None:
        """Be gone for whoever still follows it."""
        self._vanished = True
        if self._driving is not None:
            self._driving.cancel()
        self._tell_news()

    async def _drive(self) -> None:
        code = await self._session()
        self._env["HANDRAIL_FINAL_STATE"] = self._final_state(code)
        for text in self._job.script.after_run:
            await self._step(text)
        self._end(code)

    async def _session(self) -> int:
        script = self._job.script
        if script.initializing:
            self._mark(Mark.INITIALIZING)
            if code := await self._steps(script.initializing):
                return code
        self._mark(Mark.GATE)
        await self._first(self._gate, self._interrupted)
        if not self._gate.is_set():
            return 130
        self._mark(Mark.PERFORMING)
        if code := await self._steps(script.before_perform):
            return code
        code = await self._step(script.command)
        self._mark(Mark.ENDED)
        return code or await self._steps(script.after_perform)

    async def _steps(self, texts: Iterable[str]) -> int:
        for text in texts:
            if code := await self._step(text):
                return code
        return 130 if self._interrupted.is_set() else 0

    async def _step(self, text: str) -> int:
        step = self._engine.step(text)
        printed = step.output
        self._print(printed if isinstance(printed, bytes) else printed(self._env))
        released = self._engine.arrived(text)
        if step.block:
            ways_on = [released] if step.deaf else [released, self._interrupted]
            await self._first(*ways_on)
            if not released.is_set():
                return 130
        self._print(step.then)
        self._files.update(step.leaves)
        self._out_of_memory |= step.out_of_memory
        return step.code

    async def _first(self, *events: asyncio.Event) -> None:
        waiting = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def _final_state(self, code: int) -> str:
        if code == 130 and not self._gate.is_set():
            return "stopped"
        return "failed" if code else "finished"

    def _mark(self, word: Mark) -> None:
        self._print(mark(self.nonce, word) + b"\n")

    def _print(self, data: bytes) -> None:
        self._printed += data
        self._tell_news()

    def _end(self, code: int) -> None:
        self._exit = Exit(code=code, out_of_memory=self._out_of_memory)
        self._tell_news()

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _check(self) -> None:
        if self._vanished:
            raise ContainerLost("the container was removed by somebody else")
        if not self._engine.available:
            raise EngineAway("the scripted engine does not answer")
