"""Runs a script beside what a container runs, bounded in time and in size."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from threading import Event, Timer
from time import monotonic, sleep
from typing import Final

import docker
import requests
from docker.errors import create_api_error_from_http_exception
from docker.types import CancellableStream

from runner.docker.calls import TROUBLE, told_of_container
from runner.engine import Aside

_PATIENCE: Final = 5  #: seconds for an answer of the engine itself
_LOOKS: Final = 0.05  #: seconds between looks at a script whose output has ended
#: What reading or shutting a stream raises that was shut from another thread.
_SHUT: Final = (AttributeError, ValueError)
_LONGEST_NUMBER: Final = 20  #: digits, and a newline
_HEADER: Final = 8  #: bytes: the stream, three zeros, the length (Engine API, attach)

#: Prints the number of its process, and becomes the script $1.
_RUN: Final = 'echo $$; exec /bin/sh -c "$1"'

#: Kills the process $1 and its group, then what else is in the session that an
#: engine makes for it. The name within a `stat` may have blanks (proc(5)).
KILL: Final = r"""exec 2>/dev/null
kill -KILL "$1" "-$1"
session=$1
for round in 1 2 3 4 5 6 7 8 9 10; do
  left=
  for stat in /proc/[0-9]*/stat; do
    read -r line <"$stat" || continue
    set -- ${line##*) }
    [ "$4" = "$session" ] && [ "$1" != Z ] || continue
    process=${stat#/proc/}
    kill -KILL "${process%/stat}" && left=yes
  done
  [ -n "$left" ] || break
done
"""


def aside(
    api: docker.APIClient,
    container: str,
    script: str,
    *,
    within: timedelta,
    most: int,
) -> Aside:
    """Run *script* with the container's shell, and return what it printed.

    Only standard output counts, and nothing of it gets into the container's log.
    A script that is not done *within* that time, or prints more than *most* bytes,
    is killed with what it has started, and has no code. Blocks its thread for a few
    seconds longer at most. Raises ContainerLost, or EngineUnavailable.
    """
    until = monotonic() + within.total_seconds()
    with told_of_container("run a script beside the command"):
        running = _Running(api, container, script)
        running.read(most=most, until=until)
        return Aside(code=running.code(until=until), output=running.output[:most])


class _Running:
    """A script that the engine runs in a container beside what runs there."""

    def __init__(self, api: docker.APIClient, container: str, script: str) -> None:
        self._calls = _Calls(api, container)
        self._name = self._calls.created(
            ["/bin/sh", "-c", _RUN, "aside", script], output=True
        )
        self._printed = bytearray()
        self._cut = Event()

    @property
    def output(self) -> bytes:
        """What it has printed, without the number."""
        return bytes(self._printed[len(self._number) + 1 :])

    def read(self, *, most: int, until: float) -> None:
        """Start it, and read until it closes its output or has to be cut off."""
        left = max(until - monotonic(), 0)
        response = self._calls.started(self._name, patience=_PATIENCE + left)
        with closing(response), self._cut_off_after(left, response):
            for data in _frames(response):
                self._printed += data
                if len(self._printed) > most + len(self._number) + 1:
                    self._cut_off(response)

    def code(self, *, until: float) -> int | None:
        """Return its exit code, or None if it was cut off."""
        while not self._cut.is_set():
            code = self._calls.code(self._name)
            if code is not None:
                return code
            if monotonic() > until:
                self._kill()
                break
            sleep(_LOOKS)  # output may end before its process does
        return None

    @contextmanager
    def _cut_off_after(
        self, seconds: float, response: requests.Response
    ) -> Iterator[None]:
        timer = Timer(seconds, self._cut_off, (response,))
        timer.start()
        try:
            yield
        except (*TROUBLE, *_SHUT):
            if not self._cut.is_set():
                raise
        finally:
            timer.cancel()
            timer.join()

    def _cut_off(self, response: requests.Response) -> None:
        self._cut.set()
        with suppress(*TROUBLE):
            self._kill()
        # Some of what it started may hold the output open.
        with suppress(*TROUBLE, *_SHUT):
            CancellableStream(response.raw, response).close()

    def _kill(self) -> None:
        if self._number.isdigit():
            self._calls.detached(["/bin/sh", "-c", KILL, "kill", self._number])

    @property
    def _number(self) -> str:
        """What it has printed of the number that its process has."""
        return self._printed[:_LONGEST_NUMBER].partition(b"\n")[0].decode()


class _Calls:
    """The engine's calls for processes in one container, each with a short time-out."""

    def __init__(self, api: docker.APIClient, container: str) -> None:
        self._api = api
        self._base = f"{api.base_url}/v{api.api_version}"
        self._container = container

    def created(self, command: list[str], *, output: bool) -> str:
        """Make a process and return its name."""
        wanted = {"Cmd": command, "AttachStdout": output}
        url = f"{self._base}/containers/{self._container}/exec"
        answer = _checked(self._api.post(url, json=wanted, timeout=_PATIENCE))
        return str(answer.json()["Id"])

    def started(self, name: str, *, patience: float) -> requests.Response:
        """Start it; the response is its output."""
        # Without an upgrade of the connection, after which a client may miss what
        # came together with the engine's answer.
        wanted = {"Detach": False, "Tty": False}
        url = f"{self._base}/exec/{name}/start"
        wait = (_PATIENCE, patience)
        return _checked(self._api.post(url, json=wanted, stream=True, timeout=wait))

    def detached(self, command: list[str]) -> None:
        """Run *command*, and do not wait for it."""
        url = f"{self._base}/exec/{self.created(command, output=False)}/start"
        _checked(self._api.post(url, json={"Detach": True}, timeout=_PATIENCE))

    def code(self, name: str) -> int | None:
        """Return the exit code of a process, None while it runs."""
        url = f"{self._base}/exec/{name}/json"
        found = _checked(self._api.get(url, timeout=_PATIENCE)).json()
        return None if found["Running"] else int(found["ExitCode"])


def _checked(response: requests.Response) -> requests.Response:
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        create_api_error_from_http_exception(error)
    return response


def _frames(response: requests.Response) -> Iterator[bytes]:
    while len(header := response.raw.read(_HEADER)) == _HEADER:
        yield response.raw.read(int.from_bytes(header[4:], "big"))
