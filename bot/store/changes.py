"""What was committed since somebody last asked."""

import asyncio
from collections.abc import Iterable
from typing import Final

from bot.ports import Change

EVERY: Final = frozenset(Change)
_SEPARATOR: Final = " "


class Changes:
    """The kinds of what changed, gathered until they are asked for."""

    def __init__(self) -> None:
        self._kinds: set[Change] = set()
        self._came = asyncio.Event()

    def add(self, kinds: Iterable[Change]) -> None:
        """Note that something of *kinds* has changed."""
        self._kinds.update(kinds)
        self._came.set()

    async def next(self) -> frozenset[Change]:
        """Wait until something has changed, and return its kinds."""
        await self._came.wait()
        self._came.clear()
        kinds = frozenset(self._kinds)
        self._kinds.clear()
        return kinds


def to_text(kinds: Iterable[Change]) -> str:
    """Return *kinds* as one process says them to another."""
    return _SEPARATOR.join(sorted(kinds))


def of_text(text: str) -> frozenset[Change]:
    """Return the kinds that *text* says; of one that says none that is known, all."""
    return frozenset(kind for kind in Change if kind in text.split(_SEPARATOR)) or EVERY
