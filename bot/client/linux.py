"""What Linux alone offers: orphans adopted and listed, an environment kept closed."""

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: prctl(2)
_SET_DUMPABLE: Final = 4
_SET_CHILD_SUBREAPER: Final = 36

#: of /proc/<pid>/stat: it has ended (proc(5))
_ENDED: Final = frozenset("ZX")


def adopt_orphans() -> None:
    """Become the parent of whatever this process's descendants leave behind."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def close_environment() -> None:
    """Keep this process's memory and environment from others of the same user."""
    _prctl(_SET_DUMPABLE, 0)


def children() -> Mapping[int, int]:
    """Return the process groups of this process's children that have not ended.

    By their process ids. Without those that have left its session, as daemons do;
    nothing where there is no Linux.
    """
    if sys.platform != "linux":
        return {}
    family = (os.getpid(), os.getsid(0))
    found: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        state, parent, group, session = _read(status)
        if (parent, session) == family and state not in _ENDED:
            found[int(status.parent.name)] = group
    return found


def _read(status: Path) -> tuple[str, int, int, int]:
    try:
        text = status.read_text(errors="replace")
    except OSError:  # it has gone meanwhile
        return ("X", 0, 0, 0)
    # Behind the program's name, which may have blanks and brackets itself.
    state, parent, group, session, *_ = text.rpartition(")")[2].split()
    return (state, int(parent), int(group), int(session))


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        # An old kernel, or a sandbox, may refuse it: then it is as elsewhere.
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
