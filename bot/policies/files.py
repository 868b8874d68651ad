"""The files that policies are in, looked at whenever one is asked."""

import asyncio
import time
from pathlib import Path
from typing import Final

from bot.policies.answers import NotEvaluated

#: what is that long was not written by hand
_LONGEST: Final = 1 << 20  #: bytes
#: file systems tell times by the tick, and some by the second or two
_SETTLED: Final = 3_000_000_000  #: nanoseconds


_Version = tuple[int, ...]


class PolicyFiles:
    """The files as they are by now; what did not change is not read again.

    Where files come from another host, that may tell of a change later (nfs(5): ac).
    """

    def __init__(self) -> None:
        self._known: dict[Path, tuple[_Version, str]] = {}

    async def text(self, path: Path) -> str:
        """Return the text at *path*; raise NotEvaluated, which does not name it."""
        try:
            version = _version(path)
            known = self._known.get(path)
            if known is not None and known[0] == version:
                return known[1]
            text = await asyncio.to_thread(_content, path)
        except OSError as error:
            raise NotEvaluated(f"The file cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise NotEvaluated("The file is not UTF-8.") from error
        if _is_settled(version):
            self._known[path] = version, text
        return text


def _version(path: Path) -> _Version:
    """Return what differs as soon as the file is another, or has another text.

    Nobody sets the last of these: the time at which the file system saw a change.
    """
    found = path.stat()
    return (
        *(found.st_dev, found.st_ino, found.st_size),
        *(found.st_mtime_ns, found.st_ctime_ns),
    )


def _is_settled(version: _Version) -> bool:
    """Tell whether a change from now on would have another time."""
    return time.time_ns() - max(version[-2:]) > _SETTLED


def _content(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise NotEvaluated(f"The file has more than {_LONGEST >> 20} MiB.")
    # OPA takes no notice of a byte order mark either.
    return content.decode("utf-8-sig")
