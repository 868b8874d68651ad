"""The seal of a container: a label for what is known when it is created, then a file.

Labels cost nothing and cannot be changed, not even from within. A file in the
container's own file system can be put there anew, and outlives the run.
"""

import tarfile
from base64 import b64decode, b64encode
from io import BytesIO
from typing import Final

import docker

from runner.docker.workspace import read
from runner.errors import SealBroken

#: In the container's own file system.
DIRECTORY: Final = ".handrail"

_SEALED: Final = "sealed"
_LABEL: Final = "handrail.sealed"

#: bytes; the engine tells labels with every list of its containers
_LARGEST_LABEL: Final = 32 * 1024


def keep(api: docker.APIClient, container: str, sealed: bytes) -> None:
    """Put *sealed* into *container*, which may be created, running or ended."""
    put(api, container, _SEALED, sealed)


def put(api: docker.APIClient, container: str, name: str, content: bytes) -> None:
    """Put *content* into the file *name* in DIRECTORY."""
    directory, file = tarfile.TarInfo(DIRECTORY), tarfile.TarInfo(f"{DIRECTORY}/{name}")
    directory.type, directory.mode = tarfile.DIRTYPE, 0o700
    file.size, file.mode = len(content), 0o400
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(directory)
        archive.addfile(file, BytesIO(content))
    api.put_archive(container, "/", packed.getvalue())


def label(sealed: bytes) -> dict[str, str]:
    """Return the label that has *sealed*, or none for what is too large for one."""
    if len(sealed) > _LARGEST_LABEL:
        return {}
    return {_LABEL: b64encode(sealed).decode()}


def kept(api: docker.APIClient, container: str) -> bytes:
    """Return what was put there last, or raise SealBroken where there is nothing."""
    sealed = read(api, container, f"/{DIRECTORY}/{_SEALED}")
    if sealed is None:
        labels = api.inspect_container(container)["Config"]["Labels"]
        sealed = b64decode(labels.get(_LABEL, ""))
    if not sealed:
        # Another's, or of a release before this one: nothing of it may be shown.
        raise SealBroken("it carries no seal of what is to be masked in it")
    return sealed
