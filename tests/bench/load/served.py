"""One `handrail serve` with a hundred stacks, and what it costs to follow them all."""

import asyncio
import json
import sqlite3
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Final

from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from tests.bench.chaos.engine import OwnEngine
from tests.bench.load import usage
from tests.bench.load.lag import Lags, now
from tests.support.bot import MANIFEST
from tests.support.command_line import Process, started

_LOOK_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 1_200
_CHANNELS: Final = 10
_CHUNKS: Final = (
    "SELECT rowid, run, data FROM output_chunks WHERE rowid > ? ORDER BY rowid"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What was seen of it: times in seconds, of which *took* are on the wall."""

    lags: Lags
    idle: float  #: MB
    peak: float  #: MB
    busy: float
    engine: float
    took: float  #: until the last run was over
    told: float  #: until Slack had all of it
    calls: int
    unlike: int  #: runs that did not finish


async def served(
    engine: OwnEngine, image: str, count: int, seconds: int, folder: Path
) -> Served:
    """Run *count* tasks at once, one per stack, and watch what is stored."""
    workspace = Workspace(manifest=MANIFEST)
    writer = workspace.add_person("ann")
    channels = [
        workspace.add_channel(f"infra-{nth}", members=[writer])
        for nth in range(_CHANNELS)
    ]
    config = _config(folder, image, workspace.team, writer, count)
    async with serve(workspace, pace=True) as sandbox:
        settings = {
            **engine.address.environment,
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "SLACK_API_URL": sandbox.api_url,
            "HANDRAIL_CONFIG": str(config),
            "HANDRAIL_DATA_DIR": str(folder / "data"),
        }
        async with _serving(settings, sandbox) as process:
            load = _Load(sandbox, writer, channels, process.inner.pid, engine)
            return await load.measure(folder / "data", count, seconds)


@asynccontextmanager
async def _serving(
    settings: dict[str, str], sandbox: Sandbox
) -> AsyncIterator[Process]:
    async with started("serve", **settings) as process:
        try:
            await process.says("Handrail serves")
        except AssertionError:
            assert process.inner.stderr is not None
            print((await process.inner.stderr.read()).decode()[-3000:])
            raise
        await sandbox.wait_for(sandbox.connected, timeout=30)
        draining = asyncio.create_task(process.inner.communicate())
        try:
            yield process
        finally:
            process.inner.terminate()
            await draining


class _Load:
    def __init__(
        self,
        sandbox: Sandbox,
        writer: str,
        channels: list[str],
        pid: int,
        engine: OwnEngine,
    ) -> None:
        self._sandbox = sandbox
        self._writer = writer
        self._channels = channels
        self._pid = pid
        self._engine = engine
        self._lags = Lags()
        self._last = 0

    async def measure(self, data: Path, count: int, seconds: int) -> Served:
        idle = usage.peak_megabytes(self._pid)
        pids = usage.processes(self._engine.folder)
        before = usage.seconds(self._pid), usage.seconds(*pids)
        began, calls = time.monotonic(), len(self._sandbox.calls)
        asking = [self._ask(nth, seconds) for nth in range(count)]
        await asyncio.gather(*asking)
        with closing(
            sqlite3.connect(f"file:{data}/handrail.db?mode=ro", uri=True)
        ) as db:
            await self._watch(db, count)
            took = time.monotonic() - began
            async with asyncio.timeout(_LONGEST_SECONDS):
                # Another process writes it, and nothing here hears of that.
                while _count(db, "outbox WHERE fate IS NULL"):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
            told = time.monotonic() - began
            unlike = _count(db, "runs WHERE state != 'finished'")
        return Served(
            lags=self._lags,
            idle=idle,
            peak=usage.peak_megabytes(self._pid),
            busy=usage.seconds(self._pid) - before[0],
            engine=usage.seconds(*pids) - before[1],
            took=took,
            told=told,
            calls=len(self._sandbox.calls) - calls,
            unlike=unlike,
        )

    async def _ask(self, nth: int, seconds: int) -> None:
        taken = await self._sandbox.slash(
            f"/task stack-{nth} sh lines.sh {seconds}",
            by=self._writer,
            channel=self._channels[nth % len(self._channels)],
        )
        assert taken.ok, taken.error

    async def _watch(self, db: sqlite3.Connection, count: int) -> None:
        """Look for new chunks until every run is over."""
        over = "runs WHERE state IN ('finished', 'failed', 'stopped', 'discarded')"
        async with asyncio.timeout(_LONGEST_SECONDS):
            while _count(db, over) < count:
                self._look(db)
                await asyncio.sleep(_LOOK_SECONDS)
        self._look(db)

    def _look(self, db: sqlite3.Connection) -> None:
        rows = db.execute(_CHUNKS, (self._last,)).fetchall()
        at = now()
        for self._last, run, data in rows:
            self._lags.see(run, zlib.decompress(data), at)


def _count(db: sqlite3.Connection, of: str) -> int:
    found: int = db.execute(f"SELECT count(*) FROM {of}").fetchone()[0]
    return found


def _config(folder: Path, image: str, team: str, writer: str, count: int) -> Path:
    source = folder / "source"
    source.mkdir()
    copy(Path(__file__).with_name("lines.sh"), source)
    written = {
        "version": 1,
        "workspace": team,
        "slots": count,
        "defaults": {
            "image": image,
            "network": "none",
            "source": {"dir": str(source)},
            "writers": [writer],
            "limits": {"memory": "64m"},
        },
        "stacks": {f"stack-{nth}": {} for nth in range(count)},
    }
    config = folder / "handrail.yaml"
    config.write_text(json.dumps(written))  # JSON is YAML, too
    return config
