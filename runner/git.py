"""Asks the host's `git`, and keeps copies of repositories up to date with it."""

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from runner.errors import SourceUnavailable
from runner.unbroken import begun, finished

#: Seconds that `git` has to take its lock files away when it is called off.
_GRACE: Final = 2.0
#: Where a caller's own Git environment would point `git` at another repository.
_PLACES: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")
_LOCKED: Final = re.compile("cannot lock ref|could not lock|File exists")


class GitFailed(Exception):
    """`git` ended with an error; the text is its last line."""

    def __init__(self, words: str) -> None:
        lines = words.strip().splitlines()
        super().__init__(lines[-1] if lines else "git ended with an error")
        self.locked_out = bool(_LOCKED.search(words))


class Mirror:
    """A bare copy, in *directory*, of the branches and tags of a repository.

    Only for whoever holds the lock (`locked`) that goes with it.
    """

    def __init__(self, url: str, directory: Path) -> None:
        self._url = url
        self._directory = directory
        self._at = f"--git-dir={directory}"

    async def commit(self, ref: str) -> str:
        """Return the commit of a branch, tag or full commit id, newly fetched."""
        try:
            return await self._commit(ref)
        except GitFailed as failed:
            if not failed.locked_out:
                raise
        # Nobody else is at work here, so a `git` that was killed has left this.
        await asyncio.to_thread(shutil.rmtree, self._directory)
        return await self._commit(ref)

    async def archive(self, commit: str, archive: Path) -> None:
        """Write the files of *commit* to *archive*."""
        await _git(
            *(self._at, "archive", "--format=tar", "--prefix=source/"),
            *("-o", str(archive), commit),
        )

    async def _commit(self, ref: str) -> str:
        if not (self._directory / "HEAD").exists():
            await _git("init", "--quiet", "--bare", str(self._directory))
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
        raise GitFailed(f"there is no branch, tag or commit {ref!r}")

    async def _find(self, place: str) -> str | None:
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options")
        with contextlib.suppress(GitFailed):
            return await _git(self._at, *asked, f"{place}^{{commit}}")
        return None

    async def _fetch(self, *refspecs: str) -> None:
        options = ("--quiet", "--prune", "--force", "--no-write-fetch-head")
        await _git(self._at, "fetch", *options, "--", self._url, *refspecs)


@contextlib.asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock file *path* against every other process."""
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


async def _git(*arguments: str) -> str:
    process = await begun(_started(*arguments), _end)
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:  # called off
            await finished(_end(process))
    if process.returncode:
        raise GitFailed(err.decode("utf-8", "replace"))
    return out.decode().strip()


async def _started(*arguments: str) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *("git", *arguments),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=_environment(),
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise SourceUnavailable(
            "there is no git on the bot's host to fetch the source with; install git"
        ) from error


async def _end(process: Process) -> None:
    """End `git` and its children, those that do not listen after a while."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        # Its children may still be there when it is not.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.communicate()


def _environment() -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k not in _PLACES}
    environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    return environment | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
