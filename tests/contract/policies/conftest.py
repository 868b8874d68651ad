"""A real OPA, and policies that are asked of it."""

import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.policies.opa import OpaPolicies
from bot.policies.server import server_at
from tests.contract.policies.asking import Asked
from tests.support.opa import opa_binary

_START_LIMIT = 60.0


@pytest.fixture(scope="session")
def opa() -> Path:
    """Return a program that is OPA."""
    return opa_binary()


@pytest.fixture(scope="session")
def running(opa: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of an OPA that runs as long as the tests do."""
    socket = tmp_path_factory.mktemp("opa") / "s"
    flags = ("--server", "--v0-compatible", "--disable-telemetry", "--log-level=error")
    command = (str(opa), "run", *flags, f"--addr=unix://{socket}")
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        deadline = time.monotonic() + _START_LIMIT
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        yield f"unix://{socket}"
        process.kill()


@pytest.fixture
async def asked(running: str, tmp_path: Path) -> AsyncIterator[Asked]:
    """Yield policies in an OPA that runs already, and may take its time."""
    async with server_at(running, tmp_path) as server:
        yield Asked(
            policies=OpaPolicies(server, limit=30.0), server=server, folder=tmp_path
        )


@pytest.fixture
async def own(opa: Path, tmp_path: Path) -> AsyncIterator[Asked]:
    """Yield policies in an OPA that was started for them, which answers by now."""
    async with server_at(str(opa), tmp_path) as server:
        await server.ready()
        yield Asked(
            policies=OpaPolicies(server, limit=30.0), server=server, folder=tmp_path
        )
