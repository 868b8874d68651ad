"""Runs a job from its source to the removal of its container."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from runner.engine import PAUSES, Container, Engine
from runner.errors import (
    ContainerExists,
    ContainerLost,
    EngineAway,
    EngineUnavailable,
    ImageUnavailable,
    RunnerError,
    SourceUnavailable,
    Unexpected,
)
from runner.events import (
    ContainerCreated,
    Ending,
    ImageResolved,
    Intervening,
    Outcome,
    SourceFetched,
)
from runner.job import Job, Limits, Phase
from runner.masking.masker import Masks
from runner.performance import Performance
from runner.seal import Carried, Seal, about
from runner.source import Sources
from runner.telling import hidden
from runner.unbroken import finished, insisted
from runner.watcher import Watcher
from runner.workspace import complete

T = TypeVar("T")

#: How long an interrupted container may take to end before it is killed.
GRACE: Final = timedelta(seconds=10)


async def execute(
    job: Job,
    engine: Engine,
    watcher: Watcher,
    *,
    masks: Masks,
    seal: Seal,
    stop: asyncio.Event,
    sources: Sources,
    grace: timedelta = GRACE,
) -> Outcome:
    """Run *job* and tell *watcher*, in the order in which it happens.

    Whatever *masks* hide, now or later, is hidden in all that is told; the
    container carries it under *seal*. *stop* ends the run as long as it does not
    perform, and is ignored from then on.
    When the surrounding task is cancelled, which is how a process goes away, the
    container is left as it is, to be taken up by `resume`.
    """
    hides, name = masks.secrets, about(job.run, job.installation)
    job = replace(job, sealed=seal.closed(hides, name))
    preparation = _Preparation(job, engine, watcher, masks, stop)
    try:
        container = await preparation.container(sources)
    except _Stopped:
        return _not_started(Ending.STOPPED)
    except RunnerError as error:
        gone = await insisted(preparation.cleared(error))
        return _failed(error, masks, gone=gone)
    carried = Carried(container, masks, seal, name, carries=hides)
    broken = await _start(container, stop, masks)
    if broken is not None:
        return broken
    performance = Performance(container, watcher, carried, stop)
    outcome = await performance.run(job.limits, grace)
    return await _explained(outcome, engine, job.run, job.installation)


async def resume(  # noqa: PLR0913 - all that is known of a run without its job
    run: str,
    installation: str,
    engine: Engine,
    watcher: Watcher,
    *,
    limits: Limits,
    masks: Masks,
    seal: Seal,
    stop: asyncio.Event,
    reached: Phase,
    position: int,
    grace: timedelta = GRACE,
    pauses: Sequence[float] = PAUSES,
) -> Outcome:
    """Follow the container of *run* that an earlier process left behind.

    *reached* and *position* (of the last output) are what that process stored.
    All output is read anew and what was told is dropped, so that none is lost or
    doubled. *masks* learn what the container carries under *seal*; where that
    cannot be read, it is followed and nothing that it prints is shown. An engine
    that is away is asked again after each of *pauses*, in seconds.
    """
    try:
        container = await _asked(lambda: engine.find(run, installation), pauses)
    except RunnerError as error:
        return _failed(error, masks, reached=reached, gone=False)
    if container is None:
        lost = _over(Ending.LOST, reached, "its container is gone")
        return await _explained(lost, engine, run, installation)
    carried = Carried(container, masks, seal, about(run, installation))
    outcome = await _unfollowed(container, carried, watcher, reached, pauses)
    if outcome is None:
        performance = Performance(
            container,
            watcher,
            carried,
            stop,
            reached=reached,
            position=position,
            is_found=True,
        )
        outcome = await performance.run(limits, grace)
    return await _explained(outcome, engine, run, installation)


class _Stopped(Exception):
    """The run was stopped before its container started."""


class _Preparation:
    """The steps up to a container that is ready to be started."""

    def __init__(
        self,
        job: Job,
        engine: Engine,
        watcher: Watcher,
        masks: Masks,
        stop: asyncio.Event,
    ) -> None:
        self._job = job
        self._engine = engine
        self._watcher = watcher
        self._masks = masks
        self._stop = stop
        self._asked = False  # whether the engine was asked for a container

    async def container(self, sources: Sources) -> Container:
        """Return the created container."""
        with _scratch() as scratch:
            workspace = await self._workspace(sources, scratch)
            resolving = self._engine.resolve(self._job.image)
            digest = await self._unless_stopped(_known(resolving))
            shown = hidden(digest, self._masks)
            await self._watcher.tell(ImageResolved(digest=shown))
            self._asked = True
            creating = self._engine.create(self._job, digest, workspace)
            container = await finished(_known(creating))
        await self._watcher.tell(ContainerCreated(container=container.id))
        return container

    async def cleared(self, error: RunnerError) -> bool:
        """Remove what *error* has left of a container; True iff it is proven gone.

        Whatever has been started is another's: it is left as it is.
        """
        if not self._asked:
            return True
        if isinstance(error, ContainerExists):
            return False
        await self._watcher.tell(Intervening())
        with suppress(RunnerError):
            return await _known(self._removed())
        return False

    async def _removed(self) -> bool:
        container = await self._engine.find(self._job.run, self._job.installation)
        if container is None:
            return True
        started = (await container.vitals()).started
        return not started and await container.remove()

    async def _workspace(self, sources: Sources, scratch: Path) -> Path:
        archive = scratch / "source.tar"
        if self._job.source is not None and not self._job.is_laid:
            fetching = sources.fetch(self._job.source, scratch)
            fetched = await self._unless_stopped(_known(fetching))
            archive = fetched.archive
            await self._watcher.tell(SourceFetched(commit=fetched.commit))
        await _known(asyncio.to_thread(complete, archive, self._job))
        return archive

    async def _unless_stopped(self, step: Coroutine[object, object, T]) -> T:
        working = asyncio.ensure_future(step)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                raise _Stopped
            return working.result()
        finally:
            working.cancel()
            stopping.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)


async def _start(
    container: Container, stop: asyncio.Event, masks: Masks
) -> Outcome | None:
    """Start *container*, or remove it and return why it was not started.

    One that began although the answer was lost is followed, and where nobody knows
    it is left as it is.
    """
    if stop.is_set():
        gone = await insisted(container.remove())
        return _not_started(Ending.STOPPED, gone=gone)
    try:
        await finished(_known(container.start()))
    except RunnerError as error:
        begun = await insisted(_begun(container))
        if begun:
            return None
        gone = begun is False and await insisted(container.remove())
        return _failed(error, masks, gone=gone)
    return None


async def _begun(container: Container) -> bool | None:
    """Tell whether *container* was started; None: the engine does not say."""
    try:
        return (await _known(container.vitals())).started
    except ContainerLost:
        return False
    except RunnerError:
        return None


async def _unfollowed(
    container: Container,
    carried: Carried,
    watcher: Watcher,
    reached: Phase,
    pauses: Sequence[float],
) -> Outcome | None:
    """Recall what *carried* carries; return how it ends that cannot be followed."""
    try:
        if not (await _asked(container.vitals, pauses)).started:
            await watcher.tell(Intervening())
            gone = await insisted(container.remove())
            note = "its container was never started"
            return _over(Ending.LOST, reached, note, gone=gone)
        await _recall(carried, container, pauses)
    except RunnerError as error:
        lost = isinstance(error, ContainerLost)
        gone = lost and await insisted(container.remove())
        return _failed(error, carried.masks, reached=reached, gone=gone)
    return None


async def _recall(
    carried: Carried, container: Container, pauses: Sequence[float]
) -> None:
    """Hide what *carried* carries, or take note that it cannot be known any more."""
    try:
        await _asked(carried.recall, pauses)
    except ContainerLost:
        raise
    except RunnerError:
        # Where the engine tells nothing else either, it is the engine that is away.
        await container.vitals()
        carried.lose()


async def _asked(
    ask: Callable[[], Coroutine[object, object, T]], pauses: Sequence[float]
) -> T:
    """Return what *ask* returns, asking an engine that is away again."""
    for pause in pauses:
        try:
            return await _known(ask())
        except EngineUnavailable:
            await asyncio.sleep(pause)
    return await _known(ask())


async def _known(step: Coroutine[object, object, T]) -> T:
    """Return what *step* returns; whatever it raises is an error of the runner."""
    try:
        return await step
    except RunnerError:
        raise
    except Exception as error:
        # The last resort: whoever waits for this run is owed an end of it.
        raise Unexpected(f"unexpected {type(error).__name__}: {error}") from error


@contextmanager
def _scratch() -> Iterator[Path]:
    try:
        scratch = TemporaryDirectory(prefix="handrail-", ignore_cleanup_errors=True)
    except OSError as error:
        raise SourceUnavailable(
            f"there is no place for the source on the bot's host: {error}; "
            "check the disk and the directory for temporary files"
        ) from error
    with scratch as place:
        yield Path(place)


def _ending(error: RunnerError) -> Ending:
    match error:
        case SourceUnavailable():
            return Ending.SOURCE
        case ImageUnavailable():
            return Ending.IMAGE
        case ContainerLost():
            return Ending.LOST
        case _:
            return Ending.ENGINE


async def _explained(
    outcome: Outcome, engine: Engine, run: str, installation: str
) -> Outcome:
    """Return *outcome* with all that is known of a container that was lost."""
    if outcome.ending is not Ending.LOST:
        return outcome
    with suppress(RunnerError):
        if fate := await _known(engine.fate(run, installation)):
            return replace(outcome, note=f"{outcome.note}: {fate}")
    return outcome


def _failed(
    error: RunnerError, masks: Masks, *, reached: Phase = Phase.PREPARING, gone: bool
) -> Outcome:
    return Outcome(
        ending=_ending(error),
        phase=reached,
        note=hidden(str(error), masks),
        container_gone=gone,
        is_away=isinstance(error, EngineAway),
    )


def _not_started(ending: Ending, note: str = "", *, gone: bool = True) -> Outcome:
    return _over(ending, Phase.PREPARING, note, gone=gone)


def _over(ending: Ending, reached: Phase, note: str, *, gone: bool = True) -> Outcome:
    return Outcome(ending=ending, phase=reached, note=note, container_gone=gone)
