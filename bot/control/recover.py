"""After a start: take up what an earlier process of the bot left behind."""

import asyncio
from typing import Final

import structlog

from bot.control.perform import Perform
from bot.control.schedule import Schedule
from bot.domain.people import HANDRAIL
from bot.domain.run import RunId
from bot.ports import Archive, Clock, Record
from runner.engine import Engine
from runner.errors import EngineUnavailable

log = structlog.get_logger(__name__)

_ASK_AGAIN_SECONDS: Final = 5.0


class Recover:
    """Waits for the engine first: in doubt a stack stays claimed."""

    def __init__(
        self,
        *,
        record: Record,
        archive: Archive,
        engine: Engine,
        perform: Perform,
        schedule: Schedule,
        installation: str,
        clock: Clock,
    ) -> None:
        self._record = record
        self._archive = archive
        self._engine = engine
        self._perform = perform
        self._schedule = schedule
        self._installation = installation
        self._clock = clock

    async def __call__(self) -> None:
        """Take up every active run, and remove containers of runs that are over."""
        active = await self._archive.active_runs()
        left_behind = await self._left_behind()
        for run in active:
            self._schedule.take_up(run, self._perform.again)
        for name in left_behind - {str(run.id) for run in active}:
            await self._clear(RunId(int(name)))

    async def _left_behind(self) -> set[str]:
        while True:
            try:
                return set(await self._engine.left_behind(self._installation))
            except EngineUnavailable as away:
                log.warning("engine away, nothing is taken up", error=str(away))
                await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def _clear(self, run: RunId) -> None:
        container = await self._engine.find(str(run), self._installation)
        gone = container is None or await container.remove()
        if gone:
            await self._record.release_claim(
                run, HANDRAIL, "its container is gone", self._clock()
            )
