"""Start what may start: one active run per stack, as many as there are slots."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from bot.control.recorder import insisting
from bot.control.verdict import given_up
from bot.domain.errors import IllegalTransition, StoreUnavailable, Superseded
from bot.domain.replica import ReplicaId
from bot.domain.run import ACTIVE, Run, RunId
from bot.ports import Archive, Clock, Record

log = structlog.get_logger(__name__)

#: Somebody wakes it whenever there may be something to do; this is for the rest.
_LOOK_AGAIN_SECONDS: Final = 5.0

#: before a run whose start could not be stored is started again
_PAUSE_SECONDS: Final = 1.0
#: seconds that the drives of runs have to end
_LAST_LOOKS: Final = 3

Drive = Callable[[Run, asyncio.Event], Awaitable[None]]


class Schedule:
    """Owns the task of every run that this process performs."""

    def __init__(
        self,
        *,
        record: Record,
        archive: Archive,
        perform: Drive,
        slots: int,
        clock: Clock,
    ) -> None:
        self._record = record
        self._archive = archive
        self._perform = perform
        self._slots = slots
        self._clock = clock
        self._woken = asyncio.Event()
        self._may_free = True  #: whether a stack may have become free
        self._promoting = asyncio.Lock()
        self._stops: dict[RunId, asyncio.Event] = {}
        self._tasks: dict[RunId, asyncio.Task[None]] = {}

    async def promote(self) -> None:
        """Claim free stacks for their oldest runs, and have those started."""
        await self._promote()
        self._woken.set()

    def wake(self) -> None:
        """Look soon whether something may start."""
        self._may_free = True
        self._woken.set()

    def driven(self) -> tuple[RunId, ...]:
        """Return the runs that this process drives now."""
        return tuple(self._stops)

    def stop(self, run: RunId) -> None:
        """Pass on that *run* was asked to stop, if this process drives it."""
        if run in self._stops:
            self._stops[run].set()

    def take_up(self, run: Run, drive: Drive) -> None:
        """Drive *run* in a task of its own."""
        if run.id in self._tasks:
            self._tasks[run.id].cancel()  # what it writes is void by now
        stop = self._stops[run.id] = asyncio.Event()
        if run.stop_asked_by is not None:
            stop.set()
        driving = self._driven(run, drive, stop)
        self._tasks[run.id] = asyncio.create_task(driving, name=f"run {run.id}")

    async def let_go_of_others(self, owner: ReplicaId) -> None:
        """Drive no run any more that is not *owner*'s, who was believed dead."""
        for run_id, task in tuple(self._tasks.items()):
            run = await self._archive.run(run_id)
            if run.state in ACTIVE and run.owner != owner:
                task.cancel()

    async def serve(self) -> None:
        """Start runs until cancelled; then let go of those that still go on."""
        try:
            while True:
                await self._start_what_may()
                await self._sleep()
        finally:
            await self._let_go()

    async def _start_what_may(self) -> None:
        self._woken.clear()
        try:
            await self._pass_on_stops()
            if self._may_free:
                self._may_free = False
                await self._promote()
            for run in await self._record.ready():
                if len(self._stops) >= self._slots:
                    return
                if run.id not in self._stops:
                    self.take_up(run, self._perform)
        except StoreUnavailable as away:
            log.warning("store away, nothing starts", error=str(away))

    async def _promote(self) -> None:
        # One after the other: the second finds that there is nothing left to claim.
        async with self._promoting:
            await self._record.promote(self._clock())

    async def _pass_on_stops(self) -> None:
        """Stop what was asked to stop of another replica than this."""
        driven = [run for run, stop in self._stops.items() if not stop.is_set()]
        if driven:
            for run in await self._archive.stops_asked(driven):
                self.stop(run)

    async def _driven(self, run: Run, drive: Drive, stop: asyncio.Event) -> None:
        try:
            await drive(run, stop)
        except StoreUnavailable as away:
            log.warning("store away, run waits", run=run.id, error=str(away))
            await asyncio.sleep(_PAUSE_SECONDS)
        except Superseded as over:
            log.info("run let go of", run=run.id, because=str(over))
        except Exception:
            # The top of the worker: the claim stays, so nothing can go wrong twice.
            log.exception("run could not be driven", run=run.id)
            await self._give_up(run)
        finally:
            if self._stops.get(run.id) is stop:
                del self._stops[run.id]
                del self._tasks[run.id]
            self.wake()

    async def _give_up(self, run: Run) -> None:
        record = self._record.fenced(run)
        with suppress(IllegalTransition, Superseded):  # it is another's, or over
            await insisting(lambda: record.end(run.id, given_up(), self._clock()))

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            self._may_free = True

    async def _let_go(self) -> None:
        # Some steps are not left half done by one cancellation; but those who take
        # the runs over do not have to wait for them, since what they write is void.
        going = set(self._tasks.values())
        for _ in range(_LAST_LOOKS):
            if not going:
                return
            for task in going:
                task.cancel()
            _, going = await asyncio.wait(going, timeout=1)
        log.warning("runs let go of in the middle of a step", number=len(going))
