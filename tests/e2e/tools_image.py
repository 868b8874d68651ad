"""An image with tools of this machine in it, beside busybox and Terraform."""

import hashlib
import os
import shutil
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from docker import DockerClient
from docker.errors import ImageNotFound

from runner.docker.archive import Rootfs
from runner.docker.elf import shared_libraries

REPOSITORY = "handrail-tools"
LAYOUT = 1  #: counts up when the same inputs make another image
#: Those that print values in their own ways. busybox has what is not here.
TOOLS = ("jq", "bash", "dash", "base64", "env", "od", "printf", "xxd")
NEEDED = ("jq", "bash")


def ensure_tools_image(client: DockerClient, base: str) -> str:
    """Return an image made of *base* and this machine's tools and Python."""
    found = {name: shutil.which(name, path=os.defpath) for name in TOOLS}
    missing = [name for name in NEEDED if not found[name]]
    if missing:
        raise AssertionError(f"Install {', '.join(missing)}: its output is tested.")
    tools = {name: Path(path).resolve() for name, path in found.items() if path}
    reference = f"{REPOSITORY}:{_tag(base, tools)}"
    try:
        client.images.get(reference)
    except ImageNotFound:
        _make(client, base, tools, reference)
    return reference


def _tag(base: str, tools: dict[str, Path]) -> str:
    stats = (tool.stat() for tool in tools.values())
    inputs = [
        base,
        str(LAYOUT),
        sys.version,
        *(f"{s.st_size} {s.st_mtime_ns}" for s in stats),
    ]
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:12]


def _make(
    client: DockerClient, base: str, tools: dict[str, Path], reference: str
) -> None:
    container = client.containers.create(base, "true")
    try:
        with tempfile.TemporaryFile() as file:
            _fill(file, tools)
            file.seek(0)
            container.put_archive("/", file)
        repository, _, tag = reference.partition(":")
        container.commit(repository=repository, tag=tag)
    finally:
        container.remove(force=True)


def _fill(file: IO[bytes], tools: dict[str, Path]) -> None:
    python = Path(sys.executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib"))
    binascii = stdlib.glob("lib-dynload/binascii.*.so")
    libraries = shared_libraries([python, *binascii, *tools.values()])
    with tarfile.open(fileobj=file, mode="w") as archive:
        rootfs = Rootfs(archive)
        for name, tool in tools.items():
            rootfs.copy(tool, f"/usr/local/bin/{name}")
        rootfs.copy(python)
        rootfs.copy_library(stdlib)
        rootfs.file(
            "/usr/local/bin/python3", f'#!/bin/sh\nexec {python} -I "$@"\n', 0o755
        )
        for library in sorted(libraries):
            rootfs.copy(library)
        # The loader looks where the copied libraries stand.
        rootfs.copy(Path("/etc/ld.so.cache"))
