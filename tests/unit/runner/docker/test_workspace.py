import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pytest
from docker.errors import NotFound

from runner.docker.workspace import Owner, lay, owner_of

if TYPE_CHECKING:
    from docker import APIClient

PASSWD = "root:x:0:0:::/bin/sh\nann:x:1042:1043:::/bin/sh\nbob:x:many:few:::\n"


class Image:
    """Files in an image, as an engine hands them out: strings; links in brackets."""

    def __init__(self, **files: str) -> None:
        self._files = {f"/etc/{name}": content for name, content in files.items()}

    def get_archive(
        self, container: str, path: str
    ) -> tuple[Iterator[bytes], dict[str, object]]:
        if path not in self._files:
            raise NotFound(f"no {path} in {container}")
        content = self._files[path]
        member = tarfile.TarInfo(path.rpartition("/")[2])
        if target := content.strip("<>") if content.startswith("<") else "":
            member.type, member.linkname = tarfile.SYMTYPE, target
        else:
            member.size = len(content)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(member, io.BytesIO(content.encode()))
        about = {"mode": 0o644, "size": member.size, "linkTarget": target}
        return iter([archive.getvalue()]), about


def owner(user: str, image: Image) -> Owner:
    return owner_of(cast("APIClient", image), "one", user)


@pytest.mark.parametrize(
    ("user", "ids"),
    [
        ("ann", Owner(1042, 1043)),
        ("1042", Owner(1042, 1043)),
        ("1042:7", Owner(1042, 7)),
        ("1000", Owner(1000, 0)),
        ("", Owner()),
        ("nobody-knows", Owner()),
        ("bob", Owner()),
    ],
)
def test_the_owner_is_whom_the_image_names(user: str, ids: Owner) -> None:
    assert owner(user, Image(passwd=PASSWD)) == ids


def test_accounts_behind_a_link_are_known() -> None:
    image = Image(passwd="</etc/static>", static=PASSWD)

    assert owner("ann", image) == Owner(1042, 1043)


@pytest.mark.parametrize("image", [Image(), Image(passwd="</etc/gone>")])
def test_without_accounts_ids_are_ids(image: Image) -> None:
    assert owner("1042:1043", image) == Owner(1042, 1043)
    assert owner("ann", image) == Owner()


class KeptWorkspace:
    """A workspace in which a run has left lists, and far more beside them."""

    def __init__(self, **lists: tuple[int, bytes]) -> None:
        self._lists = {
            f"/mnt/workspace/.handrail/{name}.list": about
            for name, about in lists.items()
        }
        self.laid: dict[str, bytes] = {}

    def get_archive(
        self, container: str, path: str
    ) -> tuple[Iterator[bytes], dict[str, object]]:
        if path == "/mnt/workspace/.handrail":
            return self._endless(), {"mode": 1 << 31, "size": 0, "linkTarget": ""}
        if path not in self._lists:
            raise NotFound(f"no {path} in {container}")
        size, content = self._lists[path]
        about: dict[str, object] = {"mode": 0o644, "size": size, "linkTarget": ""}
        if size != len(content):
            return self._endless(), about
        member = tarfile.TarInfo(path.rpartition("/")[2])
        member.size = size
        return iter([member.tobuf() + content.ljust(10240, b"\0")]), about

    def put_archive(self, container: str, path: str, archive: IO[bytes]) -> None:
        with tarfile.open(fileobj=archive) as tar:
            files = [member for member in tar if member.isreg()]
            for file in files:
                content = tar.extractfile(file)
                self.laid[file.name] = content.read() if content else b""

    def _endless(self) -> Iterator[bytes]:
        raise MemoryError
        yield b""


@pytest.mark.parametrize(
    ("lists", "removed"),
    [
        ({"source": (4, b"old\n"), "removed": (6, b"older\n")}, b"old\nolder\n"),
        ({"source": (4, b"old\n")}, b"old\n"),
        ({"source": (700 << 30, b""), "removed": (6, b"older\n")}, b"older\n"),
    ],
)
def test_what_a_run_left_beside_the_lists_of_a_workspace_is_not_fetched(
    tmp_path: Path, lists: dict[str, tuple[int, bytes]], removed: bytes
) -> None:
    archive = tmp_path / "source.tar"
    tarfile.open(archive, "w").close()
    workspace = KeptWorkspace(**lists)

    lay(cast("APIClient", workspace), "one", archive, Owner(), stale=())

    assert workspace.laid == {"mnt/workspace/.handrail/removed.list": removed}
