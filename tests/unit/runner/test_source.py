import asyncio
import os
import subprocess
import tarfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from runner.errors import SourceUnavailable
from runner.job import DirectorySource, GitSource
from runner.source import Fetched, Sources

#: A shell only hears a signal while it waits for no child in the foreground.
WAIT = "while :; do /bin/sleep 60 & wait; done"


class Repository:
    """A repository on this machine, to fetch from."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
        command = ["git", "-C", str(self.place), *identity, *words]
        return subprocess.check_output(command, text=True).strip()

    def commit(self, content: str) -> str:
        (self.place / "main.tf").write_text(content)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", content)
        return self.git("rev-parse", "HEAD")

    def at(self, ref: str) -> GitSource:
        return GitSource(url=str(self.place), ref=ref)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "infra")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "cache")


@pytest.fixture
def scratch(tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        place = tmp_path / f"scratch-{len(list(tmp_path.iterdir()))}"
        place.mkdir()
        return place

    return make


def names(fetched: Fetched) -> list[str]:
    with tarfile.open(fetched.archive) as tar:
        return sorted(tar.getnames())


def text(fetched: Fetched, name: str) -> str:
    with tarfile.open(fetched.archive) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read().decode()


async def test_a_directory_comes_without_its_git(
    sources: Sources, tmp_path: Path, scratch: Callable[[], Path]
) -> None:
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "main.tf").touch()
    (tree / "link").symlink_to("main.tf")

    fetched = await sources.fetch(DirectorySource(directory=tree), scratch())

    assert names(fetched) == ["source", "source/link", "source/main.tf"]
    assert fetched.commit is None


async def test_a_directory_that_is_not_there_is_named(
    sources: Sources, tmp_path: Path
) -> None:
    with pytest.raises(SourceUnavailable, match=r"no source directory .*nowhere"):
        await sources.fetch(DirectorySource(directory=tmp_path / "nowhere"), tmp_path)


async def test_a_branch_is_fetched_as_it_is_now(
    sources: Sources, repository: Repository, scratch: Callable[[], Path]
) -> None:
    repository.commit("one")
    await sources.fetch(repository.at("main"), scratch())
    second = repository.commit("two")

    fetched = await sources.fetch(repository.at("main"), scratch())

    assert fetched.commit == second
    assert text(fetched, "source/main.tf") == "two"


async def test_tags_and_whole_commit_ids_are_refs_too(
    sources: Sources, repository: Repository, scratch: Callable[[], Path]
) -> None:
    first = repository.commit("one")
    repository.git("tag", "--annotate", "--message=v1", "v1")
    repository.commit("two")

    by_tag = await sources.fetch(repository.at("v1"), scratch())
    by_id = await sources.fetch(repository.at(first), scratch())
    by_head = await sources.fetch(repository.at("HEAD"), scratch())

    assert (by_tag.commit, by_id.commit) == (first, first)
    assert text(by_head, "source/main.tf") == "two"


async def test_a_branch_that_was_rewritten_is_followed(
    sources: Sources, repository: Repository, scratch: Callable[[], Path]
) -> None:
    repository.commit("one")
    await sources.fetch(repository.at("main"), scratch())
    repository.git("commit", "--quiet", "--amend", "--message=other")

    fetched = await sources.fetch(repository.at("main"), scratch())

    assert fetched.commit == repository.git("rev-parse", "HEAD")


async def test_a_ref_that_is_not_there_is_named(
    sources: Sources, repository: Repository, scratch: Callable[[], Path]
) -> None:
    repository.commit("one")

    with pytest.raises(SourceUnavailable, match="no branch, tag or commit 'prod'"):
        await sources.fetch(repository.at("prod"), scratch())


async def test_a_repository_that_is_not_there_is_told_in_gits_words(
    sources: Sources, tmp_path: Path
) -> None:
    source = GitSource(url=str(tmp_path / "nowhere"), ref="main")

    with pytest.raises(SourceUnavailable, match=r"could not fetch main of .*nowhere"):
        await sources.fetch(source, tmp_path)


@pytest.mark.parametrize("ref", ["--upload-pack=evil", "-x", "", "a b", "a:b", "a\n"])
async def test_what_is_no_ref_never_reaches_git(
    sources: Sources, repository: Repository, ref: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceUnavailable, match="no Git address and ref"):
        await sources.fetch(repository.at(ref), tmp_path)


async def test_an_address_that_is_an_option_never_reaches_git(
    sources: Sources, tmp_path: Path
) -> None:
    source = GitSource(url="--upload-pack=evil", ref="main")

    with pytest.raises(SourceUnavailable, match="no Git address and ref"):
        await sources.fetch(source, tmp_path)


async def test_a_password_in_an_address_is_not_shown(
    sources: Sources, tmp_path: Path
) -> None:
    source = GitSource(url="https://ann:hunter2@localhost:1/infra.git", ref="main")

    with pytest.raises(SourceUnavailable) as refused:
        await sources.fetch(source, tmp_path)

    assert "hunter2" not in str(refused.value)
    assert "https://*****@localhost:1/infra.git" in str(refused.value)


async def test_a_fetch_that_takes_too_long_is_ended(
    repository: Repository, tmp_path: Path
) -> None:
    sources = Sources(tmp_path / "cache", timeout=timedelta(0))

    with pytest.raises(SourceUnavailable, match="took longer than"):
        await sources.fetch(repository.at("main"), tmp_path)


async def test_a_directory_that_is_a_link_is_the_one_it_leads_to(
    sources: Sources, tmp_path: Path
) -> None:
    (tmp_path / "release-1").mkdir()
    (tmp_path / "release-1" / "main.tf").touch()
    current = tmp_path / "current"
    current.symlink_to("release-1")

    fetched = await sources.fetch(DirectorySource(directory=current), tmp_path)

    assert names(fetched) == ["source", "source/main.tf"]


async def test_links_are_kept_and_nothing_outside_of_a_directory_is_read(
    sources: Sources, tmp_path: Path, scratch: Callable[[], Path]
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "folder").symlink_to(tmp_path / "outside")
    (tree / "file").symlink_to(tmp_path / "outside" / "key")

    fetched = await sources.fetch(DirectorySource(directory=tree), scratch())

    assert names(fetched) == ["source", "source/file", "source/folder"]
    with tarfile.open(fetched.archive) as tar:
        assert tar.getmember("source/file").issym()
        assert tar.getmember("source/folder").issym()


async def test_a_host_without_git_is_told_to_have_none(
    sources: Sources,
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SourceUnavailable, match=r"no git on .* install git"):
        await sources.fetch(repository.at("main"), tmp_path)


async def test_a_cache_that_cannot_be_written_is_told(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "cache").touch()

    with pytest.raises(SourceUnavailable, match=r"File exists.* check the disk"):
        await Sources(tmp_path / "cache").fetch(repository.at("main"), tmp_path)


@pytest.mark.parametrize("left", ["refs/heads/main.lock", "packed-refs.lock"])
async def test_a_lock_that_a_killed_git_left_does_not_block_its_source(
    sources: Sources,
    repository: Repository,
    scratch: Callable[[], Path],
    tmp_path: Path,
    left: str,
) -> None:
    repository.commit("one")
    repository.git("branch", "other")
    await sources.fetch(repository.at("main"), scratch())
    (mirror,) = (tmp_path / "cache").glob("*.git")
    (mirror / left).touch()
    repository.git("branch", "--delete", "other")
    second = repository.commit("two")

    fetched = await sources.fetch(repository.at("main"), scratch())

    assert fetched.commit == second


async def test_a_git_that_is_called_off_may_clean_up_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned, source = tmp_path / "cleaned", GitSource(url="infra.git", ref="main")
    trap = f"trap '/bin/touch {cleaned}; exit 1' TERM"
    with called_git(tmp_path, monkeypatch, trap) as called:
        fetching = asyncio.create_task(Sources(tmp_path).fetch(source, tmp_path))
        await called()

        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

    assert cleaned.exists()


async def test_a_git_that_ignores_being_called_off_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = GitSource(url="infra.git", ref="main")
    with called_git(tmp_path, monkeypatch, "trap '' TERM") as called:
        fetching = asyncio.create_task(Sources(tmp_path).fetch(source, tmp_path))
        await called()

        fetching.cancel()
        async with asyncio.timeout(20):
            with pytest.raises(asyncio.CancelledError):
                await fetching


@contextmanager
def called_git(
    place: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> Iterator[Callable[[], Awaitable[bytes]]]:
    """Put a `git` in the way that sets *trap* and waits; yield how to await that."""
    (place / "bin").mkdir()
    os.mkfifo(place / "called")
    git = place / "bin" / "git"
    git.write_text(f"#!/bin/sh\n{trap}\necho > {place / 'called'}\n{WAIT}\n")
    git.chmod(0o700)
    monkeypatch.setenv("PATH", str(git.parent))
    yield lambda: asyncio.to_thread((place / "called").read_bytes)
