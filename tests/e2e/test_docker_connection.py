import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from runner.docker.address import EngineAddress
from runner.docker.engine import DockerEngine
from runner.errors import EngineUnavailable
from runner.events import Ending
from runner.execute import execute
from runner.masking.masker import Masks
from runner.source import Sources
from tests.support.docker import busybox_image, docker_engine, engine_address, run_in
from tests.support.runs import SEAL, Record, a_job

PREFIX = "unix://"


class Line:
    """A line to the real engine that can be cut."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = await asyncio.open_unix_connection(self._engine)
        self._ends |= {writer, back}
        for task in (self._copy(reader, back), self._copy(there, writer)):
            self._tasks.add(asyncio.ensure_future(task))

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def _copy(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(1 << 14):
                target.write(data)
                await target.drain()
        target.close()


@asynccontextmanager
async def line_to_engine() -> AsyncIterator[tuple[Line, EngineAddress]]:
    url = engine_address().url
    if not url.startswith(PREFIX):
        pytest.fail(f"this test needs an engine at a Unix socket, not {url}")
    line = Line(url.removeprefix(PREFIX))
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "docker.sock"
        server = await asyncio.start_unix_server(line.connect, path)
        try:
            yield line, EngineAddress(url=f"{PREFIX}{path}", origin="a test")
        finally:
            server.close()
            line.cut()


async def test_output_survives_lost_connections_to_the_engine() -> None:
    installation = f"line-{uuid4().hex[:8]}"
    command = "seq 1 20000; until [ -e /tmp/go ]; do sleep 0.05; done; seq 20001 40000"
    job = a_job(command, installation=installation, image=busybox_image())
    record, stop = Record(), asyncio.Event()
    async with docker_engine(installation), line_to_engine() as (line, address):
        engine = DockerEngine(address)
        running = asyncio.create_task(
            execute(
                job,
                engine,
                record,
                masks=Masks(),
                seal=SEAL,
                stop=stop,
                sources=Sources(Path("unused")),
            )
        )
        for seen in (b"\n5000\n", b"\n15000\n", b"\n20000\n"):
            await record.printed(seen)
            line.cut()
        run_in(f"handrail-{installation}-{job.run}", ": > /tmp/go")
        await record.printed(b"\n30000\n")
        line.cut()
        outcome = await running
        await engine.close()

    assert record.output == b"".join(b"%d\n" % n for n in range(1, 40_001))
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0)


async def test_an_engine_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    address = EngineAddress(url=f"{PREFIX}{tmp_path}/none.sock", origin="a test")
    async with DockerEngine(address) as engine:
        with pytest.raises(EngineUnavailable, match="does not answer"):
            await engine.ping()
