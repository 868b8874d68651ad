"""Store what a job tells, before anybody else hears of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Self, TypeVar, assert_never

import structlog

from bot.domain.errors import StoreUnavailable, Superseded
from bot.domain.people import HANDRAIL
from bot.domain.run import Run, RunState, RunType
from bot.domain.sentences import amount
from bot.domain.telling import Said
from bot.ports import Clock, Progress, Record
from runner.events import (
    Concluded,
    ContainerCreated,
    Event,
    ImageResolved,
    Intervening,
    Outcome,
    Output,
    PhaseStarted,
    Remark,
    SecretsLearned,
    SourceFetched,
)
from runner.job import Phase
from runner.masking.masker import Masks

log = structlog.get_logger(__name__)

_Result = TypeVar("_Result")

_GATHER_SECONDS: Final = 0.5
_GATHER_BYTES: Final = 256 << 10
_RETRY_SECONDS: Final = 1.0
_LOOK_BACK: Final = timedelta(seconds=3)
_LEARNED: Final = "values that became known while the run went on"
_NOT_TAKEN_BACK: Final = (
    "What became known as secret could not be taken out of what had been told. Look "
    "through this thread, and reply redact: <text> for what is not to be seen."
)


class Recorder:
    """The watcher of one run. A database that is away is waited for.

    Output is gathered for half a second, so that a chatty command costs two
    transactions a second; whoever prints faster waits for the store.
    """

    def __init__(
        self,
        run: Run,
        record: Record,
        clock: Clock,
        stop: asyncio.Event,
        *,
        conclude: Callable[[Outcome], Awaitable[None]],
        masks: Masks,
        limit: int,
        kept: int = 0,
    ) -> None:
        """Keep up to *limit* bytes of masked output, of which *kept* are there.

        *run* is as it is when its container is followed: planning and applying are
        followed in containers of their own. *conclude* stores how the container
        ended, before it is removed.
        """
        self._run = run
        self._record = record
        self._clock = clock
        self._stop = stop
        self._conclude = conclude
        self._gathered = bytearray()
        self._before = run.applied_from  # what an earlier container printed
        self._position = 0  # of the output, behind what is gathered
        self._keeping = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None
        self._taken_back = datetime.min.replace(tzinfo=UTC)
        self._looking: asyncio.Task[None] | None = None
        self._masks = masks
        self._known = len(masks.secrets)
        self._limit = limit
        self._full = kept >= limit

    async def tell(self, event: Event) -> None:
        """Store one event of the job."""
        match event:
            case Output():
                await self._gather(event.data, event.position)
            case PhaseStarted():
                await self._phase(event.phase)
            case SourceFetched():
                await self._progress(Progress(commit=event.commit))
            case ImageResolved():
                # At once, since the container is asked for next: by its owner alone.
                await self._progress(Progress(image_digest=event.digest))
            case ContainerCreated():
                await self._progress(Progress(container=event.container))
            case SecretsLearned():
                await self._learned()
            case Remark():
                await self._say(event.text)
            case Intervening():
                # For its owner alone: this raises where it is another's by now.
                await insisting(self._renew)
            case Concluded():
                await self.settle()
                await self._conclude(event.outcome)
            case _:
                assert_never(event)

    async def may_perform(self) -> bool:
        """Store that the run performs; False when somebody asked to stop it."""
        await self.flush()
        if self._run.state is RunState.APPLYING:
            run, at = self._run.id, self._clock()
            await insisting(lambda: self._record.begin_applying(run, at))
            return True
        if self._run.type is RunType.TRACKED:
            return await self._advance(RunState.PLANNING)
        return await self._advance(RunState.PERFORMING)

    async def flush(self) -> None:
        """Store all that was told so far."""
        async with self._keeping:
            data, position = bytes(self._gathered), self._position
            self._gathered.clear()
            if data:
                await insisting(lambda: self._keep(data, position))

    async def _renew(self) -> None:
        await self._record.renew((self._run.id,), self._clock())

    async def _learned(self) -> None:
        # Each look takes all that was told: of many in a row, one does for all.
        if self._clock() - self._taken_back >= _LOOK_BACK:
            await self.take_back()
        elif self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._take_back_later())

    async def _take_back_later(self) -> None:
        await asyncio.sleep(_LOOK_BACK.total_seconds())
        await self.take_back()

    async def take_back(self) -> None:
        """Hide what was learned in all that was told before it was known."""
        await self.flush()
        self._taken_back = self._clock()
        try:
            await insisting(self._redact)
        except Exception:
            # Masks that fail withhold what follows; they must not end the following.
            log.exception("nothing taken back", run=self._run.id)
            await self._say(_NOT_TAKEN_BACK)

    async def _redact(self) -> None:
        await self._record.redact(
            self._run.id, self._masks, HANDRAIL, self._clock(), why=_LEARNED
        )

    async def settle(self) -> None:
        """Store all that was told, for good.

        What was learned may have been cut in two between what was told before and
        after: only now is it there as a whole.
        """
        await self.flush()
        if len(self._masks.secrets) > self._known:
            await self.take_back()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # What is not stored yet is read again from the container, if it goes on.
        for task in (self._later, self._looking):
            if task is not None:
                task.cancel()

    async def _gather(self, data: bytes, position: int) -> None:
        self._gathered += data
        self._position = position
        if len(self._gathered) >= _GATHER_BYTES:
            await self.flush()
        elif self._later is None or self._later.done():
            self._later = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        # Again for what came while it was stored: nothing else may come after it.
        with suppress(Superseded):  # told by whatever is to be stored next
            while self._gathered:
                await asyncio.sleep(_GATHER_SECONDS)
                await self.flush()

    async def _keep(self, data: bytes, position: int) -> None:
        if self._full:
            return
        has_room = await self._record.append_output(
            self._run.id, data, position=self._before + position, limit=self._limit
        )
        if not has_room:
            text = (
                f"The output passed {amount(self._limit)}. What follows is not "
                "kept; the run goes on."
            )
            await self._record.tell(self._run.thread, [Said(text=text)])
            self._full = True

    async def _say(self, text: str) -> None:
        said = [Said(text=text)]
        await insisting(lambda: self._record.tell(self._run.thread, said))

    async def _phase(self, phase: Phase) -> None:
        await self.flush()
        if phase is Phase.INITIALIZING and not await self._advance(
            RunState.INITIALIZING
        ):
            self._stop.set()

    async def _advance(self, to: RunState) -> bool:
        if self._run.state is RunState.APPLYING:
            return True  # stored before its container was made: it is not stopped
        moved = await insisting(
            lambda: self._record.advance(self._run.id, to, self._clock())
        )
        return moved is not None

    async def _progress(self, progress: Progress) -> None:
        await insisting(lambda: self._record.note_progress(self._run.id, progress))


async def insisting(action: Callable[[], Awaitable[_Result]]) -> _Result:
    """Return what *action* returns, waiting for as long as the database is away."""
    while True:
        try:
            return await action()
        except StoreUnavailable as away:
            log.warning("store away, run waits", error=str(away))
            await asyncio.sleep(_RETRY_SECONDS)
