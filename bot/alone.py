"""One process at a time on one directory."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bot.domain.errors import HandrailError


class AlreadyRunning(HandrailError):
    """Another process has the directory; the message says what to do."""


@contextmanager
def alone(folder: Path, sentence: str) -> Iterator[None]:
    """Keep others off *folder* while the body runs, or say *sentence*.

    The kernel gives the lock back however this process ends.
    """
    with _opened(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(sentence) from error
        yield


def _opened(folder: Path) -> TextIO:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / "lock").open("w")
    except OSError as error:
        raise HandrailError(
            f"Handrail cannot write in {folder} ({error.strerror}). Make room or let "
            "it write there, or set HANDRAIL_DATA_DIR to a directory where it may."
        ) from error
