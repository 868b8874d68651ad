"""An OPA of the bot's own: started, watched, ended if need be, started again."""

import asyncio
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from bot.policies import launch
from bot.policies.rest import OpaClient, client_at

_log = structlog.get_logger(__name__)

#: those that `opa run` has since OPA 1.0
_FLAGS: Final = (
    "--server",
    "--v0-compatible",
    "--disable-telemetry",
    "--log-level=error",
    "--log-format=text",
    "--unix-socket-perm=600",
)
_PROBED_EVERY: Final = 0.02  #: seconds
_START_LIMIT: Final = 10.0
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_LONGEST_PAUSE_AT_WORK: Final = 0.4
_LIVED_LONG: Final = 60.0
#: what is dropped has this long to be cancelled by OPA itself
_GRACE: Final = 0.5
_LOOKED_AT_FOR: Final = 0.2
#: how long a moment in which nothing is asked is waited for
_PATIENCE: Final = 20.0
#: seconds of CPU; more than that is work, however many others want the CPU
_IDLE: Final = 0.015
_WORDS_KEPT: Final = 2000  #: bytes of its standard error
#: sun_path of unix(7) has 108 bytes, and 104 elsewhere
_LONGEST_SOCKET: Final = 100


@asynccontextmanager
async def own_opa(program: str, directory: Path) -> AsyncIterator["OwnOpa"]:
    """Keep `opa run` of *program* running, with its socket below *directory*."""
    with _socket_below(directory) as path:
        async with client_at(f"unix://{path}") as client:
            opa = OwnOpa(program, path, client)
            async with _kept(opa):
                yield opa


@asynccontextmanager
async def _kept(opa: "OwnOpa") -> AsyncIterator[None]:
    kept = asyncio.create_task(opa.keep())
    try:
        yield
    finally:
        await opa.close()
        kept.cancel()
        with suppress(asyncio.CancelledError):
            await kept


class OwnOpa:
    """The OPA that is running at a time; `incarnation` counts them."""

    def __init__(self, program: str, path: Path, client: OpaClient) -> None:
        self.client = client
        self.incarnation = 0
        self._program = program
        self._path = path
        self._ready = asyncio.Event()
        self._said = "it is being started"
        self._process: asyncio.subprocess.Process | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """Return why it does not answer, as a sentence; empty: it does."""
        if self._ready.is_set():
            return ""
        return f"OPA ({self._program}) does not run: {self._said}."

    @property
    def remedy(self) -> str:
        """Return what to do where it does not, as a sentence."""
        if self.incarnation:
            return "It is started again whenever it ends: try again in a minute."
        return "HANDRAIL_OPA has to be the program of Open Policy Agent, 1.0 or newer."

    @property
    def pid(self) -> int | None:
        """Return the id of its process; None: none runs."""
        process = self._process
        return (
            None if process is None or process.returncode is not None else process.pid
        )

    async def ready(self) -> None:
        """Wait until it answers."""
        await self._ready.wait()

    def overran(self) -> None:
        """End it unless it stops working on what was just dropped."""
        process = self._process
        if process and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._end_if_busy(process))

    async def keep(self) -> None:
        """Start it whenever it does not run, for ever."""
        pause = _FIRST_PAUSE
        while True:
            began, former, said = time.monotonic(), self.incarnation, self._said
            await self._live()
            has_answered = self.incarnation > former
            if has_answered or self._said != said:
                _log.warning("opa does not run", said=self._said)
            if time.monotonic() - began > _LIVED_LONG:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            # What was ended at work is wanted; what never answers may take its time.
            longest = _LONGEST_PAUSE_AT_WORK if has_answered else _LONGEST_PAUSE
            pause = min(pause * 2, longest)

    async def close(self) -> None:
        """Look at nothing any more; what runs is ended by who keeps it."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _live(self) -> None:
        self._path.unlink(missing_ok=True)
        try:
            process = await self._start()
        except OSError as error:
            self._said = str(error)
            return
        self._process = process
        words = asyncio.create_task(_first_words(process))
        try:
            await self._until_it_answers(process)
            await process.wait()
        finally:
            self._ready.clear()
            _end(process)
            await process.wait()
            self._said = await words or f"it ended with {process.returncode}"

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(launch.__file__), str(os.getpid())),
            *(self._program, "run", *_FLAGS, f"--addr=unix://{self._path}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={},
        )

    async def _until_it_answers(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(_START_LIMIT):
                await self._probe(process)
        except TimeoutError:
            _end(process)

    async def _probe(self, process: asyncio.subprocess.Process) -> None:
        """Return when *process* answers, or has ended."""
        while not await self.client.answers():
            if process.returncode is not None:
                return
            await asyncio.sleep(_PROBED_EVERY)
        self.incarnation += 1
        self._ready.set()

    async def _end_if_busy(self, process: asyncio.subprocess.Process) -> None:
        """End *process* if it works though nothing is asked, or never rests.

        What it is asked now is work, too; so that tells nothing for a while.
        """
        until = time.monotonic() + _PATIENCE
        is_telling = False
        while not is_telling and time.monotonic() < until:
            asked, is_free = self.client.asked, not self.client.is_asked
            await asyncio.sleep(_GRACE)
            used = await _used_by(process.pid, _LOOKED_AT_FOR)
            if used < _IDLE or process.returncode is not None:
                return
            is_telling = is_free and self.client.asked == asked
        _log.warning("opa does not let go of an evaluation")
        _end(process)


def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


@contextmanager
def _socket_below(directory: Path) -> Iterator[Path]:
    """Yield a path of a socket that nobody else has, and remove it."""
    with tempfile.TemporaryDirectory(prefix="handrail-") as spare:
        home = directory / "opa"
        path = home / f"{secrets.token_hex(4)}.sock"
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            home, path = Path(spare), Path(spare, "opa.sock")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_stale(home)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def _remove_stale(home: Path) -> None:
    """Remove the sockets of bots that were ended by force."""
    for path in filter(_is_stale, home.glob("*.sock")):
        path.unlink(missing_ok=True)


def _is_stale(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
        tried.settimeout(1)
        try:
            tried.connect(str(path))
        except OSError as error:
            return isinstance(error, ConnectionRefusedError)
        return False


async def _first_words(process: asyncio.subprocess.Process) -> str:
    """Read all that it says, lest it blocks, and return the line that matters."""
    kept = b""
    assert process.stdout is not None  # noqa: S101 (it was asked for as a pipe)
    while piece := await process.stdout.read(65536):
        kept += piece[: _WORDS_KEPT - len(kept)]
    lines = kept.decode(errors="replace").splitlines()
    # As root it complains of that first.
    said = (it for it in lines if it.strip() and not it.startswith("[WARNING]"))
    return next(said, "").strip().rstrip(".")


async def _used_by(pid: int, seconds: float) -> float:
    """Return the seconds of CPU that a process uses in so many *seconds*."""
    before = await asyncio.to_thread(_cpu_seconds, pid)
    await asyncio.sleep(seconds)
    return await asyncio.to_thread(_cpu_seconds, pid) - before


def _cpu_seconds(pid: int) -> float:
    """Return what the process has used, or ever more where that is not known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
