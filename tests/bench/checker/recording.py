"""Write down what an engine tells of its containers, also when it is restarted."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp

_PAUSE_SECONDS: Final = 0.1
_WANTED: Final = {"type": ["container"], "event": ["create", "start", "die", "destroy"]}


@asynccontextmanager
async def recorded(socket: Path, into: Path) -> AsyncIterator[None]:
    """Write the events of the engine at *socket* into a file, a line of JSON each."""
    recording = asyncio.create_task(_Recording(socket, into).follow())
    try:
        yield
    finally:
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)


class _Recording:
    """The events so far: an engine tells the last ones again when it is asked anew."""

    def __init__(self, socket: Path, into: Path) -> None:
        self._socket = socket
        self._into = into
        self._since = time.time_ns()
        self._seen: set[tuple[str, str, int]] = set()

    async def follow(self) -> None:
        """Follow the engine until this task is cancelled."""
        while True:
            # While it is away nothing is missed: it is asked for what was, once it
            # is back.
            with suppress(aiohttp.ClientError, OSError, ValueError):
                await self._follow_once()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow_once(self) -> None:
        since = f"{self._since // 10**9}.{self._since % 10**9:09d}"
        asked = {"since": since, "filters": json.dumps(_WANTED)}
        connector = aiohttp.UnixConnector(path=str(self._socket))
        timeout = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get("http://engine/events", params=asked) as answer,
        ):
            async for line in answer.content:
                self._note(json.loads(line))

    def _note(self, event: dict[str, Any]) -> None:
        key = (event["Actor"]["ID"], event["Action"], event["timeNano"])
        if key in self._seen:
            return
        self._seen.add(key)
        self._since = event["timeNano"]
        with self._into.open("a") as file:
            file.write(f"{json.dumps(event)}\n")
