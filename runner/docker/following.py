"""Reads all that a container printed, however its engine cuts the reading short."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from threading import Event, Timer
from typing import Final

from docker.errors import NotFound

from runner.docker.calls import TROUBLE, Calls, trouble
from runner.docker.kept import KeptOutput
from runner.docker.logs import Log
from runner.docker.pipe import Abandoned, Pipe
from runner.engine import PAUSES
from runner.errors import ContainerLost, EngineUnavailable, RunnerError

#: Seconds until the next look at a container whose output ended before it did.
_EARLY_END: Final = 0.02

#: So many looks later it is no end of the container, but of the engine.
_LOOKS: Final = 25

#: How long a log may take to bring what is known of it: seconds, and bytes a second.
_PATIENCE: Final = 2.0
_REPLAY: Final = 4 << 20

#: Seconds between looks at a copy that is read because the log lacks something.
_SHORTEST: Final = 0.2
_LONGEST: Final = 2.0

#: How many times longer than a reading it is waited for the next one.
_REST: Final = 9

_SIGNALLED: Final = 128  #: what exits with more may have been killed

#: What reading a stream raises, beside TROUBLE, that was shut from another thread.
_SHUT: Final = (AttributeError, ValueError)


class Follower:
    """Follows one container's output into a pipe, from a thread of its own.

    An engine that was down, or whose connection broke, may have logged less than it
    was given. So the log is believed as long as one connection has brought all of
    it; after that it is the container's own copy, up to the log's next agreement
    with it. What is not logged to the byte is not comparable: then the log is all.
    """

    def __init__(
        self,
        calls: Calls,
        container: str,
        pipe: Pipe,
        *,
        exact: bool,
        is_found: bool = False,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Take note that its log has *exact* bytes, or that it was taken up."""
        self._calls = calls
        self._container = container
        self._pipe = pipe
        self._exact = exact
        self._pauses = pauses
        self._closed = Event()
        self._log = Log(calls, container, exact=exact)
        self._skip = 0  # bytes that this log is still to bring again
        self._kept = KeptOutput(calls, container)
        self._told = 0  # bytes
        self._has_ended = False
        self._was_killed = False  # maybe with the copy half done
        self._rest = _SHORTEST
        self._way: Callable[[], bool] = self._follow
        if is_found:
            self._way = self._take_copy
        if not exact:
            self._way = self._take_log

    def run(self) -> None:
        """Read until the container has ended and there is nothing new."""
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
        self._log.close()

    def _read_all(self) -> None:
        pauses = iter(self._pauses)
        while not self._closed.is_set():
            before, trouble = self._progress, None
            try:
                if self._way():
                    return
            except NotFound as error:
                message = "the container was removed by somebody else"
                raise ContainerLost(message) from error
            except TROUBLE as error:
                trouble = error
            if self._progress != before:
                pauses = iter(self._pauses)
            if trouble is not None:
                self._wait(pauses, trouble)

    @property
    def _progress(self) -> tuple[int, int]:
        return self._told, self._log.frames

    # Each way returns whether all has been read, or sets the way to go on.

    def _follow(self) -> bool:
        """Read the log, which has all so far, while the container runs."""
        self._way = self._take_copy
        self._tell_all(self._log.read(follow=True))
        return self._is_complete()

    def _take_copy(self) -> bool:
        """Read the copy, and see whether the log agrees with it."""
        self._look()
        size = self._kept.size()
        if size is None or size < self._told:
            return self._turn_to_log()
        self._tell_all(self._kept.read(self._told))
        if self._was_killed:
            return self._turn_to_log()  # which may have more, never less of the end
        if not self._has_ended:
            self._way = self._rejoin
        return self._has_ended

    def _rejoin(self) -> bool:
        """Follow the log if it brings what is known from the copy."""
        self._way = self._take_copy
        self._renew_log()
        if self._agrees(self._log.read(follow=True)):
            return self._is_complete()
        self._way = self._poll
        return False

    def _poll(self) -> bool:
        """Read the copy from time to time."""
        self._way = self._take_copy
        self._look()
        begun, size = time.monotonic(), self._kept.size()
        if size is None or size < self._told:
            return self._turn_to_log()
        if size > self._told:
            self._tell_all(self._kept.read(self._told))
            self._rest = max(_SHORTEST, _REST * (time.monotonic() - begun))
        if not self._has_ended:
            self._way = self._poll
            self._closed.wait(self._rest)
            self._rest = max(self._rest, min(self._rest * 1.5, _LONGEST))
        return self._turn_to_log() if self._was_killed else self._has_ended

    def _take_log(self) -> bool:
        """Read the log, of which any number of connections bring a part."""
        before = self._log.frames
        reading = self._log.read(follow=not self._has_ended)
        self._tell_all(self._anew(reading))
        if self._has_ended:
            return self._log.frames == before
        self._look()
        if not self._has_ended:
            self._closed.wait(_EARLY_END)
        return False

    def _turn_to_log(self) -> bool:
        self._renew_log()
        self._way = self._take_log
        return False

    def _is_complete(self) -> bool:
        """Return whether all was read, now that the log has come to an end."""
        for _ in range(_LOOKS):
            self._look()
            if self._has_ended or self._closed.wait(_EARLY_END):
                break
        if not self._has_ended:
            return False
        size = self._kept.size()
        if size is None or size < self._told:
            self._way = self._take_log
            return False
        if size > self._told:
            self._tell_all(self._kept.read(self._told))
        return True

    def _agrees(self, log: Iterator[bytes]) -> bool:
        """Tell what *log* brings anew; False if it does not bring what is known."""
        known, seen, data = self._kept.digest, sha256(), b""
        late = Event()
        patience = Timer(_PATIENCE + self._skip / _REPLAY, self._cut, (late,))
        patience.start()
        try:
            while self._skip and (data := next(log, b"")):
                again, data = data[: self._skip], data[self._skip :]
                self._skip -= len(again)
                seen.update(again)
            patience.cancel()
            if late.is_set() or self._skip or seen.digest() != known:
                return False
        except (*TROUBLE, *_SHUT):
            if late.is_set():
                return False
            raise
        finally:
            patience.cancel()
        self._tell_all((data,))
        self._tell_all(log)
        return True

    def _cut(self, late: Event) -> None:
        late.set()
        self._log.close()

    def _renew_log(self) -> None:
        self._log = Log(self._calls, self._container, exact=self._exact)
        self._skip = self._told
        if self._closed.is_set():
            raise Abandoned

    def _anew(self, log: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what of *log* has not been told."""
        for data in log:
            again, fresh = data[: self._skip], data[self._skip :]
            self._skip -= len(again)
            yield fresh

    def _tell_all(self, output: Iterable[bytes]) -> None:
        for data in output:
            if data:
                self._pipe.write(data)
                self._told += len(data)

    def _look(self) -> None:
        if not self._has_ended:
            state = self._calls.api.inspect_container(self._container)["State"]
            self._has_ended = not state["Running"]
            self._was_killed = self._has_ended and state["ExitCode"] > _SIGNALLED

    def _wait(self, pauses: Iterator[float], error: BaseException) -> None:
        pause = next(pauses, None)
        if pause is None:
            raise trouble("the engine stopped answering", error) from error
        self._closed.wait(pause)
