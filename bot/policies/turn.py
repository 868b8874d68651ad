"""A policy that is asked once: what it may take is told from what it has to wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.ports import Document


class Allowance:
    """Seconds that may be spent piece by piece."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @asynccontextmanager
    async def spent(self) -> AsyncIterator[None]:
        """Count the body, and raise TimeoutError when nothing is left."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._left):
                yield
        finally:
            self._left -= loop.time() - began


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is asked of which text, and for how long."""

    path: Path
    source: str
    document: Document
    waiting: Allowance  #: for OPA, and until it has compiled
    working: Allowance  #: on the answer
