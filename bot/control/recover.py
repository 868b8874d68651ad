"""Take up what nobody drives any more, and clear what is over."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.control.perform import Perform
from bot.control.schedule import Schedule
from bot.domain.errors import StoreUnavailable
from bot.domain.people import HANDRAIL
from bot.domain.replica import Replica
from bot.domain.run import Run, RunId
from bot.ports import Archive, Clock, Record
from runner.engine import Engine
from runner.errors import RunnerError

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 2.0
_CLEAR_EVERY: Final = timedelta(seconds=20)


class Recover:
    """In doubt a stack stays claimed: what cannot be asked for is asked again."""

    def __init__(
        self,
        *,
        record: Record,
        archive: Archive,
        engine: Engine,
        perform: Perform,
        schedule: Schedule,
        installation: str,
        replica: Replica,
        clock: Clock,
    ) -> None:
        self._record = record
        self._archive = archive
        self._engine = engine
        self._perform = perform
        self._schedule = schedule
        self._installation = installation
        self._replica = replica
        self._clock = clock
        self._woken = asyncio.Event()
        self._cleared_at: datetime | None = None
        self._unknown: set[RunId] = set()  #: those that were told in the log

    def wake(self) -> None:
        """Look soon whether there is a run that nobody drives."""
        self._woken.set()

    async def serve(self) -> None:
        """Take up and clear until cancelled."""
        while True:
            self._woken.clear()
            await self.adopt()
            await self._clear_if_due()
            await self._sleep()

    async def adopt(self) -> None:
        """Take up the runs that no living replica drives."""
        try:
            adopted = await self._record.adopt(self._clock(), self._schedule.driven)
        except StoreUnavailable as away:
            log.warning("store away, nothing is taken up", error=str(away))
            return
        for run in adopted:
            log.info("run taken up", run=run.id, epoch=run.epoch)
            self._schedule.take_up(run, self._perform.again)

    async def _clear_if_due(self) -> None:
        at = self._clock()
        if self._cleared_at is not None and at - self._cleared_at < _CLEAR_EVERY:
            return
        self._cleared_at = at
        try:
            await self._tell_unreached()
            await self._clear()
        except (RunnerError, StoreUnavailable) as away:
            log.warning("nothing is cleared", error=str(away))

    async def _tell_unreached(self) -> None:
        """Tell the runs on engines that no living replica reaches, each once."""
        for run in await self._archive.active_runs():
            elsewhere = run.engine not in {None, self._replica.engine}
            if elsewhere and not run.outside and run.lost_since is None:
                at = self._clock()
                why = (
                    f"No replica that is alive reaches its engine since {at:%H:%M} UTC."
                )
                await self._record.lose_sight(run.id, why, at)

    async def _clear(self) -> None:
        for name in await self._engine.left_behind(self._installation):
            await self._clear_if_over(RunId(int(name)))
        for run in await self._archive.kept_claims():
            await self._release_if_gone(run)
        for name in await self._engine.left_workspaces(self._installation):
            if await self._is_over(RunId(int(name))):
                await self._engine.forget_workspace(name, self._installation)

    async def _clear_if_over(self, run: RunId) -> None:
        if not await self._is_over(run):
            return
        container = await self._engine.find(str(run), self._installation)
        if container is None:
            return
        # What still performs is never ended, even where nobody follows it.
        if (await container.vitals()).running or not await container.remove():
            return
        await self._release(run)

    async def _release_if_gone(self, run: Run) -> None:
        """Release what *run* claims still, if its engine has no container of it.

        Whoever removed that may have been killed before the claim was released.
        """
        if run.engine != self._replica.engine:
            return
        if await self._engine.find(str(run.id), self._installation) is None:
            await self._release(run.id)

    async def _release(self, run: RunId) -> None:
        await self._record.release_claim(
            run, HANDRAIL, "its container is gone", self._clock()
        )

    async def _is_over(self, run: RunId) -> bool:
        """Tell whether *run* is over, or is none of this record's."""
        try:
            return (await self._archive.run(run)).state.is_terminal
        except LookupError:
            if run not in self._unknown:
                self._unknown.add(run)
                log.warning("what an unknown run left is left alone", run=run)
            return False

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass
