"""The seal of a container: a file in its own file system, which outlives its runs."""

import tarfile
from io import BytesIO
from typing import Final

import docker

from runner.docker.workspace import read
from runner.errors import SealBroken

_DIRECTORY: Final = ".handrail"
_SEALED: Final = f"{_DIRECTORY}/sealed"


def keep(api: docker.APIClient, container: str, sealed: bytes) -> None:
    """Put *sealed* into *container*, which may be created, running or ended."""
    directory, file = tarfile.TarInfo(_DIRECTORY), tarfile.TarInfo(_SEALED)
    directory.type, directory.mode = tarfile.DIRTYPE, 0o700
    file.size, file.mode = len(sealed), 0o400
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(directory)
        archive.addfile(file, BytesIO(sealed))
    api.put_archive(container, "/", packed.getvalue())


def kept(api: docker.APIClient, container: str) -> bytes:
    """Return what was put there last, or raise SealBroken where there is nothing."""
    sealed = read(api, container, f"/{_SEALED}")
    if sealed is None:
        # Another's, or of a release before this one: nothing of it may be shown.
        raise SealBroken("it carries no seal of what is to be masked in it")
    return sealed
