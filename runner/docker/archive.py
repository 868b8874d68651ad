"""Write a container's root file system as a tar archive."""

import io
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

#: Modules of the standard library that only fill a container.
LEFT_OUT: Final = frozenset(
    {
        "__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3",
        "site-packages", "test", "tests", "tkinter", "turtledemo",
    }
)  # fmt: skip


class Rootfs:
    """A growing tar archive in which everything belongs to root.

    Folders come before what they hold: an engine gives folders that an archive
    leaves out whatever mode it likes.
    """

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._held: set[PurePosixPath] = {PurePosixPath("/")}

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Add a folder, and those above it."""
        entry = self._entry(path, mode)
        if entry is not None:
            entry.type = tarfile.DIRTYPE
            self._archive.addfile(entry)

    def file(self, path: str, content: str, mode: int = 0o644) -> None:
        """Add a file with the given text."""
        entry = self._entry(path, mode)
        if entry is not None:
            data = content.encode()
            entry.size = len(data)
            self._archive.addfile(entry, io.BytesIO(data))

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        entry = self._entry(path, 0o777)
        if entry is not None:
            entry.type = tarfile.SYMTYPE
            entry.linkname = target
            self._archive.addfile(entry)

    def copy(self, source: Path, path: str | None = None) -> None:
        """Add this machine's file *source*, at *path* or where it stands here."""
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        entry = self._entry(path or str(source), mode)
        if entry is not None:
            with source.open("rb") as file:
                entry.size = os.fstat(file.fileno()).st_size
                self._archive.addfile(entry, file)

    def copy_library(self, folder: Path) -> None:
        """Add a Python standard library where it stands here."""
        for directory, subfolders, files in os.walk(folder):
            subfolders[:] = sorted(s for s in subfolders if _is_wanted(s))
            sources = (Path(directory) / name for name in sorted(files))
            for source in filter(Path.is_file, sources):
                self.copy(source)

    def _entry(self, path: str, mode: int) -> tarfile.TarInfo | None:
        """Return a new entry, its folders being there; None if it is there too."""
        place = PurePosixPath(path)
        if place in self._held:
            return None
        self.folder(str(place.parent))
        self._held.add(place)
        entry = tarfile.TarInfo(str(place.relative_to("/")))
        entry.mode = mode
        return entry


def _is_wanted(folder: str) -> bool:
    # config-3.x holds the static libpython, for building interpreters.
    return folder not in LEFT_OUT and not folder.startswith("config-")
