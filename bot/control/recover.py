"""After a start: take up what an earlier process of the bot left behind."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from bot.control.perform import Perform
from bot.control.schedule import Schedule
from bot.domain.people import HANDRAIL
from bot.domain.run import Run, RunId
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

    async def __call__(self, active: Sequence[Run]) -> None:
        """Take up *active*, and remove containers of runs that are over.

        *active* are the runs that were so before this process started any.
        """
        left_behind = await self._left_behind()
        for run in active:
            self._schedule.take_up(run, self._perform.again)
        for name in left_behind:
            await self._clear_if_over(RunId(int(name)))

    async def _left_behind(self) -> set[str]:
        while True:
            try:
                return set(await self._engine.left_behind(self._installation))
            except EngineUnavailable as away:
                log.warning("engine away, nothing is taken up", error=str(away))
                await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def _clear_if_over(self, run: RunId) -> None:
        try:
            is_over = (await self._archive.run(run)).state.is_terminal
        except LookupError:
            log.warning("container of an unknown run left alone", run=run)
            return
        if is_over:
            await self._clear(run)

    async def _clear(self, run: RunId) -> None:
        container = await self._engine.find(str(run), self._installation)
        if container is None or await container.remove():
            await self._record.release_claim(
                run, HANDRAIL, "its container is gone", self._clock()
            )
