"""Attend to what changes in the record, by whichever replica."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from bot.domain.errors import StoreUnavailable
from bot.ports import Wakes

log = structlog.get_logger(__name__)

#: several changes in a row are one
_GATHER_SECONDS: Final = 0.02


class Attend:
    """Wakes whoever may have something to do, and hears what is to be hidden."""

    def __init__(
        self,
        *,
        wakes: Wakes,
        wake: Sequence[Callable[[], None]],
        hear: Callable[[], Awaitable[None]],
    ) -> None:
        self._wakes = wakes
        self._wake = tuple(wake)
        self._hear = hear

    async def serve(self) -> None:
        """Attend until cancelled."""
        async for _ in self._wakes.heard():
            for wake in self._wake:
                wake()
            try:
                await self._hear()
            except StoreUnavailable as away:
                log.warning("store away, nothing new is hidden", error=str(away))
            await asyncio.sleep(_GATHER_SECONDS)
