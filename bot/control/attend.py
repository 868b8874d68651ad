"""Attend to what changes in the record, by whichever replica."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from bot.domain.errors import StoreUnavailable
from bot.ports import Change, Wakes

log = structlog.get_logger(__name__)

#: several changes in a row are one
_GATHER_SECONDS: Final = 0.02
_HEAR_SECONDS: Final = 5.0


class Attend:
    """Wakes whoever may have something to do, and hears what is to be hidden."""

    def __init__(
        self,
        *,
        wakes: Wakes,
        wake: Mapping[Change, Callable[[], None]],
        hear: Callable[[], Awaitable[None]],
    ) -> None:
        self._wakes = wakes
        self._wake = wake
        self._hear = hear

    async def serve(self) -> None:
        """Attend until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._to_wakes())
            group.create_task(self._now_and_then())

    async def _to_wakes(self) -> None:
        async for changes in self._wakes.heard():
            for change in changes & self._wake.keys():
                self._wake[change]()
            if Change.SECRETS in changes:
                await self._hear_if_possible()
            await asyncio.sleep(_GATHER_SECONDS)

    async def _now_and_then(self) -> None:
        # For what could not be read when it was woken for.
        while True:
            await asyncio.sleep(_HEAR_SECONDS)
            await self._hear_if_possible()

    async def _hear_if_possible(self) -> None:
        try:
            await self._hear()
        except StoreUnavailable as away:
            log.warning("store away, nothing new is hidden", error=str(away))
