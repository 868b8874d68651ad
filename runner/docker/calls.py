"""Calls of the Docker SDK, in threads and with its errors in the runner's words."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Lock, Thread
from typing import Final, ParamSpec, TypeVar

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound

from runner.docker.address import EngineAddress, connect, why_silent
from runner.errors import (
    ContainerLost,
    EngineAway,
    EngineUnavailable,
    RunnerError,
)

P = ParamSpec("P")
T = TypeVar("T")

#: How many calls may be under way at once; following output takes none of these.
_CALLS: Final = 32

#: All that the SDK lets through from the layers below it.
TROUBLE: Final = (
    DockerException,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)

#: What comes of a connection that could not be made, or was lost.
_UNREACHABLE: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    TimeoutError,
)

#: What an engine still answers that is coming or going, or whose containerd is.
_GOING: Final = (
    "context canceled",
    "connection refused",
    "transport is closing",
    "ttrpc: closed",
    "shutting down",
)


class Calls:
    """One connection to an engine, opened when it is first needed."""

    def __init__(self, address: EngineAddress) -> None:
        self._address = address
        self._client: docker.DockerClient | None = None
        self._opening = Lock()
        self._room = asyncio.Semaphore(_CALLS)

    @property
    def client(self) -> docker.DockerClient:
        """The SDK's client. Opening it asks the engine, so: from a thread."""
        with self._opening:
            if self._client is None:
                if reason := why_silent(self._address):
                    raise EngineAway(
                        f"the engine at {self._address.url} does not answer: {reason}"
                    )
                self._client = connect(self._address, max_pool_size=_CALLS)
            return self._client

    @property
    def api(self) -> docker.APIClient:
        """The SDK's low-level client."""
        return self.client.api

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call *function* in a thread.

        A thread of its own, which no process waits for at its end: a call may take
        as long as an image takes to arrive.
        """
        called: Future[T] = Future()
        called.set_running_or_notify_cancel()
        call = partial(function, *args, **kwargs)
        thread = Thread(target=_settle, args=(called, call), daemon=True)
        async with self._room:
            thread.start()
            return await asyncio.wrap_future(called)

    async def close(self) -> None:
        """Close the connection; calls that are under way are left to themselves."""
        if self._client is not None:
            self._client.close()


def _settle(called: Future[T], call: Callable[[], T]) -> None:
    try:
        called.set_result(call())
    except RunnerError as error:
        called.set_exception(error)
    except Exception as error:  # noqa: BLE001 - the thread's top: somebody waits
        message = f"unexpected {type(error).__name__}: {error}"
        called.set_exception(EngineUnavailable(message))


@contextmanager
def told(action: str) -> Iterator[None]:
    """Raise the SDK's errors as EngineUnavailable, naming *action*."""
    try:
        yield
    except TROUBLE as error:
        raise trouble(f"the engine could not {action}", error) from error


@contextmanager
def told_of_container(action: str) -> Iterator[None]:
    """Do as `told`, and raise ContainerLost where there is no such container."""
    with told(action):
        try:
            yield
        except NotFound as error:
            message = "the container was removed by somebody else"
            raise ContainerLost(message) from error


def trouble(what: str, error: BaseException) -> EngineUnavailable:
    """Return *error* as the runner's, with the sentence that *what* begins."""
    kind = EngineAway if is_away(error) else EngineUnavailable
    return kind(f"{what}: {words(error)}")


def is_away(error: BaseException) -> bool:
    """Return whether *error* comes of an engine that is away, or comes or goes."""
    if isinstance(error, APIError):
        return any(said in words(error) for said in _GOING)
    return is_cut(error)


def is_cut(error: BaseException) -> bool:
    """Return whether *error* comes of a connection, and not of an answer."""
    unreachable = isinstance(error, _UNREACHABLE)
    return unreachable or isinstance(error.__context__, _UNREACHABLE)


def words(error: BaseException) -> str:
    """Return what *error* says, in the engine's own words where it has some."""
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation)
    return str(error)
