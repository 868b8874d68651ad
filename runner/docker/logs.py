"""Reads what an engine has logged of a container, by one connection or by several."""

import calendar
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import Final, NamedTuple

import requests
from docker.errors import DockerException, NotFound
from docker.types import CancellableStream

from runner.docker.calls import TROUBLE, Calls
from runner.docker.pipe import Abandoned

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


class Log:
    """The log of one container. It has the container's very bytes if it is *exact*."""

    def __init__(self, calls: Calls, container: str, *, exact: bool) -> None:
        self._calls = calls
        self._container = container
        self._newlines = Newlines() if exact else None
        self._position = Position()
        self._changing = Lock()
        self._response: requests.Response | None = None
        self._closed = False

    @property
    def frames(self) -> int:
        """How many frames it has brought, each once."""
        return self._position.frames

    def read(self, *, follow: bool) -> Iterator[bytes]:
        """Yield what no reading before has brought; by one connection.

        One that is to *follow* goes on while the container runs, and may end early.
        """
        response = self._open(follow=follow)
        try:
            self._hold(response)
            chunks = response.raw.stream(1 << 16, decode_content=False)
            for data in self._position.unread(frames(chunks)):
                newlines = self._newlines
                yield newlines.restored(data) if newlines else data
        finally:
            with self._changing:
                self._response = None
                response.close()

    def close(self) -> None:
        """Let go, also of a reading that waits; from any thread."""
        with self._changing:
            self._closed = True
            if self._response is not None:
                _shut(self._response)

    def _open(self, *, follow: bool) -> requests.Response:
        api = self._calls.api
        asked = {"stdout": "1", "stderr": "1", "timestamps": "1"}
        if follow:
            asked["follow"] = "1"
        if self._position.since:
            asked["since"] = self._position.since
        return api.get(
            f"{api.base_url}/v{api.api_version}/containers/{self._container}/logs",
            params=asked,
            stream=True,
            timeout=(api.timeout, None),
        )

    def _hold(self, response: requests.Response) -> None:
        """Have *response* at hand for whoever closes this log, if it is one."""
        if response.status_code == requests.codes.not_found:
            raise NotFound("no such container", response=response)
        response.raise_for_status()
        with self._changing:
            self._response = response
            if self._closed:
                raise Abandoned


def _shut(response: requests.Response) -> None:
    # A stream that has just ended has no socket left to shut.
    with suppress(*TROUBLE, AttributeError):
        CancellableStream(response.raw, response).close()
