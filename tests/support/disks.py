"""Disks of a test's own, which fill up and break as real ones do. They need root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PAGE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallDisk:
    """A disk in memory, mounted at *at*."""

    at: Path

    def fill(self) -> None:
        """Leave room for nothing."""
        ballast = os.open(self._ballast, os.O_WRONLY | os.O_CREAT)
        os.lseek(ballast, 0, os.SEEK_END)
        with suppress(OSError):
            while os.write(ballast, b"\0" * _PAGE):
                pass
        os.close(ballast)

    def make_room(self) -> None:
        """Take away what fills it."""
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.at / "ballast"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakableDisk:
    """A disk in a file, mounted at *at*."""

    at: Path
    image: Path

    def break_down(self) -> None:
        """Have the file system find an error, and take no more writes from anybody."""
        _do("mount", "-o", "remount,abort", str(self.at))

    def repair(self) -> None:
        """Put it right; nobody may have a file on it open."""
        _do("umount", str(self.at))
        # 1: errors were found, and put right.
        _do("e2fsck", "-p", str(self.image), may_end=(0, 1))
        self.mount()

    def mount(self) -> None:
        """Have it at its place."""
        _do("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.at))


@contextmanager
def a_small_disk(at: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a disk of *size*, as in `8m`, while the body runs."""
    _do("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at))
    try:
        yield SmallDisk(at=at)
    finally:
        _do("umount", "-l", str(at))


@contextmanager
def a_breakable_disk(at: Path, image: Path) -> Iterator[BreakableDisk]:
    """Make a disk in the file *image*, and mount it while the body runs."""
    _do("truncate", "-s", "32M", str(image))
    _do("mkfs.ext4", "-q", str(image))
    disk = BreakableDisk(at=at, image=image)
    disk.mount()
    try:
        yield disk
    finally:
        _do("umount", "-l", str(at))


def _do(*command: str, may_end: tuple[int, ...] = (0,)) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode in may_end, f"{command[0]}: {ended.stderr}"
