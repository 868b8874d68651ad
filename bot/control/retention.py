"""Drop what was kept for as long as it is wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import structlog

from bot.domain.errors import StoreUnavailable
from bot.domain.run import RunId
from bot.domain.stack import KeptFor
from bot.ports import Clock, Perishables

log = structlog.get_logger(__name__)

_SWEEP_SECONDS: Final = 24 * 3600.0
_AGAIN_SECONDS: Final = 600.0  #: once the database was away
#: runs whose output is looked for at a time
_RUNS: Final = 100


class Retention:
    """Sweeps once a day; several replicas may do it, each drops what it finds."""

    def __init__(
        self, *, perishables: Perishables, kept_for: KeptFor, clock: Clock
    ) -> None:
        self._perishables = perishables
        self._kept_for = kept_for
        self._clock = clock

    async def serve(
        self, every: float = _SWEEP_SECONDS, again: float = _AGAIN_SECONDS
    ) -> None:
        """Sweep until cancelled, *every* so many seconds, or *again* after trouble."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailable as away:
                log.warning("store away, nothing is dropped", error=str(away))
                await asyncio.sleep(again)
            else:
                await asyncio.sleep(every)

    async def sweep(self) -> int:
        """Drop all that is old enough; return of how many runs output was dropped."""
        now, kept_for = self._clock(), self._kept_for
        await _all_of_it(self._perishables.forget_deliveries, now - kept_for.deliveries)
        await _all_of_it(self._perishables.forget_words, now - kept_for.words)
        await _all_of_it(self._perishables.forget_requests, now - kept_for.requests)
        if kept_for.output is None:
            return 0
        dropped = await self._drop_output(now - kept_for.output, now)
        if dropped:
            await self._perishables.scrub()
            log.info("old output dropped", runs=dropped)
        return dropped

    async def _drop_output(self, ended_before: datetime, now: datetime) -> int:
        dropped, last = 0, RunId(0)
        while runs := await self._perishables.overdue(ended_before, _RUNS, last):
            for run in runs:
                while await self._perishables.drop_output(run, now):
                    pass
            dropped, last = dropped + len(runs), runs[-1]
        return dropped


async def _all_of_it(
    forget: Callable[[datetime], Awaitable[bool]], before: datetime
) -> None:
    # Whoever waits for the database comes between any two steps.
    while await forget(before):
        pass
