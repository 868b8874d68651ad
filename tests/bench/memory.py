"""How much memory the bot takes: `handrail serve` in a process of its own."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.sandbox.server import Sandbox, serve
from bot.sandbox.workspace import Workspace
from tests.bench.table import Table, Target
from tests.support.bot import MANIFEST, text_of
from tests.support.docker import busybox_image, engine_address

STREAMED = 1_000_000_000
IDLE_MB = 120.0
MORE_MB = 60.0
_SETTLE_SECONDS = 3.0
_LOOK_SECONDS = 0.05
_LONGEST_SECONDS = 1_800.0
_LINE = "x" * 119

_CONFIG = """\
version: 1
workspace: {workspace}
defaults: {{image: "{image}", network: none, writers: [{writer}]}}
stacks: {{bench: {{}}}}
"""


async def measure() -> Table:
    """Sample the resident memory of a bot at rest and while output streams."""
    with TemporaryDirectory() as place:
        async with _served(Path(place)) as served:
            fresh = await served.at_rest()
            await served.task("true")
            idle = max(fresh, await served.at_rest())
            started = time.perf_counter()
            peak = await served.peak(f"yes {_LINE} | head -c {STREAMED}")
            seconds = time.perf_counter() - started
            after = await served.at_rest()
    rows = [
        ("idle, just started", f"{fresh:.1f} MB"),
        ("idle, a task later", f"{idle:.1f} MB"),
        ("peak while 1 GB streams", f"{peak:.1f} MB"),
        ("idle again", f"{after:.1f} MB"),
    ]
    rate = f"{STREAMED / 1e6 / seconds:.1f} MB/s, lines of 120 bytes"
    return Table(
        title="Resident memory of `handrail serve`",
        columns=("", "VmRSS"),
        rows=rows,
        targets=[
            Target(name="idle", measured=idle, at_most=IDLE_MB, unit=" MB"),
            Target(name="more", measured=peak - idle, at_most=MORE_MB, unit=" MB"),
        ],
        notes=[f"1 GB took {seconds:.0f} s: {rate}"],
    )


class _Served:
    """A bot in another process, and the workspace that it serves."""

    def __init__(self, sandbox: Sandbox, channel: str, writer: str, pid: int) -> None:
        self._sandbox = sandbox
        self._channel = channel
        self._writer = writer
        self._pid = pid

    async def at_rest(self) -> float:
        """Return its resident memory in MB, once nothing goes on."""
        await asyncio.sleep(_SETTLE_SECONDS)
        return self._resident()

    async def peak(self, command: str) -> float:
        """Return the most resident memory in MB while *command* runs."""
        running = asyncio.create_task(self.task(command))
        peak = 0.0
        while not running.done():
            peak = max(peak, self._resident())
            await asyncio.wait({running}, timeout=_LOOK_SECONDS)
        await running
        return peak

    async def task(self, command: str) -> None:
        """Run *command* and wait for the last word of its thread."""
        before = len(self._finals())
        line = f"/task bench --no-init {command}"
        taken = await self._sandbox.slash(line, by=self._writer, channel=self._channel)
        assert taken.ok, taken.error
        await self._sandbox.wait_for(
            lambda: len(self._finals()) > before, timeout=_LONGEST_SECONDS
        )
        assert "exit code 0" in self._finals()[-1]

    def _finals(self) -> list[str]:
        replies = [
            reply
            for root in self._sandbox.messages(self._channel)
            for reply in self._sandbox.thread(self._channel, root["ts"])[1:]
        ]
        kinds = ((r, r.get("metadata", {}).get("event_payload", {})) for r in replies)
        return [text_of(r) for r, payload in kinds if payload.get("kind") == "final"]

    def _resident(self) -> float:
        status = Path(f"/proc/{self._pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / 1e6


@asynccontextmanager
async def _served(place: Path) -> AsyncIterator[_Served]:
    workspace = Workspace(manifest=MANIFEST)
    writer = workspace.add_person("ann", real_name="Ann")
    channel = workspace.add_channel("infra", members=[writer])
    image = await asyncio.to_thread(busybox_image)
    config = place / "handrail.yaml"
    config.write_text(
        _CONFIG.format(workspace=workspace.team, image=image, writer=writer)
    )
    async with serve(workspace, pace=False) as sandbox:
        environ = {
            **os.environ,
            **engine_address().environment,
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
            "SLACK_API_URL": sandbox.api_url,
            "HANDRAIL_CONFIG": str(config),
            "HANDRAIL_DATA_DIR": str(place / "data"),
        }
        async with _process(environ) as pid:
            await sandbox.wait_for(sandbox.connected, timeout=60)
            yield _Served(sandbox, channel, writer, pid)


@asynccontextmanager
async def _process(environ: dict[str, str]) -> AsyncIterator[int]:
    command = [sys.executable, "-m", "bot.cli", "serve"]
    process = await asyncio.create_subprocess_exec(*command, env=environ)
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
