"""A dockerd of the tests' own ends in the middle of runs: nothing of them is lost."""

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from runner.docker.address import connect
from runner.docker.engine import DockerEngine
from runner.events import Ending, Outcome
from runner.execute import execute, resume
from runner.job import Job
from runner.masking.masker import Masks
from runner.source import Sources
from tests.bench.chaos.engine import OwnEngine, own_engine
from tests.support.runs import SEAL, Record, a_job

#: Prints line after line for some seconds, and leaves half of one in the end.
LONG = (
    "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; "
    "printf %01000d 0 | head -c $((i % 100)); sleep 0.01; done; printf half; exit 7"
)
LINES = b"".join(b"line %d\n%s" % (n, b"0" * (n % 100)) for n in range(1, 401))

#: Prints more than all the buffers on the way hold, once it is told to go on.
GO = "until [ -e /tmp/go ]; do sleep 0.02; done; "
MUCH = f"echo before; {GO}seq 1 60000; exit 7"
NUMBERS = b"".join(b"%d\n" % n for n in range(1, 60_001))

#: Prints and ends once it is told to go on.
ENDING = f"seq 1 5; {GO}seq 6 500; printf tail; exit 7"
SHORT = b"".join(b"%d\n" % n for n in range(1, 501)) + b"tail"

#: Goes on for longer than dockerd waits before it kills.
ENDLESS = LONG.replace("-lt 400", "-lt 4000")
MANY = b"".join(b"line %d\n%s" % (n, b"0" * (n % 100)) for n in range(1, 4001))

BUFFERS = 64 << 10
# The SDK leaves open what it could not connect with.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)

HOW = [signal.SIGTERM, signal.SIGKILL]


@pytest.fixture(scope="module")
def dockerd() -> Iterator[OwnEngine]:
    with own_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def short_lived() -> Iterator[OwnEngine]:
    with own_engine(live_restore=False) as engine:
        yield engine


class Scene:
    """One run on a dockerd that comes and goes."""

    def __init__(self, dockerd: OwnEngine, engine: DockerEngine, command: str) -> None:
        self.dockerd = dockerd
        self.engine = engine
        self.record = Record()
        self.job: Job = a_job(
            command,
            installation=f"restart-{uuid4().hex[:8]}",
            image=dockerd.image(),
            initializing=("echo init",),
        )
        self.running = asyncio.create_task(self._execute())

    async def printed(self, what: bytes) -> None:
        await self.record.printed(what)
        self._look()

    def _look(self) -> None:
        client = connect(self.dockerd.address)
        try:
            about = client.api.inspect_container(
                f"handrail-{self.job.installation}-{self.job.run}"
            )
        finally:
            client.close()
        self.init = Path(f"/proc/{about['State']['Pid']}")
        self.files = Path(about["GraphDriver"]["Data"]["MergedDir"])
        self.written = Path(about["GraphDriver"]["Data"]["UpperDir"])

    def go_on(self) -> None:
        (self.files / "tmp/go").touch()

    @property
    def kept(self) -> int:
        return (self.written / "mnt/handrail/output").stat().st_size

    @property
    def has_ended(self) -> bool:
        try:
            state = (self.init / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state == "Z"

    async def down(self, how: signal.Signals) -> None:
        await asyncio.to_thread(self.dockerd.end, how)

    async def up(self) -> None:
        await asyncio.to_thread(self.dockerd.start)

    async def leave(self) -> None:
        """Let the bot go away."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def taken_up(self) -> tuple[Outcome, bytes]:
        seen, record = self.record, Record()
        outcome = await resume(
            self.job.run,
            self.job.installation,
            self.engine,
            record,
            limits=self.job.limits,
            masks=Masks(),
            seal=SEAL,
            stop=asyncio.Event(),
            reached=seen.reached,
            position=seen.position,
        )
        return outcome, seen.output + record.output

    async def followed(self) -> tuple[Outcome, bytes]:
        return await self.running, self.record.output

    async def _execute(self) -> Outcome:
        return await execute(
            self.job,
            self.engine,
            self.record,
            masks=Masks(),
            seal=SEAL,
            stop=asyncio.Event(),
            sources=Sources(Path("unused")),
        )


@asynccontextmanager
async def on(dockerd: OwnEngine, command: str) -> AsyncIterator[Scene]:
    async with DockerEngine(dockerd.address) as engine:
        scene = Scene(dockerd, engine, command)
        try:
            yield scene
        finally:
            await scene.leave()
            gc.collect()


def wait_for(fact: Callable[[], bool]) -> None:
    """Wait for what no call tells: it happens while dockerd is down."""
    until = time.monotonic() + 30
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("how", HOW)
async def test_output_goes_on_across_a_restart(
    dockerd: OwnEngine, how: signal.Signals
) -> None:
    async with on(dockerd, LONG) as scene:
        await scene.printed(b"line 50\n")

        await scene.down(how)
        before = scene.kept
        await asyncio.to_thread(wait_for, lambda: scene.kept > before + 2000)
        await scene.up()
        outcome, output = await scene.followed()

    assert output == b"init\n" + LINES + b"half"
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 7)


@pytest.mark.parametrize("how", HOW)
async def test_output_goes_on_if_both_are_restarted(
    dockerd: OwnEngine, how: signal.Signals
) -> None:
    async with on(dockerd, LONG) as scene:
        await scene.printed(b"line 50\n")

        await scene.leave()
        await scene.down(how)
        before = scene.kept
        await asyncio.to_thread(wait_for, lambda: scene.kept > before + 2000)
        await scene.up()
        outcome, output = await scene.taken_up()

    assert output == b"init\n" + LINES + b"half"
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 7)


@pytest.mark.parametrize("how", HOW)
async def test_what_was_printed_up_to_an_end_without_dockerd_is_there(
    dockerd: OwnEngine, how: signal.Signals
) -> None:
    async with on(dockerd, ENDING) as scene:
        await scene.printed(b"5\n")

        await scene.down(how)
        scene.go_on()
        await asyncio.to_thread(wait_for, lambda: scene.has_ended)
        await scene.up()
        outcome, output = await scene.followed()

    assert output == b"init\n" + SHORT
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 7)


async def test_it_is_there_if_both_were_down(dockerd: OwnEngine) -> None:
    async with on(dockerd, ENDING) as scene:
        await scene.printed(b"5\n")

        await scene.leave()
        await scene.down(signal.SIGKILL)
        scene.go_on()
        await asyncio.to_thread(wait_for, lambda: scene.has_ended)
        await scene.up()
        outcome, output = await scene.taken_up()

    assert output == b"init\n" + SHORT
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 7)


@pytest.mark.parametrize("how", HOW)
async def test_more_than_the_buffers_hold_waits_for_dockerd(
    dockerd: OwnEngine, how: signal.Signals
) -> None:
    async with on(dockerd, MUCH) as scene:
        await scene.printed(b"before\n")

        await scene.down(how)
        scene.go_on()
        await asyncio.to_thread(wait_for, lambda: scene.kept >= BUFFERS)
        await scene.up()
        outcome, output = await scene.followed()

    assert output == b"init\nbefore\n" + NUMBERS
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 7)


@pytest.mark.parametrize("how", HOW)
async def test_a_dockerd_that_ends_its_containers_is_told_as_what_ended_them(
    short_lived: OwnEngine, how: signal.Signals
) -> None:
    async with on(short_lived, ENDLESS) as scene:
        await scene.printed(b"line 50\n")

        await scene.down(how)
        await scene.up()
        outcome, output = await scene.followed()

    assert (b"init\n" + MANY).startswith(output)
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 137)
    assert "ended from outside" in outcome.note
