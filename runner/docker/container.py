"""One container of a Docker engine."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from threading import Thread
from time import sleep
from typing import Final, TypedDict, TypeVar

import requests
from docker.errors import APIError, NotFound

from runner.docker.aside import aside
from runner.docker.calls import Calls, told, told_of_container
from runner.docker.files import SecretFiles, are_there, bring, forget
from runner.docker.following import Follower
from runner.docker.pipe import Pipe
from runner.docker.sealed import DIRECTORY, keep, kept, put
from runner.docker.terms import Terms
from runner.docker.workspace import read
from runner.driver import OPEN, WORKSPACE
from runner.engine import Aside, Exit, Vitals
from runner.errors import EngineUnavailable, ImageUnavailable, RunnerError

T = TypeVar("T")

_NEVER: Final = "0001-01-01"  #: how the Engine API says that a time has not come
_NOT_RUNNING: Final = requests.codes.conflict
#: seconds between attempts to put something there, or to take it out
_PAUSES: Final = (0.2, 1.0, 2.0)
_CONDEMNED: Final = "condemned"  #: the file that says why it is to be ended
_LOOKS: Final = 50  #: at a container that is being removed, 0.1 s apart


class _State(TypedDict):
    Running: bool
    StartedAt: str
    FinishedAt: str
    ExitCode: int
    OOMKilled: bool


class DockerContainer:
    """A container that the engine knows by the id *name*."""

    def __init__(
        self,
        calls: Calls,
        name: str,
        terms: Terms,
        log: str,
        *,
        files: SecretFiles | None = None,
        is_found: bool = False,
    ) -> None:
        """Take note whether it *is_found*: whether it was started by another."""
        self._calls = calls
        self._files = files
        self._id = name
        self._terms = terms
        self._log = log  # the log driver
        self._is_read = is_found
        self._lacks_files = files is not None

    @property
    def id(self) -> str:
        """The engine's own name for it."""
        return self._id

    @property
    def nonce(self) -> str:
        """What sets its driver's marks apart."""
        return self._terms.nonce

    @property
    def reading(self) -> str:
        """What prints the state of its stack."""
        return self._terms.reading

    @property
    def harmless(self) -> bool:
        """Whether what it performs changes nothing."""
        return self._terms.harmless

    @property
    def results(self) -> tuple[str, ...]:
        """What is wanted out of its workspace."""
        return self._terms.results

    async def start(self) -> None:
        """Start it."""
        await self._calls.run(self._start)

    async def vitals(self) -> Vitals:
        """Ask the engine whether it lives."""
        state = await self._calls.run(self._state)
        if state["StartedAt"].startswith(_NEVER):
            return Vitals(started=False, running=False)
        begun = await self._calls.run(self._begun)
        return Vitals(started=begun, running=state["Running"], age=_age(state))

    async def keep(self, sealed: bytes) -> None:
        """Put *sealed* into it, in the place of the last."""
        await self._insisting(lambda: self._keep(sealed))

    async def kept(self) -> bytes:
        """Return what was put there last."""
        return await self._calls.run(self._kept)

    async def condemn(self, why: str) -> None:
        """Put *why* it is about to be ended into it."""
        await self._calls.run(self._condemn, why)

    async def condemned(self) -> str:
        """Return what `condemn` has put there."""
        return await self._calls.run(self._condemned)

    async def aside(self, script: str, *, within: timedelta, most: int) -> Aside:
        """Run *script* beside what runs there."""
        return await self._calls.run(self._aside, script, within, most)

    async def output(self) -> AsyncGenerator[bytes, None]:
        """Yield all it ever printed, until it has ended."""
        pipe = Pipe()
        follower = Follower(
            self._calls,
            self._id,
            pipe,
            exact=self._log == "local",
            is_found=self._is_read,
        )
        self._is_read = True
        Thread(target=follower.run, name=f"output {self._id}", daemon=True).start()
        try:
            while (data := await pipe.read()) is not None:
                yield data
        finally:
            follower.close()

    async def open_gate(self) -> None:
        """Write the line that the driver waits for."""
        await self._calls.run(self._open_gate)

    async def exit(self) -> Exit:
        """Wait until it has ended."""
        state = await self._calls.run(self._state)
        while state["Running"]:
            await self._calls.run(self._wait)
            state = await self._calls.run(self._state)
        return Exit(code=state["ExitCode"], out_of_memory=state["OOMKilled"])

    async def result(self, path: str) -> bytes | None:
        """Return what the file *path* in its workspace holds."""
        return await self._insisting(lambda: self._result(path))

    async def interrupt(self) -> None:
        """Send every process in it SIGINT, but for its init."""
        await self._calls.run(self._interrupt)

    async def kill(self) -> None:
        """End it now."""
        await self._calls.run(self._kill)

    async def remove(self) -> bool:
        """End and remove it, and its anonymous volume; True iff it is proven gone."""
        return await self._calls.run(self._remove)

    async def _insisting(self, call: Callable[[], T]) -> T:
        for pause in _PAUSES:
            try:
                return await self._calls.run(call)
            except EngineUnavailable:
                await asyncio.sleep(pause)
        return await self._calls.run(call)

    def _start(self) -> None:
        try:
            with told_of_container("start the container"):
                self._calls.api.start(self._id)
                if self._files is not None:
                    bring(self._calls.api, self._files)
        except EngineUnavailable as error:
            if '"/bin/sh"' in str(error):
                raise ImageUnavailable(str(error)) from error
            raise
        if self._files is not None:
            self._open_gate()
        self._lacks_files = False

    def _begun(self) -> bool:
        if not self._lacks_files:
            return True
        with told_of_container("tell whether the container has its files"):
            return are_there(self._calls.api, self._id)

    def _state(self) -> _State:
        with told_of_container("tell how the container is"):
            found: _State = self._calls.api.inspect_container(self._id)["State"]
            return found

    def _keep(self, sealed: bytes) -> None:
        with told_of_container("put what is to be masked into the container"):
            keep(self._calls.api, self._id, sealed)

    def _kept(self) -> bytes:
        with told_of_container("tell what is to be masked in the container"):
            return kept(self._calls.api, self._id)

    def _condemn(self, why: str) -> None:
        with told_of_container("put into the container why it is ended"):
            put(self._calls.api, self._id, _CONDEMNED, why.encode())

    def _condemned(self) -> str:
        with told_of_container("tell why the container was to be ended"):
            found = read(self._calls.api, self._id, f"/{DIRECTORY}/{_CONDEMNED}")
            return (found or b"").decode("utf-8", "replace")

    def _result(self, path: str) -> bytes | None:
        with told_of_container("take a result out of the container"):
            return read(self._calls.api, self._id, f"{WORKSPACE}/{path}")

    def _aside(self, script: str, within: timedelta, most: int) -> Aside:
        return aside(self._calls.api, self._id, script, within=within, most=most)

    def _open_gate(self) -> None:
        with told_of_container("open the gate of the container"):
            opened = self._calls.api.attach_socket(
                self._id, params={"stdin": 1, "stream": 1}
            )
            # The SDK hands out a read-only wrapper of the socket, and the response
            # that owns it.
            with closing(getattr(opened, "_response", opened)):
                getattr(opened, "_sock", opened).sendall(OPEN)

    def _wait(self) -> None:
        with told_of_container("wait for the container"), suppress(requests.Timeout):
            self._calls.api.wait(self._id)

    def _interrupt(self) -> None:
        with told_of_container("interrupt the container"), _unless_ended():
            api = self._calls.api
            command = ["/bin/sh", "-c", "kill -INT -1"]
            api.exec_start(api.exec_create(self._id, command)["Id"])

    def _kill(self) -> None:
        with told("kill the container"), suppress(NotFound), _unless_ended():
            self._calls.api.kill(self._id)

    def _remove(self) -> bool:
        with suppress(RunnerError), told("remove the container"):
            try:
                with _unless_ended():  # or unless it is being removed already
                    self._calls.api.remove_container(self._id, v=True, force=True)
                for _ in range(_LOOKS):
                    self._calls.api.inspect_container(self._id)
                    sleep(0.1)
            except NotFound:
                self._forget_files()
                return True
        return False

    def _forget_files(self) -> None:
        # No reason to doubt that the container is gone, and with it their content.
        if self._files is not None:
            with suppress(RunnerError), told("remove the place of secret files"):
                forget(self._calls.api, self._files.name)


def _age(state: _State) -> timedelta:
    until = datetime.now(UTC)
    if not state["Running"]:
        until = datetime.fromisoformat(state["FinishedAt"])
    # No clock but the engine's own is in step with its times.
    return max(timedelta(0), until - datetime.fromisoformat(state["StartedAt"]))


class _unless_ended:  # noqa: N801 - reads as a clause
    """Let pass that a container which was to be acted upon does not run."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        """Swallow the engine's 409."""
        return isinstance(error, APIError) and error.status_code == _NOT_RUNNING
