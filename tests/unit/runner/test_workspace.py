import hashlib
import tarfile
from pathlib import Path
from typing import Any

import pytest

from runner.errors import SourceUnavailable, WorkspaceGone
from runner.job import WorkspaceFile
from runner.workspace import SOURCE_LIST, check_expected, complete, held, removed
from tests.support.runs import a_job


def laid(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return {member.name: member for member in tar.getmembers()}


def content(archive: Path, name: str) -> str:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read().decode()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "net/prod").mkdir(parents=True)
    (tree / "net/prod/main.tf").write_text("main")
    (tree / "link").symlink_to("net/prod")
    with tarfile.open(tmp_path / "source.tar", "w") as tar:
        tar.add(tree, "source")
    return tmp_path / "source.tar"


def job(**changes: Any) -> Any:
    return a_job("true", **changes)


def test_a_job_without_source_has_an_empty_directory(tmp_path: Path) -> None:
    complete(tmp_path / "new.tar", job())

    assert laid(tmp_path / "new.tar")["source"].isdir()


def test_files_lie_below_the_project_root_with_their_mode(archive: Path) -> None:
    file = WorkspaceFile(path="keys/ca", content=b"known", mode=0o440, secret=False)

    complete(archive, job(project_root="net/prod", files=(file,)))

    found = laid(archive)
    assert found["source/net/prod/keys"].isdir()
    assert found["source/net/prod/keys/ca"].mode == 0o440
    assert content(archive, "source/net/prod/keys/ca") == "known"


def test_a_secret_file_is_but_a_link_in_the_workspace(archive: Path) -> None:
    file = WorkspaceFile(path="keys/token", content=b"hunter2hunter2")

    complete(archive, job(project_root="net/prod", files=(file,)))

    link = laid(archive)["source/net/prod/keys/token"]
    assert link.issym()
    assert link.linkname == held(job(project_root="net/prod"), file)
    assert link.linkname == "/mnt/secrets/source/net/prod/keys/token"
    assert b"hunter2hunter2" not in archive.read_bytes()


def test_a_secret_file_with_a_path_in_memory_has_no_link(archive: Path) -> None:
    before = laid(archive)
    file = WorkspaceFile(path="/mnt/secrets/oidc/token", content=b"secret")

    complete(archive, job(files=(file,)))

    assert laid(archive).keys() == before.keys() | {".handrail", SOURCE_LIST}
    assert held(job(), file) == "/mnt/secrets/oidc/token"


@pytest.mark.parametrize(
    "path", ["/mnt/secrets", "/mnt/secrets/../x", "/mnt/secretsx/a", "/etc/x", "../x"]
)
def test_a_secret_file_anywhere_else_is_refused(archive: Path, path: str) -> None:
    file = WorkspaceFile(path=path, content=b"")

    with pytest.raises(SourceUnavailable, match=r"does not lie (in|below)"):
        complete(archive, job(files=(file,)))


def test_a_file_that_is_no_secret_has_no_path_in_memory(archive: Path) -> None:
    file = WorkspaceFile(path="/mnt/secrets/known", content=b"", secret=False)

    with pytest.raises(SourceUnavailable, match="does not lie in the workspace"):
        complete(archive, job(files=(file,)))


def test_every_file_of_the_source_is_listed(archive: Path) -> None:
    file = WorkspaceFile(path="b.hcl", content=b"")

    complete(archive, job(files=(file,)))

    assert content(archive, SOURCE_LIST).split() == [
        *("b.hcl", "link", "net/prod/main.tf")
    ]


def test_a_link_may_be_the_project_root(archive: Path) -> None:
    complete(archive, job(project_root="link"))

    assert SOURCE_LIST in laid(archive)


@pytest.mark.parametrize("root", ["net/dev", "net/prod/main.tf", "..", "net/../.."])
def test_a_project_root_that_is_no_directory_is_named(archive: Path, root: str) -> None:
    with pytest.raises(SourceUnavailable, match="no directory"):
        complete(archive, job(project_root=root))


@pytest.mark.parametrize("path", ["/etc/passwd", "../out", "a/../../out", ""])
def test_a_file_outside_the_workspace_is_refused(archive: Path, path: str) -> None:
    file = WorkspaceFile(path=path, content=b"")

    with pytest.raises(SourceUnavailable, match="does not lie in the workspace"):
        complete(archive, job(files=(file,)))


def test_what_the_source_lost_is_removed() -> None:
    assert removed(["a", "b/c", "d"], ["a", "d", "e"]) == ["b/c"]


def test_nothing_is_removed_through_what_became_a_link_or_file() -> None:
    assert removed(["d/x", "d/e/y", "f"], ["d"]) == ["f"]


def test_a_disk_without_room_for_the_workspace_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "source.tar"
    archive.symlink_to("/dev/full")

    with pytest.raises(SourceUnavailable, match=r"No space left .* check the disk"):
        complete(archive, a_job())


def test_of_a_workspace_that_is_laid_only_files_are_added(tmp_path: Path) -> None:
    files = (
        WorkspaceFile(path="plain", content=b"plain", secret=False),
        WorkspaceFile(path="key", content=b"s3cret"),
    )

    complete(tmp_path / "new.tar", job(project_root="net", files=files, is_laid=True))

    names = set(laid(tmp_path / "new.tar"))
    assert names == {"source", "source/net", "source/net/plain", "source/net/key"}


def test_a_file_has_to_be_what_was_expected() -> None:
    digest = hashlib.sha256(b"planned").hexdigest()
    check_expected(job(expected={"plan": digest}), {"plan": b"planned"}.get)

    for content in ({"plan": b"other"}, {"plan": b""}, {}):
        with pytest.raises(WorkspaceGone, match='the file "plan"'):
            check_expected(job(expected={"plan": digest}), content.get)
