"""A static busybox: a whole userland in one file that needs nothing else."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.docker.elf import is_static

PACKAGE: Final = "busybox-static"
DOWNLOAD_LIMIT: Final = 120  #: seconds for one command
PLACES: Final = ("/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static")


@dataclass(frozen=True, slots=True, kw_only=True)
class Busybox:
    """A busybox that runs on this machine, with the commands it knows."""

    path: Path
    applets: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Return what changes when the program does."""
        stat = self.path.stat()
        return f"{self.path} {stat.st_size} {stat.st_mtime_ns}"


def find_busybox(tell: Callable[[str], None]) -> Busybox | None:
    """Return this machine's busybox, else Debian's: unpacked, not installed.

    Installing it would take the place of a busybox that others rely on.
    """
    kept = cache_dir(os.environ) / "busybox"
    on_path = shutil.which("busybox")
    here = [Path(place) for place in (on_path, *PLACES, kept) if place]
    path = next((path for path in here if is_static(path)), None)
    if path is None:
        path = _unpack_debians(kept, tell)
    return Busybox(path=path, applets=_applets(path)) if path else None


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Return where a file is kept that can be had again (XDG base directories)."""
    home = Path(environ.get("HOME", "/root"))
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "handrail"


def _unpack_debians(kept: Path, tell: Callable[[str], None]) -> Path | None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    tell(f"Fetching Debian's {PACKAGE} into {kept.parent}.")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if not _downloaded(place):
            return None
        package = next(place.glob("*.deb"))
        _run(["dpkg-deb", "-x", package.name, "unpacked"], place)
        program = next(place.glob("unpacked/**/bin/busybox"))
        return _keep(program, kept)


def _downloaded(folder: Path) -> bool:
    download = ["apt-get", "-q", "download", PACKAGE]
    if _run(download, folder):
        return True
    # The lists of a fresh machine are empty, and only root can fetch them.
    return os.geteuid() == 0 and all(
        _run(command, folder) for command in (["apt-get", "-q", "update"], download)
    )


def _keep(program: Path, kept: Path) -> Path:
    """Move the program into place in one step, for others who look for it."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    arriving = kept.with_name(f"{kept.name}.{os.getpid()}")
    shutil.copy2(program, arriving)
    return arriving.rename(kept)


def _run(command: list[str], folder: Path) -> bool:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DOWNLOAD_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _applets(path: Path) -> tuple[str, ...]:
    done = subprocess.run(
        [str(path), "--list"], capture_output=True, text=True, timeout=10, check=True
    )
    return tuple(name for name in done.stdout.split() if name != "busybox")
