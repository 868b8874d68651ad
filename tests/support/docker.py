"""The real engine and images for it, for tests."""

import io
import json
import os
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

from runner.docker.address import EngineAddress, connect
from runner.docker.engine import DockerEngine
from runner.docker.provision import default_data_dir, engine_up
from runner.docker.rootfs import ensure_sample_image

#: Without its set-user-id bit, busybox' `su` refuses.
_SETUID_SU: Final = (
    "rm /bin/su && cp /bin/busybox /bin/su && chmod 4755 /bin/su && "
    "echo root::0:0:::/bin/sh > /etc/passwd && "
    "echo ann:x:1042:1043:::/bin/sh >> /etc/passwd"
)


@cache
def engine_address() -> EngineAddress:
    """Return an engine that answers, brought up if need be."""
    return engine_up(print, default_data_dir(os.environ))


@cache
def busybox_image() -> str:
    """Return an image with busybox and nothing else."""
    client = connect(engine_address())
    try:
        return ensure_sample_image(client, print, sources=()).reference
    finally:
        client.close()


@cache
def image_of_user(user: str) -> str:
    """Return the busybox image as one that runs as *user*, known as `ann`."""
    accounts = b"root:x:0:0:::/bin/sh\nann:x:1042:1043:::/bin/sh\n"
    changes: dict[str, object] = {"User": user, "Env": ["PATH=/bin:/usr/bin"]}
    tag = user.replace(":", "-")
    return _changed(f"handrail-test-user:{tag}", changes, "etc/passwd", accounts)


@cache
def image_without_shell() -> str:
    """Return an image in which nothing can be run."""
    client = connect(engine_address())
    try:
        content = _tar("empty", b"").getvalue()
        client.api.import_image_from_data(content, "handrail-test-empty", "latest")
    finally:
        client.close()
    return "handrail-test-empty:latest"


@cache
def image_without_room() -> str:
    """Return an image in which there is no place for a copy of the output."""
    client = connect(engine_address())
    try:
        blocking = ["sh", "-c", "mkdir -p /mnt && : >/mnt/handrail"]
        made = client.containers.create(busybox_image(), blocking)
        made.start()
        assert made.wait()["StatusCode"] == 0
        made.commit("handrail-test-no-room", "latest")
        made.remove()
    finally:
        client.close()
    return "handrail-test-no-room:latest"


@cache
def image_with_setuid_su() -> str:
    """Return an image whose user is ann, where `su` is root's and asks nothing."""
    client = connect(engine_address())
    try:
        made = client.containers.create(busybox_image(), ["sh", "-c", _SETUID_SU])
        made.start()
        assert made.wait()["StatusCode"] == 0
        made.commit("handrail-test-setuid", "latest", conf={"User": "ann"})
        made.remove()
    finally:
        client.close()
    return "handrail-test-setuid:latest"


def on_the_host(command: str) -> str:
    """Return what *command* prints where the engine is, its data below `/engine`.

    It runs beside the host's processes, and may read all that its root may.
    """
    client = connect(engine_address())
    try:
        data = client.info()["DockerRootDir"]
        return client.containers.run(
            busybox_image(),
            ["sh", "-c", command],
            pid_mode="host",
            network_mode="none",
            volumes={data: {"bind": "/engine", "mode": "ro"}},
            remove=True,
        ).decode()
    finally:
        client.close()


def wait_for_end(name: str) -> None:
    """Wait until the container *name* has ended."""
    client = connect(engine_address())
    try:
        client.containers.get(name).wait()
    finally:
        client.close()


def inspected(name: str) -> str:
    """Return what anybody sees of the container *name*, its environment aside."""
    client = connect(engine_address())
    try:
        found = dict(client.containers.get(name).attrs)
    finally:
        client.close()
    found["Config"] = {k: v for k, v in found["Config"].items() if k != "Env"}
    return json.dumps(found)


@asynccontextmanager
async def docker_engine(installation: str) -> AsyncIterator[DockerEngine]:
    """Yield the real engine; nothing of *installation* may be left in the end."""
    async with DockerEngine(engine_address()) as engine:
        try:
            yield engine
            assert await engine.left_behind(installation) == ()
        finally:
            clear_away(installation)


def containers_of(installation: str) -> list[str]:
    """Return the names of all containers of *installation*, running or not."""
    client = connect(engine_address())
    try:
        label: dict[str, str | list[str] | bool] = {
            "label": f"handrail.installation={installation}"
        }
        return [
            str(container.name)
            for container in client.containers.list(all=True, filters=label)
        ]
    finally:
        client.close()


def run_in(name: str, command: str) -> None:
    """Run *command* in the container *name* from outside, as its root."""
    client = connect(engine_address())
    try:
        result = client.containers.get(name).exec_run(["/bin/sh", "-c", command])
        assert result.exit_code == 0
    finally:
        client.close()


def volumes_of(installation: str) -> list[str]:
    """Return the names of all volumes of *installation*."""
    client = connect(engine_address())
    try:
        label: dict[str, str | list[str] | bool] = {
            "label": f"handrail.installation={installation}"
        }
        return [str(volume.name) for volume in client.volumes.list(filters=label)]
    finally:
        client.close()


def clear_away(installation: str) -> list[str]:
    """Remove all that *installation* has; return the containers that it had left."""
    left = containers_of(installation)
    client = connect(engine_address())
    label: dict[str, str | list[str] | bool] = {
        "label": f"handrail.installation={installation}"
    }
    try:
        for container in client.containers.list(all=True, filters=label):
            container.remove(v=True, force=True)
        for volume in client.volumes.list(filters=label):
            volume.remove(force=True)
    finally:
        client.close()
    return left


def _changed(tag: str, changes: dict[str, object], path: str, content: bytes) -> str:
    client = connect(engine_address())
    try:
        container = client.containers.create(busybox_image())
        container.put_archive("/", _tar(path, content))
        repository, _, name = tag.partition(":")
        container.commit(repository, name, conf=changes)
        container.remove()
    finally:
        client.close()
    return tag


def _tar(path: str, content: bytes) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    archive.seek(0)
    return archive
