"""Becomes OPA: bounded in memory, without an environment, gone when its parent is.

Run as a script of its own, in an interpreter that has nothing loaded, so that it
imports nothing of Handrail.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

#: prctl(2)
_SET_PDEATHSIG: Final = 1
#: what an evaluation may take on top of the 30 MB of OPA; then only OPA ends
_MEMORY: Final = 1 << 30  #: bytes


def _bounded(parent: int) -> None:
    if sys.platform != "linux":
        return
    # Address space would not do: Go reserves more than it ever uses.
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    # Where memory runs out all the same, OPA is what the kernel is to end.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Run the program and arguments behind the id of the parent."""
    parent, program, *arguments = sys.argv[1:]
    _bounded(int(parent))
    os.execve(program, [program, *arguments], {})  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
