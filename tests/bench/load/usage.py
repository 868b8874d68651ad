"""What a process has used: time on the processor, and memory."""

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def seconds(*pids: int) -> float:
    """Return for how long *pids* have kept a processor busy, in all."""
    return sum(map(_seconds, pids))


def peak_megabytes(pid: int) -> float:
    """Return the most resident memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def processes(of: Path) -> list[int]:
    """Return the processes that were started with a path below *of*, but for shims."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_of(entry, of)
    ]


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _is_of(process: Path, folder: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return str(folder) in words and "shim" not in words
