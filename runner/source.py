"""Fetches the source of a stack, as a tar archive, from a directory or from Git."""

import asyncio
import contextlib
import hashlib
import re
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, assert_never

from runner.errors import SourceUnavailable
from runner.git import GitFailed, Mirror, locked
from runner.job import DirectorySource, GitSource, Source

_FETCH_TIMEOUT: Final = timedelta(minutes=5)
_ADVICE: Final = "check its address, the ref and that this host may read it"
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
        except GitFailed as failed:
            words = _without_userinfo(str(failed))
            message = f"could not fetch {shown}: {words}; {_ADVICE}"
            raise SourceUnavailable(message) from failed
        except OSError as error:
            message = (
                f"could not fetch {shown}: {error}; check the disk of the bot's host"
            )
            raise SourceUnavailable(message) from error
        return commit

    @contextlib.asynccontextmanager
    async def _mirror(self, url: str) -> AsyncIterator[Mirror]:
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._cache.mkdir(parents=True, exist_ok=True)
        async with locked(self._cache / f"{name}.lock"):
            yield Mirror(url, self._cache / f"{name}.git")


def _pack(directory: Path, archive: Path) -> None:
    try:
        if not directory.is_dir():
            raise SourceUnavailable(
                f"there is no source directory {directory} on this host; "
                "check the path in the stack's source"
            )
        # Links within it are kept as links: nothing outside of it is read.
        with tarfile.open(archive, "w") as tar:
            tar.add(directory.resolve(), arcname="source", filter=_packed)
    except OSError as error:
        raise SourceUnavailable(
            f"could not pack the source directory {directory}: {error}; check that "
            "the bot may read all of it and has room for a copy"
        ) from error


def _packed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.rpartition("/")[2] == ".git" else member


def _without_userinfo(text: str) -> str:
    return _USERINFO.sub("*****", text)
