"""`handrail` as a process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.docker import engine_address

ROOT = Path(__file__).parents[2]
#: longer than any one command of these tests takes, on a busy machine
LIMIT_SECONDS = 60
_OWN = ("HANDRAIL_", "SLACK_", "DOCKER_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and all that it said."""

    code: int
    out: str
    err: str


@dataclass(kw_only=True)
class Process:
    """A command that goes on, in a process group of its own."""

    inner: asyncio.subprocess.Process

    async def says(self, words: str) -> str:
        """Wait until a line has *words*, and return it."""
        assert self.inner.stdout is not None
        async with asyncio.timeout(LIMIT_SECONDS):
            while line := (await self.inner.stdout.readline()).decode():
                if words in line:
                    return line
        _, err = await self.inner.communicate()
        raise AssertionError(f"ended without saying {words!r}: {err.decode()[-2000:]}")

    async def told(self, what: signal.Signals) -> int:
        """Send it a signal, wait for its end and return its exit code."""
        self.inner.send_signal(what)
        return await self.ended()

    async def ended(self, within: float = LIMIT_SECONDS) -> int:
        """Wait for its end, for some seconds, and return its exit code."""
        async with asyncio.timeout(within):
            await self.inner.communicate()
        assert self.inner.returncode is not None
        return self.inner.returncode

    @property
    def leaves_processes(self) -> bool:
        """Tell whether a process of its group is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.inner.pid, 0)
            return True
        return False


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with *own* settings instead of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OWN)}
    # Compiled once for all processes of a test run.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | engine_address().environment | {"PYTHONUNBUFFERED": "1", **own}


async def handrail(*arguments: str, **settings: str) -> Ended:
    """Run a command to its end."""
    async with started(*arguments, **settings) as process:
        async with asyncio.timeout(LIMIT_SECONDS):
            out, err = await process.inner.communicate()
        assert process.inner.returncode is not None
        return Ended(code=process.inner.returncode, out=out.decode(), err=err.decode())


@asynccontextmanager
async def started(
    *arguments: str, module: str = "bot.cli", **settings: str
) -> AsyncIterator[Process]:
    """Start a command; what is left of its processes in the end is killed."""
    inner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env=environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Process(inner=inner)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(inner.pid, signal.SIGKILL)
        await inner.communicate()
