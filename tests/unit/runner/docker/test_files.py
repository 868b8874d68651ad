import io
import tarfile
from typing import TYPE_CHECKING, Any, cast

import pytest
from docker.errors import NotFound

from runner.docker.files import (
    SecretFiles,
    are_there,
    bring,
    check,
    forget,
    memory,
    packed,
)
from runner.docker.workspace import Owner
from runner.errors import EngineUnavailable
from runner.job import WorkspaceFile
from tests.support.runs import a_job

if TYPE_CHECKING:
    from docker import APIClient

FILES = (
    WorkspaceFile(path="keys/token", content=b"hunter2hunter2"),
    WorkspaceFile(path="keys/other", content=b"x", mode=0o440),
    WorkspaceFile(path="/mnt/secrets/oidc/token", content=b"signed"),
    WorkspaceFile(path="b.hcl", content=b"known to all", secret=False),
)
IN_MEMORY = {"Destination": "/mnt/secrets"}


class Engine:
    """The calls of an engine's API that matter here; it keeps what it was asked."""

    def __init__(self, *there: str, options: dict[str, str] | None = None) -> None:
        self.there = set(there)  #: containers and volumes
        self.options = options
        self.mounts: list[dict[str, str]] = []
        self.printed = b""
        self.full = False
        self.put: dict[str, bytes] = {}

    def inspect_volume(self, name: str) -> dict[str, object]:
        return {"Name": name, "Options": self.options}

    def inspect_container(self, container: str) -> dict[str, object]:
        return {"Id": container, "Mounts": self.mounts}

    def logs(self, container: str, *, tail: int) -> bytes:
        assert (container, tail) == ("one", 1)
        return self.printed

    def create_host_config(self, **given: object) -> dict[str, object]:
        return given

    def create_container(self, **given: Any) -> dict[str, str]:
        self.there.add(f"container {given['name']}")
        return {"Id": given["name"]}

    def put_archive(self, container: str, path: str, archive: bytes) -> None:
        assert container == "run-1-files"
        if self.full:
            raise OSError("no space left")
        self.put[path] = archive

    def remove_container(self, container: str, *, v: bool, force: bool) -> None:
        assert v
        assert force
        self._remove(f"container {container}")

    def remove_volume(self, name: str) -> None:
        self._remove(f"volume {name}")

    def _remove(self, what: str) -> None:
        if what not in self.there:
            raise NotFound(what)
        self.there.remove(what)


def as_api(engine: Engine) -> "APIClient":
    return cast("APIClient", engine)


def unpacked(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_only_secret_files_are_packed_with_their_mode_and_owner() -> None:
    archive = packed(a_job(files=FILES, project_root="net"), Owner(1042, 1043))

    found = unpacked(archive)
    assert list(found) == [
        *("source", "source/net", "source/net/keys"),
        *("source/net/keys/token", "source/net/keys/other", "oidc", "oidc/token"),
    ]
    assert {(m.uid, m.gid) for m in found.values()} == {(1042, 1043)}
    assert found["source/net/keys"].mode == 0o755
    assert found["source/net/keys/token"].mode == 0o400
    assert found["source/net/keys/other"].mode == 0o440
    assert b"known to all" not in archive


def test_the_memory_is_read_only_and_has_room_for_each_files_last_page() -> None:
    files = tuple(WorkspaceFile(path=f"{n}", content=b"x") for n in range(100))

    mount = memory(a_job(files=files), "run-1", {"a": "b"})

    options = mount["VolumeOptions"]["DriverConfig"]["Options"]
    size = int(options["o"].partition(",")[0].removeprefix("size="))
    assert (mount["Target"], mount["ReadOnly"]) == ("/mnt/secrets", True)
    assert (options["type"], mount["VolumeOptions"]["Labels"]) == ("tmpfs", {"a": "b"})
    assert 100 * 4096 < size < 200 * 4096


@pytest.mark.parametrize("options", [None, {}, {"type": "ext4"}])
def test_an_engine_that_would_use_its_disk_is_refused(
    options: dict[str, str] | None,
) -> None:
    with pytest.raises(EngineUnavailable, match="on its disk"):
        check(as_api(Engine(options=options)), "run-1")


def test_files_are_brought_by_a_container_of_which_nothing_stays() -> None:
    engine = Engine()

    bring(as_api(engine), SecretFiles(name="run-1", image="busybox", archive=b"tar"))

    assert engine.put == {"/mnt/secrets": b"tar"}
    assert engine.there == set()


def test_nothing_stays_of_files_that_could_not_be_brought() -> None:
    engine = Engine()
    engine.full = True

    with pytest.raises(OSError, match="no space left"):
        bring(as_api(engine), SecretFiles(name="run-1", image="busybox"))

    assert engine.there == set()


@pytest.mark.parametrize(
    ("mounts", "printed", "there"),
    [
        ([IN_MEMORY], b"", False),
        ([IN_MEMORY], b"\x1ehandrail initializing\x1f\n", True),
        ([{"Destination": "/mnt/workspace"}], b"", True),
    ],
)
def test_a_driver_that_prints_has_its_files(
    mounts: list[dict[str, str]], printed: bytes, there: bool
) -> None:
    engine = Engine()
    engine.mounts, engine.printed = mounts, printed

    assert are_there(as_api(engine), "one") is there


@pytest.mark.parametrize(
    "left", [(), ("volume run-1-files",), ("container run-1-files",)]
)
def test_whatever_is_left_of_files_is_forgotten(left: tuple[str, ...]) -> None:
    engine = Engine(*left)

    forget(as_api(engine), "run-1")

    assert engine.there == set()


def test_what_is_secret_is_not_in_the_words_for_it() -> None:
    assert "hunter2" not in repr(
        SecretFiles(
            name="run-1", image="a", archive=packed(a_job(files=FILES), Owner())
        )
    )
