"""One process at a time on one directory."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import HandrailError


class AlreadyRunning(HandrailError):
    """Another process has the directory; the message says what to do."""


@contextmanager
def alone(folder: Path, sentence: str) -> Iterator[None]:
    """Keep others off *folder* while the body runs, or say *sentence*.

    The kernel gives the lock back however this process ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(sentence) from error
        yield
