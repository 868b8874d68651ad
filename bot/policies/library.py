"""What is loaded into the OPA that runs: each text once, whoever asks for it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from bot.domain.errors import PolicyUnavailable
from bot.policies.loading import Loaded, load_policy, unload_policy
from bot.policies.rest import OpaClient
from bot.policies.server import Server

_Load = Callable[[OpaClient, str], Awaitable[Loaded]]


class Library:
    """The policies in OPA, which compiles all of them whenever one comes or goes.

    So they come one after another, and one that is coming goes on coming when who
    asked for it gives up: whoever asks next finds it there.
    """

    def __init__(self, server: Server, limit: float) -> None:
        """*limit*: seconds that one policy may take to be compiled."""
        self._server = server
        self._limit = limit
        self._one_at_a_time = asyncio.Lock()
        self._incarnation = 0
        self._loaded: dict[str, asyncio.Task[Loaded]] = {}
        self._texts: dict[Path, str] = {}  #: what each file had when it was asked
        self._at_work: set[asyncio.Task[Loaded]] = set()

    async def loaded(self, path: Path, source: str) -> Loaded:
        """Return the policy *source*, which the file at *path* has by now.

        Raises PolicyUnavailable.
        """
        loaded = await asyncio.shield(self.coming(source, load_policy))
        await self._replace(path, source)
        return loaded

    def coming(self, source: str, load: _Load) -> asyncio.Task[Loaded]:
        """Return what loads *source* by *load*, or has loaded it."""
        task = self._task(source)
        if task is None or _has_failed(task):
            task = asyncio.create_task(self._load(source, load))
            self._loaded[_key(source)] = task
            self._at_work.add(task)
            task.add_done_callback(self._came)
        return task

    def at_hand(self, source: str) -> Loaded | None:
        """Return *source* if it has come."""
        task = self._task(source)
        if task is None or not task.done() or _has_failed(task):
            return None
        return task.result()

    def forget(self, source: str) -> None:
        """Load *source* anew when it is asked for: OPA does not know it any more."""
        self._loaded.pop(_key(source), None)

    async def close(self) -> None:
        """Load nothing any more."""
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    def _task(self, source: str) -> asyncio.Task[Loaded] | None:
        if self._incarnation != self._server.incarnation:
            self._incarnation = self._server.incarnation
            self._loaded.clear()
        return self._loaded.get(_key(source))

    def _came(self, task: asyncio.Task[Loaded]) -> None:
        self._at_work.discard(task)
        if not task.cancelled():
            task.exception()  # asyncio logs those that nobody looks at

    async def _load(self, source: str, load: _Load) -> Loaded:
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._limit):
                    return await load(self._server.client, source)
            except TimeoutError:
                self._server.overran()
                raise PolicyUnavailable(
                    f"it was not compiled within {self._limit:g} seconds."
                ) from None

    async def _replace(self, path: Path, source: str) -> None:
        """Remove what the file at *path* had before, unless another file has it."""
        former = self._texts.get(path, source)
        self._texts[path] = source
        if former in self._texts.values():
            return
        self.forget(former)
        async with self._one_at_a_time:
            with suppress(PolicyUnavailable):
                await unload_policy(self._server.client, former)


def _has_failed(task: asyncio.Task[Loaded]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _key(source: str) -> str:
    return sha256(source.encode()).hexdigest()
