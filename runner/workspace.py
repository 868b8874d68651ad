"""Makes the archive that becomes the workspace of a container."""

import hashlib
import tarfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from runner.driver import SECRETS
from runner.errors import SourceUnavailable, WorkspaceGone
from runner.job import Job, WorkspaceFile

#: All files that a source put into the workspace, one path below `source/` a line.
SOURCE_LIST: Final = ".handrail/source.list"

#: Files of the source before, for the driver to remove before anything runs.
REMOVED_LIST: Final = ".handrail/removed.list"


def complete(archive: Path, job: Job) -> None:
    """Add to *archive* all that *job* needs beside its source.

    An archive that is not there is made. Raises SourceUnavailable when the
    source lacks what *job* names. Where the workspace is laid already, the source
    is in it.
    """
    try:
        with tarfile.open(archive, "a") as tar:
            _add_directory(tar, "source")
            if not job.is_laid:
                _check_root(tar, job)
            for file in job.files:
                _place(tar, job, file)
            if not job.is_laid:
                listed = "".join(f"{path}\n" for path in sorted(_source_files(tar)))
                _add_file(tar, SOURCE_LIST, listed.encode("utf-8", "surrogateescape"))
    except tarfile.TarError as error:
        raise SourceUnavailable(f"could not read the source: {error}") from error
    except OSError as error:
        message = (
            f"could not write the workspace: {error}; check the disk of the bot's host"
        )
        raise SourceUnavailable(message) from error


def removed(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Return the files of *before* that are to be removed, given those of *now*.

    A path whose parent has become a file or a link is left alone: to remove it
    through the link would remove another file, perhaps of the new source.
    """
    present = set(now)
    gone = sorted(set(before) - present)
    return [path for path in gone if present.isdisjoint(_parents(path))]


def gone() -> WorkspaceGone:
    """Return the error of a workspace that is laid no more."""
    return WorkspaceGone(
        "the workspace that was kept of it is gone from the engine's host, so nothing "
        "was run; begin it anew"
    )


def check_expected(job: Job, content: Callable[[str], bytes | None]) -> None:
    """Raise WorkspaceGone unless each *content* of a path is what *job* expects."""
    for path, digest in job.expected.items():
        found = content(path)
        if found is None or hashlib.sha256(found).hexdigest() != digest:
            raise WorkspaceGone(
                f'the file "{path}" in the workspace that was kept of it is not what '
                "it was, so nothing was run; begin it anew"
            )


def placed(job: Job, file: WorkspaceFile) -> str:
    """Return the path of *file* below `source/`, or raise SourceUnavailable."""
    path = PurePosixPath(job.project_root, file.path)
    if file.path.startswith("/") or ".." in path.parts or not path.name:
        raise SourceUnavailable(
            f'the file "{file.path}" does not lie in the workspace; '
            "give it a path below the project root"
        )
    return str(path)


def held(job: Job, file: WorkspaceFile) -> str:
    """Return where the container has the secret *file*, or raise SourceUnavailable."""
    path = PurePosixPath(file.path)
    if PurePosixPath(SECRETS) not in path.parents:
        return f"{SECRETS}/source/{placed(job, file)}"
    if ".." in path.parts:
        raise SourceUnavailable(
            f'the file "{file.path}" does not lie below {SECRETS}; give it a path there'
        )
    return str(path)


def _place(tar: tarfile.TarFile, job: Job, file: WorkspaceFile) -> None:
    """Add *file*, or a link to where it is held: what is secret is on no disk."""
    if not file.secret:
        name = f"source/{placed(job, file)}"
        _add_file(tar, name, file.content, file.mode)
    elif held(job, file) != str(PurePosixPath(file.path)):
        _add_link(tar, f"source/{placed(job, file)}", held(job, file))


def _parents(path: str) -> Iterable[str]:
    return (str(parent) for parent in PurePosixPath(path).parents)


def _check_root(tar: tarfile.TarFile, job: Job) -> None:
    root = PurePosixPath("source", job.project_root)
    if ".." in root.parts or not _is_directory(tar, str(root)):
        raise SourceUnavailable(
            f'the source has no directory "{job.project_root}"; '
            "check the path of the stack's project root"
        )


def _is_directory(tar: tarfile.TarFile, name: str) -> bool:
    entry = next((m for m in reversed(tar.getmembers()) if m.name == name), None)
    return entry is not None and (entry.isdir() or entry.issym())


def _source_files(tar: tarfile.TarFile) -> set[str]:
    paths = (m.name.removeprefix("source/") for m in tar.getmembers() if not m.isdir())
    return {path for path in paths if "\n" not in path}


def _add_file(
    tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644
) -> None:
    _add_parents(tar, name)
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    tar.addfile(member, BytesIO(content))


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    _add_parents(tar, name)
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
    tar.addfile(member)


def _add_parents(tar: tarfile.TarFile, name: str) -> None:
    parents = [str(parent) for parent in PurePosixPath(name).parents]
    for parent in reversed(parents[:-1]):
        _add_directory(tar, parent)


def _add_directory(tar: tarfile.TarFile, name: str) -> None:
    if _is_directory(tar, name):
        return
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(member)
