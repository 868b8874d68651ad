"""Fetches the source of a stack, as a tar archive, from a directory or from Git."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import signal
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, assert_never

from runner.errors import SourceUnavailable
from runner.job import DirectorySource, GitSource, Source

_FETCH_TIMEOUT: Final = timedelta(minutes=5)
_ADVICE: Final = "check its address, the ref and that this host may read it"
#: Where a caller's own Git environment would point `git` at another repository.
_GIT_PLACES: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_REF: Final = re.compile(r"[^-\s:^~?*\[\\\0][^\s:^~?*\[\\\0]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A source that is here."""

    archive: Path  #: an uncompressed tar, everything below `source/`
    commit: str | None = None


class Sources:
    """Fetches sources; what it keeps between fetches lies in *cache*."""

    def __init__(self, cache: Path, *, timeout: timedelta = _FETCH_TIMEOUT) -> None:
        self._cache = cache
        self._timeout = timeout

    async def fetch(self, source: Source, scratch: Path) -> Fetched:
        """Put *source* into a new archive in the directory *scratch*.

        Raises SourceUnavailable.
        """
        archive = scratch / "source.tar"
        match source:
            case DirectorySource():
                await asyncio.to_thread(_pack, source.directory, archive)
                return Fetched(archive=archive)
            case GitSource():
                commit = await self._export(source, archive)
                return Fetched(archive=archive, commit=commit)
        assert_never(source)

    async def _export(self, source: GitSource, archive: Path) -> str:
        shown = f"{source.ref} of {_without_userinfo(source.url)}"
        if source.url.startswith("-") or not _REF.fullmatch(source.ref):
            raise SourceUnavailable(f"{shown} is no Git address and ref; {_ADVICE}")
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                async with self._mirror(source.url) as mirror:
                    commit = await mirror.commit(source.ref)
                    await mirror.archive(commit, archive)
        except TimeoutError as slow:
            message = f"fetching {shown} took longer than {self._timeout}; {_ADVICE}"
            raise SourceUnavailable(message) from slow
        except _GitFailed as failed:
            words = _without_userinfo(str(failed))
            message = f"could not fetch {shown}: {words}; {_ADVICE}"
            raise SourceUnavailable(message) from failed
        return commit

    @contextlib.asynccontextmanager
    async def _mirror(self, url: str) -> AsyncIterator["_Mirror"]:
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        directory = self._cache / f"{name}.git"
        self._cache.mkdir(parents=True, exist_ok=True)
        async with _locked(self._cache / f"{name}.lock"):
            if not (directory / "HEAD").exists():
                await _git("init", "--quiet", "--bare", str(directory))
            yield _Mirror(url, directory)


class _GitFailed(Exception):
    """`git` ended with an error; the text is its last line."""


class _Mirror:
    """A bare copy of a repository's branches and tags."""

    def __init__(self, url: str, directory: Path) -> None:
        self._url = url
        self._at = f"--git-dir={directory}"

    async def commit(self, ref: str) -> str:
        """Return the commit of a branch, tag or full commit id, newly fetched."""
        whole_id = re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", ref)
        if whole_id and (known := await self._find(ref)):
            return known
        await self._fetch("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        if ref == "HEAD":
            await self._fetch("+HEAD:refs/handrail/head")
        places = (f"refs/heads/{ref}", f"refs/tags/{ref}")
        for place in (ref,) if whole_id else (*places, f"refs/handrail/{ref.lower()}"):
            if found := await self._find(place):
                return found
        raise _GitFailed(f"there is no branch, tag or commit {ref!r}")

    async def archive(self, commit: str, archive: Path) -> None:
        """Write the files of *commit* to *archive*."""
        await _git(
            *(self._at, "archive", "--format=tar", "--prefix=source/"),
            *("-o", str(archive), commit),
        )

    async def _find(self, place: str) -> str | None:
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options")
        with contextlib.suppress(_GitFailed):
            return await _git(self._at, *asked, f"{place}^{{commit}}")
        return None

    async def _fetch(self, *refspecs: str) -> None:
        options = ("--quiet", "--prune", "--force", "--no-write-fetch-head")
        await _git(self._at, "fetch", *options, "--", self._url, *refspecs)


async def _git(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("git", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_git_environment(),
        start_new_session=True,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:  # cancelled: `git` has children of its own
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        lines = err.decode("utf-8", "replace").strip().splitlines()
        raise _GitFailed(lines[-1] if lines else f"git ended with {process.returncode}")
    return out.decode().strip()


def _git_environment() -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k not in _GIT_PLACES}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    return environment | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    # Asked for again and again, because a thread that waits for a lock
    # could not be called off.
    with path.open("w") as lock:
        while not _take(lock.fileno()):  # noqa: ASYNC110 - held by other processes too
            await asyncio.sleep(0.05)
        yield


def _take(lock: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _pack(directory: Path, archive: Path) -> None:
    if not directory.is_dir():
        raise SourceUnavailable(
            f"there is no source directory {directory} on this host; "
            "check the path in the stack's source"
        )
    try:
        with tarfile.open(archive, "w") as tar:
            tar.add(directory, arcname="source", filter=_packed)
    except OSError as error:
        raise SourceUnavailable(
            f"could not read the source directory {directory}: {error}; "
            "check that the bot may read all of it"
        ) from error


def _packed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.rpartition("/")[2] == ".git" else member


def _without_userinfo(text: str) -> str:
    return _USERINFO.sub("*****", text)
