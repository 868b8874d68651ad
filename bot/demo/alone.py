"""One demo at a time: they would share the sample stack's workspace."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.domain.errors import HandrailError


class AnotherDemo(HandrailError):
    """Another demo is running; the message says what to do."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other demos off *folder* while the body runs, or raise AnotherDemo."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AnotherDemo(
                "Another demo is running here. Type the command into its page, or "
                "end it with Ctrl-C first."
            ) from error
        yield
