"""A `handrail serve` that is killed and started again."""

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.command_line import ROOT, environment

_PAUSE_SECONDS: Final = 1.0
_AT_MOST_SECONDS: Final = 60.0


@dataclass(kw_only=True)
class Replica:
    """One process at a time, looked after as an init system does."""

    settings: Mapping[str, str]
    log: Path
    #: seconds from each SIGTERM to the end of the process
    took: list[float] = field(default_factory=list)
    ended_by_itself: int = 0
    _process: asyncio.subprocess.Process | None = None
    _watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it; it is started anew should it end by itself."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def end(self, how: signal.Signals) -> None:
        """Send it *how*, and wait until it has ended."""
        watching, self._watching = self._watching, None
        process = self._process
        if watching is None or process is None:
            return
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        since = time.monotonic()
        if process.returncode is None:
            process.send_signal(how)
        await self._ended(process)
        if how is signal.SIGTERM:
            self.took.append(time.monotonic() - since)

    async def _ended(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(_AT_MOST_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _watch(self) -> None:
        while True:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bot.cli", "serve"),
                    cwd=ROOT,
                    env=environment(self.settings),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            await self._process.wait()
            self.ended_by_itself += 1
            await asyncio.sleep(_PAUSE_SECONDS)
