"""Drive one run, for the replica that owns it: each write is void once it does not."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, repeat
from typing import Final, TypeVar

import structlog

from bot.control.access import Access
from bot.control.following import Following
from bot.control.job import Jobs, is_planned, secrets_of
from bot.control.recorder import Recorder, insisting
from bot.control.secrecy import Secrecy, names_in
from bot.control.verdict import ended_of, lacks_plan, plan_of, sentence, unproven
from bot.domain.errors import (
    Refusal,
    Refused,
    RoleSourceUnavailable,
    SecretUnavailable,
    Superseded,
)
from bot.domain.people import HANDRAIL, Role
from bot.domain.run import Reason, Run, RunState, RunType
from bot.domain.sentences import in_command, masked_in_part, not_maskable, unmasked
from bot.domain.stack import Catalog, Stack
from bot.domain.state_lock import StateLock, state_lock_in
from bot.domain.telling import Said
from bot.ports import Archive, Clock, Ended, Plan, Record
from runner.engine import Engine
from runner.errors import ContainerLost, EngineAway, RunnerError
from runner.events import Ending, Outcome
from runner.execute import GRACE, execute, resume
from runner.job import Job, Limits, Phase
from runner.masking.masker import Masks
from runner.masking.secrets import Secret, partly_masked, unmaskable
from runner.seal import Seal
from runner.source import Sources

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
_NOT_APPLIED: Final = "Nothing was applied. Send /deploy again for a new plan."
_NO_PLAN: Final = (
    "The plan could not be taken out of its container: there is no file at "
    "$HANDRAIL_PLAN, or it is larger than 16 MiB. So nothing can be confirmed."
)
_NO_CHANGES: Final = "The plan changes nothing, so there is nothing to apply."
_NOT_BEGUN: Final = "Handrail itself failed before it began; its log says how."
#: for a plan that was stopped to give the state's lock back; nothing is changed by it
_PLANNING_GRACE: Final = timedelta(seconds=60)
#: bytes at the end of the output in which a state lock is looked for
_SEARCHED: Final = 64 << 10
_ASK_AGAIN_SECONDS: Final = 2.0
#: seconds between questions to a Slack that is away
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0)
_LONGEST_PAUSE: Final = 30.0
_BEGINS_LATER: Final = (
    "The run begins once the engine answers; until then stop ends it."
)
_ASKED_AGAIN: Final = (
    "Slack is asked again until it answers; until then nothing starts, and stop ends "
    "the run."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every run is driven with."""

    catalog: Catalog
    access: Access
    archive: Archive
    jobs: Jobs
    secrecy: Secrecy
    engine: Engine
    sources: Sources
    seal: Seal
    following: Following
    clock: Clock


