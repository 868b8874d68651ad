import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from runner.docker.archive import Rootfs


def archived(fill: Callable[[Rootfs], None]) -> dict[str, tarfile.TarInfo]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        fill(Rootfs(archive))
    file.seek(0)
    with tarfile.open(fileobj=file) as archive:
        members = archive.getmembers()
    assert len({member.name for member in members}) == len(members)
    return {member.name: member for member in members}


def test_folders_stand_before_what_they_hold_and_can_be_entered() -> None:
    members = archived(lambda rootfs: rootfs.file("/etc/ssl/a", "text"))

    assert list(members) == ["etc", "etc/ssl", "etc/ssl/a"]
    assert members["etc"].isdir()
    assert members["etc/ssl"].mode == 0o755


def test_the_first_of_two_entries_at_one_path_stays() -> None:
    def fill(rootfs: Rootfs) -> None:
        rootfs.folder("/tmp", 0o1777)
        rootfs.file("/tmp/a", "long text")
        rootfs.file("/tmp/a", "")

    members = archived(fill)

    assert members["tmp"].mode == 0o1777
    assert members["tmp/a"].size == 9


def test_a_copied_program_can_be_run_and_belongs_to_root(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh")
    program.chmod(0o700)

    member = archived(lambda rootfs: rootfs.copy(program, "/bin/program"))[
        "bin/program"
    ]

    assert (member.mode, member.uid, member.gid) == (0o755, 0, 0)


def test_a_link_is_kept_as_a_link() -> None:
    member = archived(lambda rootfs: rootfs.link("/bin/sh", "busybox"))["bin/sh"]

    assert member.issym()
    assert member.linkname == "busybox"


def test_a_standard_library_goes_without_its_tests_and_installed_packages(
    tmp_path: Path,
) -> None:
    for name in ("os.py", "json/a.py", "test/b.py", "site-packages/c.py", "config-3/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "dangling").symlink_to("nowhere")

    members = archived(lambda rootfs: rootfs.copy_library(tmp_path))

    files = {Path("/", name) for name, member in members.items() if member.isfile()}
    assert files == {tmp_path / "os.py", tmp_path / "json/a.py"}
