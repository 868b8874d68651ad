"""Secret files of a container: in memory from its start to its end, on no disk."""

import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

import docker
from docker.errors import NotFound
from docker.types import DriverConfig, Mount

from runner.docker.workspace import Owner, directory
from runner.driver import SECRETS
from runner.errors import EngineUnavailable
from runner.job import Job, WorkspaceFile
from runner.workspace import held

_PAGE: Final = 4096  #: bytes that memory is given out in
_ROOM: Final = 1 << 16  #: bytes, for what a file system needs itself


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFiles:
    """What comes into the memory of the container *name*, and by which image."""

    name: str
    image: str
    labels: dict[str, str] = field(default_factory=dict)
    archive: bytes = field(default=b"", repr=False)  #: empty: no longer known


def secret_files(job: Job) -> tuple[WorkspaceFile, ...]:
    """Return those files of *job* that no disk may hold."""
    return tuple(file for file in job.files if file.secret)


def memory(job: Job, name: str, labels: dict[str, str]) -> Mount:
    """Return the mount of a file system in memory, read-only within the container.

    It has a name, because an engine takes no nameless volume that is read-only.
    Nothing is in it, and it takes no memory, unless its container runs.
    """
    size = sum(len(file.content) + _PAGE for file in secret_files(job)) + _ROOM
    options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={size},mode=0755"}
    return Mount(
        SECRETS,
        _volume(name),
        type="volume",
        read_only=True,
        no_copy=True,
        labels=labels,
        driver_config=DriverConfig("local", options),
    )


def check(api: docker.APIClient, name: str) -> None:
    """Raise EngineUnavailable unless the files of *name* really come into memory."""
    options = api.inspect_volume(_volume(name)).get("Options") or {}
    if options.get("type") != "tmpfs":
        raise EngineUnavailable(
            "the engine would put secret files on its disk, having no volumes in "
            "memory (tmpfs); use Docker's own engine, or give the stack its secrets "
            "in variables"
        )


def packed(job: Job, owner: Owner) -> bytes:
    """Return the archive of the secret files of *job*, all owned by *owner*."""
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for member, content in _members(job):
            member.uid, member.gid = owner.uid, owner.gid
            tar.addfile(member, BytesIO(content))
    return archive.getvalue()


def bring(api: docker.APIClient, files: SecretFiles) -> None:
    """Put *files* into their container, which has been started and waits for them.

    An engine puts nothing where a container may only read. So another container,
    which is never started, has the same memory to be written to.
    """
    mount = Mount(SECRETS, _volume(files.name), type="volume", no_copy=True)
    carrier = api.create_container(
        image=files.image,
        name=_carrier(files.name),
        labels=files.labels,
        entrypoint=["handrail"],
        host_config=api.create_host_config(network_mode="none", mounts=[mount]),
    )
    try:
        api.put_archive(carrier["Id"], SECRETS, files.archive)
    finally:
        api.remove_container(carrier["Id"], v=True, force=True)


def are_there(api: docker.APIClient, container: str) -> bool:
    """Return whether the driver in *container* has all the files it waits for.

    It prints its first mark once it has them, and nothing before.
    """
    mounts = api.inspect_container(container)["Mounts"]
    return not has_memory(mounts) or bool(api.logs(container, tail=1))


def has_memory(mounts: list[dict[str, object]]) -> bool:
    """Return whether *mounts*, as the engine tells them, have one for secret files."""
    return any(mount["Destination"] == SECRETS for mount in mounts)


def forget(api: docker.APIClient, name: str) -> None:
    """Remove all there may be for the files of *name*, whose container is gone."""
    with suppress(NotFound):
        api.remove_container(_carrier(name), v=True, force=True)
    with suppress(NotFound):
        api.remove_volume(_volume(name))


def _members(job: Job) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    made = {PurePosixPath(".")}
    for file in secret_files(job):
        path = PurePosixPath(held(job, file)).relative_to(SECRETS)
        for parent in reversed(path.parents):
            if parent not in made:
                yield directory(str(parent)), b""
                made.add(parent)
        member = tarfile.TarInfo(str(path))
        member.size, member.mode = len(file.content), file.mode
        yield member, file.content


def _volume(name: str) -> str:
    return f"{name}-files"


def _carrier(name: str) -> str:
    return f"{name}-files"
