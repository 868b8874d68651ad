"""A file that is there as a whole or not at all, and never in the place of another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from bot.domain.errors import HandrailError

#: what SQLite puts beside its files
_BESIDE = ("", "-journal", "-wal", "-shm")


class FileRefused(HandrailError):
    """A file cannot be used; the message says which and why."""


@contextmanager
def drafted(file: Path) -> Iterator[Path]:
    """Yield a draft, for its owner only, that becomes *file* if the body ends well.

    Until then *file* is empty. Raises FileRefused.
    """
    try:
        _make(file)
    except FileExistsError as error:
        raise FileRefused(f"There is {file} already. Name another file.") from error
    except OSError as error:
        raise FileRefused(f"{file} cannot be written: {error.strerror}.") from error
    draft = file.with_name(f".{file.name}.{token_hex(4)}")
    try:
        _make(draft)
        yield draft
        _keep(draft)
        draft.replace(file)
        _keep(file.parent)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    finally:
        for name in _BESIDE:
            draft.with_name(draft.name + name).unlink(missing_ok=True)


def _make(file: Path) -> None:
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _keep(file: Path) -> None:
    """Have what is written to *file*, or to a folder, survive a power cut."""
    opened = os.open(file, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