class _Stopped(Exception):
    """It was asked to stop before it began."""


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
        self._given: tuple[Secret, ...] = ()  # what its job has to hide
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
        except _Stopped:
            await self._end(Ended(state=RunState.STOPPED, actor=HANDRAIL))

    async def _prepared(self) -> tuple[Job, Masks] | None:
        """Return what is to run, and what is to be hidden of it; None: it has ended."""
        run = self._run
        try:
            stack = await self._allowed_at_last()
            job = await self._means.jobs.make(run, stack)
            return job, await self._masks(stack, job)
        except Refused as refusal:
            await self._fail(Reason.REJECTED, str(refusal))
        except RoleSourceUnavailable as unheard:
            note = f"{unheard} In doubt nothing starts."
            await self._fail(Reason.REJECTED, note)
        except SecretUnavailable as missing:
            await self._fail(Reason.CREDENTIALS, str(missing))
        except (Superseded, _Stopped):
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
        await self._say(_GOES_ON)
        if self._run.lost_since is not None:
            await self._in_sight(self._look)
            await self._regain_sight()
        if _reached(self._run) is Phase.PREPARING and await self._is_unbegun():
            await self.begin()
            return
        means, run = self._means, self._run
        kept = await insisting(lambda: means.archive.output_size(run.id))
        masks = means.secrecy.masks(means.catalog.stacks.get(run.stack))
        recorder = self._recorder(masks, kept=kept)
        async with means.following.follow(run, masks, recorder):
            outcome = await self._resumed(recorder, masks)
            unbegun = await self._see_through(outcome, recorder, masks)
        if unbegun is not None:
            await self.begin()

    async def _execute(self, job: Job, masks: Masks) -> Outcome | None:
        """See *job* through; what came of it where it is to begin anew."""
        recorder = self._recorder(masks)
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
            return await self._see_through(outcome, recorder, masks)

    async def _see_through(
        self, outcome: Outcome, recorder: Recorder, masks: Masks
    ) -> Outcome | None:
        """Follow on for as long as the engine keeps the container from sight.

        Returns what came of it where the engine was away before anything began.
        """
        while outcome.is_away and not outcome.container_gone:
            before = outcome
            await recorder.flush()
            await self._wait_for_sight(outcome.note)
            outcome = await self._resumed(recorder, masks)
            if outcome.ending is Ending.LOST and before.phase is Phase.PREPARING:
                return before  # it was asked for and never made
        if outcome.is_away and outcome.phase is Phase.PREPARING:
            return outcome
        await recorder.settle()
        await self._settle(await self._concluded(outcome, masks))
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
            await self._say(f"{sentence(away.note)} {_BEGINS_LATER}")
            self._is_told_away = True
        while True:
            await self._pause(_ASK_AGAIN_SECONDS)
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

    def _recorder(self, masks: Masks, *, kept: int = 0) -> Recorder:
        async def conclude(outcome: Outcome) -> None:
            conclusion = await self._conclusion(outcome, masks)
            await insisting(lambda: self._record.conclude(self._run.id, conclusion))

        return Recorder(
            self._run,
            self._record,
            self._means.clock,
            self._stop,
            conclude=conclude,
            masks=masks,
            limit=self._limits.output,
            kept=kept,
        )

    @property
    def _limits(self) -> Limits:
        stack = self._means.catalog.stacks.get(self._run.stack)
        return Limits() if stack is None else stack.limits

    async def _say(self, text: str) -> None:
        said = [Said(text=text)]
        await insisting(lambda: self._record.tell(self._run.thread, said))

    async def _allowed_at_last(self) -> Stack:
        """Return the stack, once its people could be asked for and may run on it.

        A Slack that is away is asked again; whoever waits is told so, once.
        """
        is_told = False
        for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
            try:
                return await insisting(self._allowed)
            except RoleSourceUnavailable as unheard:
                if unheard.again_in is None:
                    raise
                log.warning("roles unheard", run=self._run.id, error=str(unheard))
                if not is_told:
                    await self._say(f"{unheard} {_ASKED_AGAIN}")
                    is_told = True
                await self._pause(max(pause, unheard.again_in))
        raise AssertionError("it is asked for ever")

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
            raise _Stopped

    async def _allowed(self) -> Stack:
        run, access = self._run, self._means.access
        stack = self._means.catalog.stack(run.stack)
        for actor in filter(None, (run.actor, run.confirmed_by)):
            await access.still(actor)
            await access.require(Role.WRITER, actor, stack, fresh=True)
        return stack

    async def _masks(self, stack: Stack, job: Job) -> Masks:
        """Return what hides the secrets of *job*, or refuse to run it."""
        run, secrets = self._run, secrets_of(job)
        self._given = secrets
        # In threads, because a thousand secrets take seconds.
        masks = await asyncio.to_thread(self._means.secrecy.masks, stack, secrets)
        lacking = await asyncio.to_thread(unmaskable, secrets)
        if lacking and stack.strict_masking:
            raise Refused(not_maskable(stack.name, lacking), reason=Refusal.UNSAFE)
        commands = f"{run.command}\n{run.apply}"
        if masks.text(commands) != commands:
            await self._take_back(masks)
            names = await asyncio.to_thread(names_in, commands, secrets)
            raise Refused(in_command(names), reason=Refusal.UNSAFE)
        if lacking:
            await self._say(unmasked(lacking))
        if partly := partly_masked(secrets):
            await self._say(masked_in_part(partly))
        return masks

    async def _take_back(self, masks: Masks) -> None:
        """Hide what the command says: a secret came to be it since it was typed."""
        run, why, at = self._run.id, "the command held a secret", self._means.clock()
        await insisting(lambda: self._record.redact(run, masks, HANDRAIL, at, why=why))

    async def _concluded(self, outcome: Outcome, masks: Masks) -> Ended | Plan:
        """Return how it ended, also where its container was removed since."""
        if outcome.ending is Ending.LOST and outcome.container_gone:
            archive = self._means.archive
            kept = await insisting(lambda: archive.conclusion(self._run.id))
            if kept is not None:
                return kept
        return await self._conclusion(outcome, masks)

    async def _conclusion(self, outcome: Outcome, masks: Masks) -> Ended | Plan:
        run = self._run
        ended = ended_of(outcome, changes=not is_planned(run))
        if ended.state is RunState.FAILED:
            ended = replace(ended, state_lock=await self._state_lock())
        if is_planned(run) and ended.state is RunState.FINISHED:
            return await self._plan(outcome, masks)
        if run.state is RunState.APPLYING and outcome.phase is not Phase.PERFORMING:
            return replace(ended, note=f"{ended.note} {_NOT_APPLIED}".strip())
        return ended

    async def _plan(self, outcome: Outcome, masks: Masks) -> Ended | Plan:
        """Return the plan that was made, if it would change much."""
        if not outcome.container_gone:
            return unproven(outcome)
        if lacks_plan(self._run, outcome):
            return _failed(Reason.ENGINE, _NO_PLAN)
        made = await asyncio.to_thread(plan_of, outcome, masks)
        if made is None:
            return replace(ended_of(outcome, changes=False), note=_NO_CHANGES)
        # What was learned by now is to be hidden from what applies it, too.
        learned = [one for one in masks.secrets if one not in self._given]
        if learned:
            following, run = self._means.following, self._run.id
            await insisting(lambda: following.hide(run, *learned))
        return made

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

    async def _state_lock(self) -> StateLock | None:
        archive = self._means.archive
        last = await insisting(lambda: archive.tail(self._run.id, _SEARCHED))
        return state_lock_in(last)

    async def _fail(self, reason: Reason, note: str) -> None:
        await self._end(_failed(reason, self._means.secrecy.hidden(note)))


def _failed(reason: Reason, note: str) -> Ended:
    return Ended(state=RunState.FAILED, actor=HANDRAIL, reason=reason, note=note)


def _grace(run: Run) -> timedelta:
    return _PLANNING_GRACE if is_planned(run) else GRACE


def _reached(run: Run) -> Phase:
    # What may be applying is never ended on a guess, and what is not yet may be.
    if run.state is RunState.APPLYING and run.applied_at is None:
        return Phase.PREPARING
    return _PHASES[run.state]
