"""Drive one run, for the replica that owns it: each write is void once it does not."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from bot.control.admission import Admission, Stopped
from bot.control.conclusion import Conclusion
from bot.control.job import is_planned
from bot.control.means import Means
from bot.control.recorder import Recorder, insisting
from bot.control.verdict import failed, sentence
from bot.domain.errors import (
    Refused,
    RoleSourceUnavailable,
    SecretUnavailable,
    Superseded,
)
from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, Run, RunState, RunType
from bot.ports import Ended, Plan, Record
from runner.errors import ContainerLost, EngineAway, RunnerError
from runner.events import Ending, Outcome
from runner.execute import GRACE, execute, resume
from runner.job import Job, Limits, Phase
from runner.masking.masker import Masks

log = structlog.get_logger(__name__)

_Answer = TypeVar("_Answer")

_PHASES: Final[Mapping[RunState, Phase]] = {
    RunState.PREPARING: Phase.PREPARING,
    RunState.INITIALIZING: Phase.INITIALIZING,
    RunState.PERFORMING: Phase.PERFORMING,
    RunState.PLANNING: Phase.PERFORMING,
    RunState.APPLYING: Phase.PERFORMING,
}
_GOES_ON: Final = "Handrail was restarted; the run goes on."
_NOT_BEGUN: Final = "Handrail itself failed before it began; its log says how."
#: for a plan that was stopped to give the state's lock back; nothing is changed by it
_PLANNING_GRACE: Final = timedelta(seconds=60)
_ASK_AGAIN_SECONDS: Final = 2.0
_BEGINS_LATER: Final = (
    "The run begins once the engine answers; until then stop ends it."
)


class Drive:
    """One run on its way to its end. Another owner's is left alone: Superseded."""

    def __init__(
        self, means: Means, record: Record, run: Run, stop: asyncio.Event
    ) -> None:
        """Drive *run*, as it was when this replica came to own it.

        *record* writes for that owner alone.
        """
        self._means = means
        self._record = record
        self._run = run
        self._stop = stop
        self._admission = Admission(means, record, run, stop)
        self._is_told_away = False

    async def begin(self) -> None:
        """Start what was only claimed so far, and see it through.

        An engine that is away before anything was started is waited for.
        """
        try:
            while (prepared := await self._prepared()) is not None:
                away = await self._execute(*prepared)
                if away is None:
                    return
                await self._wait_to_begin(away)
        except Stopped:
            await self._end(Ended(state=RunState.STOPPED, actor=HANDRAIL))

    async def _prepared(self) -> tuple[Job, Masks] | None:
        """Return what is to run, and what is to be hidden of it; None: it has ended."""
        run = self._run
        try:
            stack = await self._admission.stack()
            job = await self._means.jobs.make(run, stack)
            return job, await self._admission.masks(stack, job)
        except Refused as refusal:
            await self._fail(Reason.REJECTED, str(refusal))
        except RoleSourceUnavailable as unheard:
            note = f"{unheard} In doubt nothing starts."
            await self._fail(Reason.REJECTED, note)
        except SecretUnavailable as missing:
            await self._fail(Reason.CREDENTIALS, str(missing))
        except (Superseded, Stopped):
            raise
        except Exception:
            # No container was asked for, so whatever it was, the stack is free.
            log.exception("run not begun", run=run.id)
            await self._fail(Reason.ENGINE, _NOT_BEGUN)
        return None

    async def go_on(self) -> None:
        """Take up what another process had started, and see it through.

        Its container carries what is to be masked, whatever the sources of the
        secrets would say by now. Where no container was started yet, it begins anew.
        """
        await self._admission.say(_GOES_ON)
        if self._run.lost_since is not None:
            await self._in_sight(self._look)
            await self._regain_sight()
        if _reached(self._run) is Phase.PREPARING and await self._is_unbegun():
            await self.begin()
            return
        means, run = self._means, self._run
        kept = await insisting(lambda: means.archive.output_size(run.id))
        masks = means.secrecy.masks(means.catalog.stacks.get(run.stack))
        conclusion = Conclusion(means, self._record, run, masks)
        recorder = self._recorder(conclusion, kept=kept)
        async with means.following.follow(run, masks, recorder):
            outcome = await self._resumed(recorder, masks)
            unbegun = await self._see_through(outcome, recorder, conclusion)
        if unbegun is not None:
            await self.begin()

    async def _execute(self, job: Job, masks: Masks) -> Outcome | None:
        """See *job* through; what came of it where it is to begin anew."""
        conclusion = Conclusion(self._means, self._record, self._run, masks)
        recorder = self._recorder(conclusion)
        async with self._means.following.follow(self._run, masks, recorder):
            outcome = await execute(
                job,
                self._means.engine,
                recorder,
                masks=masks,
                seal=self._means.seal,
                stop=self._stop,
                sources=self._means.sources,
                grace=_grace(self._run),
            )
            return await self._see_through(outcome, recorder, conclusion)

    async def _see_through(
        self, outcome: Outcome, recorder: Recorder, conclusion: Conclusion
    ) -> Outcome | None:
        """Follow on for as long as the engine keeps the container from sight.

        Returns what came of it where the engine was away before anything began.
        """
        while outcome.is_away and not outcome.container_gone:
            before = outcome
            await recorder.flush()
            await self._wait_for_sight(outcome.note)
            outcome = await self._resumed(recorder, conclusion.masks)
            if outcome.ending is Ending.LOST and before.phase is Phase.PREPARING:
                return before  # it was asked for and never made
        if outcome.is_away and outcome.phase is Phase.PREPARING:
            return outcome
        await recorder.settle()
        await self._settle(await conclusion.at_last(outcome))
        return None

    async def _resumed(self, recorder: Recorder, masks: Masks) -> Outcome:
        means, run = self._means, await self._now()
        read = await insisting(lambda: means.archive.output_position(run.id))
        return await resume(
            str(run.id),
            means.jobs.installation,
            means.engine,
            recorder,
            limits=self._limits,
            masks=masks,
            seal=means.seal,
            stop=self._stop,
            reached=_reached(run),
            grace=_grace(run),
            position=max(0, read - run.applied_from),
        )

    async def _is_unbegun(self) -> bool:
        """Remove what was made and never started; False where something was."""
        if await insisting(lambda: self._means.archive.conclusion(self._run.id)):
            return False  # it was removed because it had ended
        name, installation = str(self._run.id), self._means.jobs.installation
        engine = self._means.engine
        container = await self._in_sight(lambda: engine.find(name, installation))
        if container is None:
            return True
        try:
            if (await self._in_sight(container.vitals)).started:
                return False
        except ContainerLost:
            return True
        return await container.remove()

    async def _in_sight(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Return what the engine answers, however long it is away."""
        while True:
            try:
                return await ask()
            except EngineAway as away:
                await self._wait_for_sight(str(away))

    async def _look(self) -> None:
        """Ask the engine for the container, and for how that is."""
        name, installation = str(self._run.id), self._means.jobs.installation
        container = await self._means.engine.find(name, installation)
        if container is not None:
            with suppress(ContainerLost):
                await container.vitals()

    async def _wait_to_begin(self, away: Outcome) -> None:
        """Wait until the engine answers. Nothing began, so the run may be stopped."""
        if self._run.state is not RunState.PREPARING:
            await self._wait_for_sight(away.note)
            return
        if not self._is_told_away:
            await self._admission.say(f"{sentence(away.note)} {_BEGINS_LATER}")
            self._is_told_away = True
        while True:
            await self._admission.pause(_ASK_AGAIN_SECONDS)
            await self._now()
            with suppress(RunnerError):
                await self._means.engine.ping()
                return

    async def _wait_for_sight(self, why: str) -> None:
        """Wait until the engine answers; who waits for the run is told, once."""
        run, record, clock = self._run.id, self._record, self._means.clock
        log.warning("run out of sight", run=run, because=why)
        hidden = self._means.secrecy.hidden(why)
        await insisting(lambda: record.lose_sight(run, hidden, clock()))
        while True:
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
            await self._now()
            try:
                await self._look()
            except RunnerError as away:
                log.warning("engine away, run waits", run=run, error=str(away))
            else:
                break
        await self._regain_sight()

    async def _regain_sight(self) -> None:
        run, clock = self._run.id, self._means.clock
        await insisting(lambda: self._record.regain_sight(run, clock()))

    async def _now(self) -> Run:
        """Return the run as it is. Raises Superseded where it is over."""
        now = await insisting(lambda: self._means.archive.run(self._run.id))
        if now.state.is_terminal:
            raise Superseded(f"run {now.id} was ended by another hand")
        return now

    def _recorder(self, conclusion: Conclusion, *, kept: int = 0) -> Recorder:
        return Recorder(
            self._run,
            self._record,
            self._means.clock,
            self._stop,
            conclude=conclusion.keep,
            masks=conclusion.masks,
            limit=self._limits.output,
            kept=kept,
        )

    @property
    def _limits(self) -> Limits:
        stack = self._means.catalog.stacks.get(self._run.stack)
        return Limits() if stack is None else stack.limits

    async def _settle(self, conclusion: Ended | Plan) -> None:
        run, clock = self._run.id, self._means.clock
        if isinstance(conclusion, Plan):
            await insisting(lambda: self._record.planned(run, conclusion, clock()))
            log.info("run planned", run=run)
        else:
            await self._end(conclusion)

    async def _end(self, ended: Ended) -> None:
        run, clock = self._run, self._means.clock
        await insisting(lambda: self._record.end(run.id, ended, clock()))
        if run.type is RunType.TRACKED and ended.release:
            # Its plan may hold secrets; what is not forgotten now is swept later.
            await self._means.engine.forget_workspace(
                str(run.id), self._means.jobs.installation
            )
        log.info("run ended", run=run.id, state=ended.state, reason=ended.reason)

    async def _fail(self, reason: Reason, note: str) -> None:
        await self._end(failed(reason, self._means.secrecy.hidden(note)))


def _grace(run: Run) -> timedelta:
    return _PLANNING_GRACE if is_planned(run) else GRACE


def _reached(run: Run) -> Phase:
    # What may be applying is never ended on a guess, and what is not yet may be.
    if run.state is RunState.APPLYING and run.applied_at is None:
        return Phase.PREPARING
    return _PHASES[run.state]
