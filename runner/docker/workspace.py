"""Lays a workspace into a container that was created and not started."""

import tarfile
from collections.abc import Collection, Iterable, Set
from copy import copy
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Final

import docker
from docker.errors import APIError, NotFound

from runner.driver import KEPT, WORKSPACE
from runner.engine import LARGEST_RESULT
from runner.workspace import REMOVED_LIST, SOURCE_LIST, gone, removed

_ROOT_NAMES: Final = ("", "0", "root")

_DIRECTORY: Final = 1 << 31  #: in the mode that the Engine API tells (Go's fs.ModeDir)
#: What the engine says, beside 500, of a path that leads through a file.
BELOW_A_FILE: Final = "not a directory"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is to own the workspace: the image's user, having no capabilities."""

    uid: int = 0
    gid: int = 0


def owner_of(api: docker.APIClient, container: str, user: str) -> Owner:
    """Return the ids of *user*, as an image names it: `user[:group]`, names or ids."""
    name, _, group = user.partition(":")
    if name in _ROOT_NAMES and group in _ROOT_NAMES:
        return Owner()
    accounts = _table(api, container, "/etc/passwd")
    account = next((row for row in accounts if name in (row[0], row[2])), None)
    uid = _id(account[2]) if account else _id(name)
    gid = _id(account[3]) if account else 0
    if group:
        groups = _table(api, container, "/etc/group")
        gid = next((_id(row[2]) for row in groups if group == row[0]), _id(group))
    return Owner(uid, gid)


def lay(
    api: docker.APIClient,
    container: str,
    archive: Path,
    owner: Owner,
    *,
    stale: Collection[str] | None,
) -> None:
    """Put *archive* under the workspace, owned by *owner*, and a place to keep output.

    In a workspace that is kept, list for the driver what the source before had put
    there and this one lacks, and *stale*, paths below the workspace.
    """
    before = set() if stale is None else _left_by_last(api, container)
    before |= {f"../{path}" for path in stale or ()}
    with TemporaryFile(prefix="handrail-") as owned:
        _own(archive, owned, owner, before)
        owned.seek(0)
        # At the root, because an engine refuses links that lead out of the
        # directory in which an archive is unpacked.
        api.put_archive(container, "/", owned)


def add(api: docker.APIClient, container: str, archive: Path, owner: Owner) -> None:
    """Put into a workspace that is laid what *archive* has and it lacks.

    Raises WorkspaceGone where none was ever laid: its volume was made anew.
    """
    listed = read(api, container, f"{WORKSPACE}/{SOURCE_LIST}")
    if listed is None:
        raise gone()
    there = {f"source/{path}" for path in _paths(listed)}
    there |= {str(above) for path in there for above in PurePosixPath(path).parents}
    with TemporaryFile(prefix="handrail-") as owned:
        lacking = _own_lacking(archive, owned, owner, there | {"source"})
        if lacking or owner != Owner():
            owned.seek(0)
            api.put_archive(container, "/", owned)


def read(api: docker.APIClient, container: str, path: str) -> bytes | None:
    """Return what the file *path* holds, or None if there is no file, or a huge one.

    Where *path* is a link, the file is meant to which it leads.
    """
    try:
        chunks, about = api.get_archive(container, path)
        if about["linkTarget"]:
            chunks, about = api.get_archive(container, about["linkTarget"])
    except APIError as error:
        if isinstance(error, NotFound) or BELOW_A_FILE in str(error.explanation):
            return None
        raise
    if about["mode"] & _DIRECTORY or about["size"] > LARGEST_RESULT:
        return None
    with tarfile.open(fileobj=BytesIO(b"".join(chunks))) as tar:
        return next((_content(tar, m.name) for m in tar if m.isreg()), None)


def directory(name: str) -> tarfile.TarInfo:
    """Return the entry of a directory that everybody may look into."""
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o755
    return member


def _own(archive: Path, owned: IO[bytes], owner: Owner, before: set[str]) -> None:
    with (
        tarfile.open(archive) as source,
        tarfile.open(fileobj=owned, mode="w") as target,
    ):
        target.addfile(_for_keeping(owner))
        target.addfile(_moved(directory(""), owner))
        for member in source.getmembers():
            content = source.extractfile(member) if member.isreg() else None
            target.addfile(_moved(member, owner), content)
        lost = removed(before, _paths(_content(source, SOURCE_LIST)))
        if lost:
            listed = _encoded(lost)
            file = tarfile.TarInfo(REMOVED_LIST)
            file.size = len(listed)
            target.addfile(_moved(file, owner), BytesIO(listed))


def _own_lacking(
    archive: Path, owned: IO[bytes], owner: Owner, there: Set[str]
) -> bool:
    """Write what is not *there*; False if that is nothing."""
    with (
        tarfile.open(archive) as source,
        tarfile.open(fileobj=owned, mode="w") as target,
    ):
        lacking = [it for it in source.getmembers() if it.name not in there]
        target.addfile(_for_keeping(owner))
        for member in lacking:
            content = source.extractfile(member) if member.isreg() else None
            target.addfile(_moved(member, owner), content)
    return bool(lacking)


def _for_keeping(owner: Owner) -> tarfile.TarInfo:
    """Return the directory for what is kept, which nobody but root could make."""
    member = directory(KEPT.lstrip("/"))
    member.uid, member.gid = owner.uid, owner.gid
    return member


def _moved(original: tarfile.TarInfo, owner: Owner) -> tarfile.TarInfo:
    member = copy(original)
    at = WORKSPACE.lstrip("/")
    member.name = f"{at}/{member.name}".rstrip("/")
    if member.islnk():
        member.linkname = f"{at}/{member.linkname}"
    member.uid, member.gid, member.uname, member.gname = owner.uid, owner.gid, "", ""
    member.pax_headers = {}  # they would win over what was changed here
    return member


def _left_by_last(api: docker.APIClient, container: str) -> set[str]:
    # A list of removed files is still there when its run never came to start. Beside
    # the lists there may be anything, of any size: it is a run's to write to.
    lists = (f"{WORKSPACE}/{name}" for name in (SOURCE_LIST, REMOVED_LIST))
    found = (read(api, container, path) or b"" for path in lists)
    return {path for listed in found for path in _paths(listed)}


def _table(api: docker.APIClient, container: str, path: str) -> list[list[str]]:
    lines = (read(api, container, path) or b"").decode("utf-8", "replace")
    rows = (line.split(":") for line in lines.splitlines())
    return [row for row in rows if len(row) >= 4]


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    if name not in tar.getnames() or not tar.getmember(name).isreg():
        return b""
    file = tar.extractfile(name)
    return file.read() if file else b""


def _paths(listed: bytes) -> list[str]:
    return listed.decode("utf-8", "surrogateescape").splitlines()


def _encoded(paths: Iterable[str]) -> bytes:
    return "".join(f"{path}\n" for path in paths).encode("utf-8", "surrogateescape")


def _id(name: str) -> int:
    """Return the id that *name* is; root's for what is none: the engine says so."""
    return int(name) if name.isascii() and name.isdigit() else 0
