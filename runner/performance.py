"""Follows a started container to its end, and ends it when it has to be ended."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import timedelta
from signal import SIGKILL, SIGTERM
from typing import Final, TypeVar

from runner.deadlines import Deadlines, Due
from runner.driver import Mark, Marks
from runner.engine import Container, Exit, Vitals
from runner.errors import (
    ContainerLost,
    EngineAway,
    EngineUnavailable,
    StateUnreadable,
)
from runner.events import (
    Concluded,
    Ending,
    Intervening,
    Outcome,
    PhaseStarted,
    Remark,
    SecretsLearned,
)
from runner.job import Limits, Phase
from runner.reading import sensitive_in
from runner.seal import Carried
from runner.telling import Teller, hidden
from runner.unbroken import insisted
from runner.watcher import Watcher

T = TypeVar("T")

_NEVER_RAN: Final = "a script took the place of the shell, so the command never ran"
_NO_SHELL: Final = (
    "the image cannot run /bin/sh; every phase needs a POSIX shell there, "
    "so build the image with one"
)
_NOT_CARRIED: Final = (
    "it was not allowed to perform: what a restarted bot would have to mask cannot be "
    "put into the container"
)
_ENDED: Final = (
    "its container was ended from outside, by {signal}: its engine was stopped, or "
    "somebody stopped it there"
)
#: What a container exits with that was killed, before its driver came to an end.
_KILLED: Final = {128 + signal: signal.name for signal in (SIGKILL, SIGTERM)}
_BY_FORCE: Final = 128 + SIGKILL
_NOT_HEARD: Final = "it did not end when interrupted, and was killed"
#: What a container may have been condemned to; another process may tell anything.
_WORDS: Final = {str(e): e for e in (Ending.STOPPED, Ending.TIMEOUT, Ending.SILENCE)}
#: What a container's init exits with when it cannot run what it was given.
_CANNOT_RUN: Final = (126, 127)


class Performance:
    """One container on its way from its start to its removal.

    *reached* and *position* say what a process before this one has told of it:
    the phase, and the position of the last output.
    """

    def __init__(
        self,
        container: Container,
        watcher: Watcher,
        carried: Carried,
        stop: asyncio.Event,
        *,
        reached: Phase = Phase.PREPARING,
        position: int = 0,
        is_found: bool = False,
    ) -> None:
        """Take note whether it *is_found*: whether another process began with it."""
        self._container = container
        self._watcher = watcher
        self._carried = carried
        self._stop = stop
        self._reached = reached
        self._marks = Marks(container.nonce)
        self._teller = Teller(carried, watcher.tell, position=position)
        self._clock = asyncio.get_running_loop().time
        self._is_found = is_found
        self._ending: Ending | None = None
        self._last_mark: Mark | None = None
        self._marks_failed = False

    async def run(self, limits: Limits, grace: timedelta) -> Outcome:
        """Return how it ended, once the container is removed.

        When the surrounding task is cancelled the container stays as it is.
        """
        if known := self._carried.recalled:
            # Whoever told so before may not have come to store it.
            await self._watcher.tell(SecretsLearned(secrets=known))
        try:
            vitals, now = await self._vitals(), self._clock()
            deadlines = Deadlines(limits, now=now, age=vitals.age, grace=grace)
            if self._is_found:
                await self._go_on_ending(deadlines, running=vitals.running)
            await self._follow(deadlines)
            ended = await self._container.exit()
            results = await self._results(ended)
        except ContainerLost as error:
            gone = await insisted(self._container.remove())
            return self._broken(Ending.LOST, error, gone=gone)
        except EngineUnavailable as error:
            gone = self._may_go(error) and await self._removed()
            return self._broken(Ending.ENGINE, error, gone=gone)
        outcome = self._ended(ended, results)
        await self._watcher.tell(Concluded(outcome=outcome))
        gone = await insisted(self._container.remove())
        return replace(outcome, container_gone=gone)

    async def _vitals(self) -> Vitals:
        """Ask how it is, unless it was started a moment ago."""
        if self._is_found:
            return await self._container.vitals()
        return Vitals(started=True, running=True)

    async def _go_on_ending(self, deadlines: Deadlines, *, running: bool) -> None:
        """End it for what a process before this one has condemned it to."""
        ending = _WORDS.get(await self._container.condemned())
        if ending is Ending.STOPPED and not self._is_harmless:
            return  # no process of ours has written that
        self._ending = ending
        if ending is not None and running:
            await self._interrupt(ending, deadlines)

    async def _follow(self, deadlines: Deadlines) -> None:
        async with aclosing(self._container.output()) as output:
            coming = asyncio.create_task(_next(output))
            try:
                while (data := await self._next(coming, deadlines)) is not None:
                    if data:
                        await self._take(data, deadlines)
                        deadlines.heard(self._clock())
                        coming = asyncio.create_task(_next(output))
                    await self._look(deadlines)
            finally:
                await _called_off(coming)
        await self._teller.take(self._marks.flush())
        await self._teller.end()

    async def _next(
        self, coming: "asyncio.Task[bytes | None]", deadlines: Deadlines
    ) -> bytes | None:
        """Return output, None at its end, or nothing when it is time for a look."""
        return coming.result() if await self._has_come(coming, deadlines) else b""

    async def _has_come(self, awaited: "asyncio.Task[T]", deadlines: Deadlines) -> bool:
        """Wait until *awaited* is done, or until it is time for a look."""
        stopping = asyncio.create_task(self._stop.wait())
        either = {awaited, stopping} if self._may_stop else {awaited}
        left = deadlines.left(self._clock())
        try:
            await asyncio.wait(
                either, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopping.cancel()
        return awaited.done()

    async def _take(self, data: bytes, deadlines: Deadlines) -> None:
        try:
            items = list(self._marks.feed(data))
        except Exception:  # noqa: BLE001 - what is no output must not be shown as such
            self._marks_failed = True
            await self._teller.withhold()
            return
        for item in items:
            if isinstance(item, bytes):
                await self._teller.take(item)
                continue
            await self._teller.end_line()
            self._last_mark = item
            if item is Mark.INITIALIZING:
                await self._initializing()
            elif item is Mark.GATE:
                await self._gate(deadlines)

    async def _initializing(self) -> None:
        if self._reached is Phase.PREPARING:
            self._reached = Phase.INITIALIZING
            await self._watcher.tell(PhaseStarted(phase=self._reached))

    async def _gate(self, deadlines: Deadlines) -> None:
        if self._ending is not None:
            return
        if self._reached is not Phase.PERFORMING:
            if not (await self._container.vitals()).running:
                return  # it died while nobody followed it: no longer to be asked for
            if self._container.reading and not await self._has_read(deadlines):
                return
            if not await self._teller.is_carried():
                raise EngineUnavailable(_NOT_CARRIED)
            if self._stop.is_set() or not await self._watcher.may_perform():
                await self._interrupt(Ending.STOPPED, deadlines)
                return
            self._reached = Phase.PERFORMING
        await self._container.open_gate()

    async def _has_read(self, deadlines: Deadlines) -> bool:
        """Mask the state's values; False if it ended meanwhile, or has to."""
        await self._mask_state(deadlines)
        return self._ending is None and (await self._container.vitals()).running

    async def _mask_state(self, deadlines: Deadlines) -> None:
        reading = asyncio.create_task(sensitive_in(self._container))
        try:
            while not await self._has_come(reading, deadlines):
                # It waits for this, so it is not silent by itself.
                deadlines.heard(self._clock())
                await self._look(deadlines)
                if self._ending is not None:
                    return
            await self._teller.learn(reading.result())
        except StateUnreadable as error:
            await self._watcher.tell(Remark(text=self._unreadable(error)))
        finally:
            await _called_off(reading)

    def _unreadable(self, error: StateUnreadable) -> str:
        text = (
            f"The sensitive values of the state could not be read ({error}), so only "
            "those that were given as secrets are masked."
        )
        return hidden(text, self._carried.masks)

    @property
    def _may_stop(self) -> bool:
        return self._ending is None and self._is_harmless

    @property
    def _is_harmless(self) -> bool:
        """Whether nothing has been changed by it so far."""
        return self._reached is not Phase.PERFORMING or self._container.harmless

    async def _removed(self) -> bool:
        await self._watcher.tell(Intervening())
        return await insisted(self._container.remove())

    def _may_go(self, error: EngineUnavailable) -> bool:
        # What performs is never ended on a guess; and what is out of sight may go on
        # once it is in sight again.
        return self._is_harmless and not isinstance(error, EngineAway)

    async def _look(self, deadlines: Deadlines) -> None:
        if self._stop.is_set() and self._may_stop:
            await self._interrupt(Ending.STOPPED, deadlines)
        match deadlines.due(self._clock()):
            case None:
                pass
            case (Due.TIMEOUT | Due.SILENCE) as due:
                await self._cut_off(due, deadlines)
            case Due.KILL:
                await self._watcher.tell(Intervening())
                await self._container.kill()
                deadlines.killed(self._clock())
            case Due.GIVE_UP:
                raise EngineUnavailable("the killed container does not end")

    async def _cut_off(self, due: Due, deadlines: Deadlines) -> None:
        """Interrupt what runs; what has ended only has its output read late."""
        try:
            vitals = await self._container.vitals()
        except EngineUnavailable:
            deadlines.postponed(due, self._clock())
            return
        if vitals.running:
            await self._interrupt(Ending(due), deadlines)
        else:
            deadlines.over()

    async def _interrupt(self, ending: Ending, deadlines: Deadlines) -> None:
        await self._watcher.tell(Intervening())
        self._ending = ending
        deadlines.interrupted(self._clock())
        # What could not be interrupted is killed when its grace is over.
        with suppress(EngineUnavailable):
            await self._container.condemn(ending)
            await self._container.interrupt()

    async def _results(self, ended: Exit) -> Mapping[str, bytes]:
        if ended.code or self._ending_of(ended) != (Ending.EXITED, ""):
            return {}
        wanted = self._container.results
        found = {path: await self._container.result(path) for path in wanted}
        return {path: data for path, data in found.items() if data is not None}

    def _ended(self, ended: Exit, results: Mapping[str, bytes]) -> Outcome:
        ending, note = self._ending_of(ended)
        return Outcome(
            ending=ending,
            phase=self._reached,
            exit_code=None if note == _NEVER_RAN else ended.code,
            note=note,
            results=results,
        )

    def _ending_of(self, ended: Exit) -> tuple[Ending, str]:
        if self._ending is not None:
            return self._ending, _NOT_HEARD if ended.code == _BY_FORCE else ""
        if ended.out_of_memory and ended.code:
            return Ending.OUT_OF_MEMORY, ""
        if self._last_mark is None and ended.code in _CANNOT_RUN:
            return Ending.IMAGE, _NO_SHELL
        never_ran = self._last_mark is not Mark.ENDED and not self._marks_failed
        if never_ran and not ended.code:
            return Ending.EXITED, _NEVER_RAN
        if never_ran and ended.code in _KILLED:
            return Ending.EXITED, _ENDED.format(signal=_KILLED[ended.code])
        return Ending.EXITED, ""

    def _broken(self, ending: Ending, error: Exception, *, gone: bool) -> Outcome:
        note = hidden(str(error), self._carried.masks)
        return Outcome(
            ending=ending,
            phase=self._reached,
            note=note,
            container_gone=gone,
            is_away=isinstance(error, EngineAway),
        )


async def _next(output: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(output, None)


async def _called_off(task: "asyncio.Task[T]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
