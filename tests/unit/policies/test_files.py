import asyncio
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.policies.files import PolicyFiles

SECOND = 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.rego"


def read(files: PolicyFiles, path: Path) -> str:
    return asyncio.run(files.text(path))


def by_the_second(path: Path) -> SimpleNamespace:
    """Return what a file system tells whose clock goes by the second."""
    found = os.stat(path)  # noqa: PTH116 - it stands for that of the path
    return SimpleNamespace(
        st_dev=found.st_dev,
        st_ino=found.st_ino,
        st_size=found.st_size,
        st_mtime_ns=0,
        st_ctime_ns=found.st_ctime_ns // SECOND * SECOND,
    )


def test_a_change_that_neither_size_nor_time_tells_counts_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "stat", by_the_second)
    files = PolicyFiles()

    for number in range(100, 200):
        path.write_text(f"package p{number}")
        assert read(files, path) == f"package p{number}"


def test_another_file_in_the_place_of_one_counts_at_once(path: Path) -> None:
    files, first, second = PolicyFiles(), path.parent / "1", path.parent / "2"
    first.write_text("first")
    second.write_text("other")
    path.symlink_to(first)
    before = read(files, path)
    path.unlink()
    path.symlink_to(second)

    assert (before, read(files, path)) == ("first", "other")


def test_what_did_not_change_for_long_is_not_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, opened, later = PolicyFiles(), [], time.time_ns() + 10 * SECOND
    path.write_text("package p")
    original = Path.open

    def counted(self: Path, mode: str) -> object:
        opened.append(self)
        return original(self, mode)

    monkeypatch.setattr("bot.policies.files.time.time_ns", lambda: later)
    monkeypatch.setattr(Path, "open", counted)

    texts = {read(files, path) for _ in range(3)}

    assert (texts, opened) == ({"package p"}, [path])
