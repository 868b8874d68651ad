"""Start what may start: one active run per stack, as many as there are slots."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from bot.control.recorder import insisting
from bot.domain.errors import IllegalTransition, StoreUnavailable
from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, Run, RunId, RunState
from bot.ports import Clock, Ended, Record

log = structlog.get_logger(__name__)

#: Somebody wakes it whenever there may be something to do; this is for the rest.
_LOOK_AGAIN_SECONDS: Final = 5.0

_GIVEN_UP: Final = (
    "Handrail itself failed; its log says how. Whether the container is gone is not "
    "known, so the stack stays busy: once it is, an admin can reply release: <reason>."
)

Drive = Callable[[Run, asyncio.Event], Awaitable[None]]


class Schedule:
    """Owns the task of every run that this process performs."""

    def __init__(
        self, *, record: Record, perform: Drive, slots: int, clock: Clock
    ) -> None:
        self._record = record
        self._perform = perform
        self._slots = slots
        self._clock = clock
        self._woken = asyncio.Event()
        self._may_free = True  #: whether a stack may have become free
        self._stops: dict[RunId, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def promote(self) -> None:
        """Claim free stacks for their oldest runs, and have those started."""
        await self._record.promote(self._clock())
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
        stop = self._stops[run.id] = asyncio.Event()
        if run.stop_asked_by is not None:
            stop.set()
        task = asyncio.create_task(self._driven(run, drive, stop), name=f"run {run.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
            if self._may_free:
                self._may_free = False
                await self._record.promote(self._clock())
            for run in await self._record.ready():
                if len(self._stops) >= self._slots:
                    return
                if run.id not in self._stops:
                    self.take_up(run, self._perform)
        except StoreUnavailable as away:
            log.warning("store away, nothing starts", error=str(away))

    async def _driven(self, run: Run, drive: Drive, stop: asyncio.Event) -> None:
        try:
            await drive(run, stop)
        except StoreUnavailable as away:
            log.warning("store away, run waits", run=run.id, error=str(away))
        except Exception:
            # The top of the worker: the claim stays, so nothing can go wrong twice.
            log.exception("run could not be driven", run=run.id)
            await self._give_up(run)
        finally:
            del self._stops[run.id]
            self.wake()

    async def _give_up(self, run: Run) -> None:
        ended = Ended(
            state=RunState.FAILED,
            actor=HANDRAIL,
            reason=Reason.ENGINE,
            note=_GIVEN_UP,
            release=False,
        )
        with suppress(IllegalTransition):  # it had ended before
            await insisting(lambda: self._record.end(run.id, ended, self._clock()))

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            self._may_free = True

    async def _let_go(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
