"""Reads all that a container printed, however its engine cuts the reading short."""

import calendar
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from threading import Event, Lock
from typing import Final, NamedTuple

import requests
from docker.errors import DockerException, NotFound
from docker.types import CancellableStream

from runner.docker.calls import TROUBLE, Calls, words
from runner.docker.pipe import Abandoned, Pipe
from runner.engine import PAUSES
from runner.errors import ContainerLost, EngineUnavailable, RunnerError

#: Seconds until the next look at a container whose output ended before it did.
_EARLY_END: Final = 0.02

_PART: Final = 16 * 1024  #: bytes: how the engine cuts a long line

_HEADER: Final = 8  #: bytes: the stream, three zeros, the length (Engine API, attach)


#: The stream of the daemon's own words (Systemerr in its package stdcopy).
_DAEMON: Final = 3


class Frame(NamedTuple):
    """One line, or one part of a long one."""

    timestamp: bytes  #: RFC 3339 in UTC, nine digits of a second: sorts as text
    data: bytes


def frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Take the frames out of a multiplexed stream with timestamps.

    Raises what the daemon has to say of its own: that it cannot read the log.
    """
    held = b""
    for chunk in chunks:
        held += chunk
        at = 0
        while len(held) - at >= _HEADER:
            start = at + _HEADER
            end = start + int.from_bytes(held[at + 4 : start], "big")
            if end > len(held):
                break
            if held[at] == _DAEMON:
                raise DockerException(held[start:end].decode("utf-8", "replace"))
            timestamp, _, data = held[start:end].partition(b" ")
            yield Frame(timestamp, data)
            at = end
        held = held[at:]


def since(timestamp: bytes) -> str:
    """Return *timestamp* as the `since` of a request: seconds, a dot, nanoseconds."""
    whole, _, rest = timestamp.decode().rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return f"{seconds}.{rest.ljust(9, '0')}"


class Newlines:
    """Puts back the newlines that the `local` log driver loses.

    It keeps a line longer than 16 KiB in parts of that size, and the last part,
    which may be empty, without its newline. So a shorter part that has none had
    one, unless it is the very last: a tail that the container never ended.
    """

    def __init__(self) -> None:
        self._owed = False

    def restored(self, data: bytes) -> bytes:
        """Return *data* with the newline that the part before it has lost."""
        whole = b"\n" + data if self._owed else data
        self._owed = len(data) < _PART and not data.endswith(b"\n")
        return whole


class Position:
    """How far a log has been read: `since` counts those of one nanosecond again."""

    def __init__(self) -> None:
        self.frames = 0  #: all that were read, each once
        self._latest = b""
        self._count = 0  # frames of that very timestamp

    @property
    def since(self) -> str | None:
        """What to ask for next."""
        return since(self._latest) if self._latest else None

    def unread(self, again: Iterable[Frame]) -> Iterator[bytes]:
        """Yield the data that a reading from `since` on brings anew."""
        known, left = self._latest, self._count
        for frame in again:
            if left and frame.timestamp == known:
                left -= 1
                continue
            self._pass(frame.timestamp)
            yield frame.data

    def _pass(self, timestamp: bytes) -> None:
        self.frames += 1
        if timestamp > self._latest:
            self._latest, self._count = timestamp, 0
        self._count += timestamp == self._latest


class Follower:
    """Follows one container's log into a pipe, from a thread of its own."""

    def __init__(
        self,
        calls: Calls,
        container: str,
        pipe: Pipe,
        *,
        restoring: bool,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._calls = calls
        self._newlines = Newlines() if restoring else None
        self._container = container
        self._pipe = pipe
        self._pauses = pauses
        self._position = Position()
        self._closed = Event()
        self._changing = Lock()
        self._response: requests.Response | None = None

    def run(self) -> None:
        """Read until the container has ended and a reading brings nothing new."""
        try:
            self._read_all()
        except Abandoned:
            self._pipe.end()
        except RunnerError as error:
            self._pipe.end(error)
        except Exception as error:  # noqa: BLE001 - the thread's top: somebody reads
            message = f"reading the output failed: {type(error).__name__}: {error}"
            self._pipe.end(EngineUnavailable(message))
        else:
            self._pipe.end()

    def close(self) -> None:
        """Let go, also of a reading that waits; from any thread."""
        self._closed.set()
        self._pipe.abandon()
        with self._changing:
            if self._response is not None:
                _shut(self._response)

    def _read_all(self) -> None:
        ended, pauses = False, iter(self._pauses)
        while not self._closed.is_set():
            before, trouble = self._position.frames, None
            try:
                self._read(follow=not ended)
                if ended and self._position.frames == before:
                    return
                ended = self._has_ended()
            except NotFound as error:
                message = "the container was removed by somebody else"
                raise ContainerLost(message) from error
            except TROUBLE as error:
                trouble = error
            if self._position.frames > before:
                pauses = iter(self._pauses)
            if trouble is not None:
                self._wait(pauses, trouble)
            elif not ended:
                self._closed.wait(_EARLY_END)

    def _read(self, *, follow: bool) -> None:
        """Read what is new into the pipe."""
        response = self._open(follow=follow)
        try:
            chunks = response.raw.stream(1 << 16, decode_content=False)
            for data in self._position.unread(frames(chunks)):
                newlines = self._newlines
                self._pipe.write(newlines.restored(data) if newlines else data)
        finally:
            with self._changing:
                self._response = None
                response.close()

    def _open(self, *, follow: bool) -> requests.Response:
        api = self._calls.api
        asked = {"stdout": "1", "stderr": "1", "timestamps": "1"}
        if follow:
            asked["follow"] = "1"
        if self._position.since:
            asked["since"] = self._position.since
        response = api.get(
            f"{api.base_url}/v{api.api_version}/containers/{self._container}/logs",
            params=asked,
            stream=True,
            timeout=(api.timeout, None),
        )
        if response.status_code == requests.codes.not_found:
            raise NotFound("no such container", response=response)
        response.raise_for_status()
        with self._changing:
            self._response = response
            if self._closed.is_set():
                raise Abandoned
        return response

    def _has_ended(self) -> bool:
        return not self._calls.api.inspect_container(self._container)["State"][
            "Running"
        ]

    def _wait(self, pauses: Iterator[float], error: BaseException) -> None:
        pause = next(pauses, None)
        if pause is None:
            message = f"the engine stopped answering: {words(error)}"
            raise EngineUnavailable(message) from error
        self._closed.wait(pause)


def _shut(response: requests.Response) -> None:
    # A stream that has just ended has no socket left to shut.
    with suppress(*TROUBLE, AttributeError):
        CancellableStream(response.raw, response).close()
