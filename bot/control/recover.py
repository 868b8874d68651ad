"""Take up what an earlier process of the bot left behind, and clear what is over."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from bot.control.perform import Perform
from bot.control.recorder import insisting
from bot.control.schedule import Schedule
from bot.domain.errors import StoreUnavailable
from bot.domain.people import HANDRAIL
from bot.domain.run import ACTIVE, Run, RunId
from bot.ports import Archive, Clock, Record
from runner.engine import Engine
from runner.errors import RunnerError

log = structlog.get_logger(__name__)

_ASK_AGAIN_SECONDS: Final = 5.0
_CLEAR_AGAIN_SECONDS: Final = 30.0


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
        """Take up *active*, then clear away for ever what runs that are over left.

        *active* are the runs that were so before this process started any.
        """
        await self._await_engine()
        for run in active:
            await self._take_up(run)
        while True:
            await self._clear()
            await asyncio.sleep(_CLEAR_AGAIN_SECONDS)

    async def _await_engine(self) -> None:
        while True:
            try:
                await self._engine.ping()
            except RunnerError as away:
                log.warning("engine away, nothing is taken up", error=str(away))
                await asyncio.sleep(_ASK_AGAIN_SECONDS)
            else:
                return

    async def _take_up(self, run: Run) -> None:
        # Somebody may have asked to stop it while the engine was waited for.
        now = await insisting(lambda: self._archive.run(run.id))
        if now.state in ACTIVE:
            self._schedule.take_up(now, self._perform.again)

    async def _clear(self) -> None:
        try:
            for name in await self._engine.left_behind(self._installation):
                await self._clear_if_over(RunId(int(name)))
            for name in await self._engine.left_workspaces(self._installation):
                if await self._is_over(RunId(int(name))):
                    await self._engine.forget_workspace(name, self._installation)
        except (RunnerError, StoreUnavailable) as away:
            log.warning("nothing is cleared", error=str(away))

    async def _clear_if_over(self, run: RunId) -> None:
        if not await self._is_over(run):
            return
        container = await self._engine.find(str(run), self._installation)
        if container is None:
            return
        # What still performs is never ended, even where nobody follows it.
        if (await container.vitals()).running or not await container.remove():
            return
        await self._record.release_claim(
            run, HANDRAIL, "its container is gone", self._clock()
        )

    async def _is_over(self, run: RunId) -> bool:
        try:
            return (await self._archive.run(run)).state.is_terminal
        except LookupError:
            log.warning("what an unknown run left is left alone", run=run)
            return False
