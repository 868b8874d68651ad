"""Drive one run from its claim to its end."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from bot.control.access import Access
from bot.control.job import Jobs, is_planned, secrets_of
from bot.control.recorder import Recorder, insisting
from bot.control.secrecy import Secrecy, names_in
from bot.control.verdict import ended_of, lacks_plan, plan_of, unproven
from bot.domain.errors import (
    IllegalTransition,
    Refusal,
    Refused,
    RoleSourceUnavailable,
    SecretUnavailable,
)
from bot.domain.people import HANDRAIL, Role
from bot.domain.run import Reason, Run, RunId, RunState, RunType
from bot.domain.sentences import in_command, masked_in_part, not_maskable, unmasked
from bot.domain.stack import Catalog, Stack
from bot.domain.state_lock import StateLock, state_lock_in
from bot.domain.telling import Said
from bot.ports import Archive, Clock, Ended, Record
from runner.engine import Engine
from runner.events import Outcome
from runner.execute import GRACE, execute, resume
from runner.job import Job, Limits, Phase
from runner.masking.masker import Masks
from runner.masking.secrets import Secret, partly_masked, unmaskable
from runner.seal import Seal
from runner.source import Sources

log = structlog.get_logger(__name__)

_PHASES: Final[Mapping[RunState, Phase]] = {
    RunState.PREPARING: Phase.PREPARING,
    RunState.INITIALIZING: Phase.INITIALIZING,
    RunState.PERFORMING: Phase.PERFORMING,
    RunState.PLANNING: Phase.PERFORMING,
    RunState.APPLYING: Phase.PERFORMING,
}
_NOT_APPLIED: Final = "Nothing was applied. Send /deploy again for a new plan."
_NO_PLAN: Final = (
    "The plan could not be taken out of its container: there is no file at "
    "$HANDRAIL_PLAN, or it is larger than 16 MiB. So nothing can be confirmed."
)
_NO_CHANGES: Final = "The plan changes nothing, so there is nothing to apply."
#: for a plan that was stopped to give the state's lock back; nothing is changed by it
_PLANNING_GRACE: Final = timedelta(seconds=60)
#: bytes at the end of the output in which a state lock is looked for
_SEARCHED: Final = 64 << 10
_NOT_BEGUN: Final = "Handrail itself failed before it began; its log says how."


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What runs are carried out with."""

    engine: Engine
    sources: Sources
    seal: Seal  #: of what containers carry


class Perform:
    """Starts a ready run, or takes up an active one that a crash left behind.

    Cancelling it means that the bot goes away: the container is left running,
    and `again` finds it.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        record: Record,
        archive: Archive,
        jobs: Jobs,
        secrecy: Secrecy,
        equipment: Equipment,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._record = record
        self._archive = archive
        self._jobs = jobs
        self._secrecy = secrecy
        self._equipment = equipment
        self._clock = clock
        self._followed: dict[RunId, tuple[Masks, Recorder]] = {}
        #: what was asked to be hidden of runs that are not followed yet
        self._to_hide: dict[RunId, list[Secret]] = {}

    async def __call__(self, run: Run, stop: asyncio.Event) -> None:
        """Start *run*, which is ready or confirmed, and see it to its end.

        That of a tracked run which is ready is its plan.
        """
        started = await self._started(run)
        if started is None:
            return
        try:
            stack = await insisting(lambda: self._allowed(started))
            job = await self._jobs.make(started, stack)
            masks = await self._masks(started, stack, job)
        except Refused as refusal:
            await self._fail(started, Reason.REJECTED, str(refusal))
        except RoleSourceUnavailable as unheard:
            note = f"{unheard} In doubt nothing starts."
            await self._fail(started, Reason.REJECTED, note)
        except SecretUnavailable as missing:
            await self._fail(started, Reason.CREDENTIALS, str(missing))
        except Exception:
            # No container was asked for, so whatever it was, the stack is free.
            log.exception("run not begun", run=run.id)
            await self._fail(started, Reason.ENGINE, _NOT_BEGUN)
        else:
            await self._execute(started, job, masks, stop)

    async def _started(self, run: Run) -> Run | None:
        """Move *run* on; None where a hold keeps it from starting by now."""
        try:
            if run.state is RunState.UNCONFIRMED:
                return await self._record.apply(run.id, self._clock())
            return await self._record.start(run.id, self._clock())
        except IllegalTransition as late:
            log.info("another hand was first", run=run.id, because=str(late))
            return None

    async def again(self, run: Run, stop: asyncio.Event) -> None:
        """Take up *run*, which an earlier process of the bot had started.

        Its container carries what is to be masked, whatever the sources of the
        secrets would say by now.
        """
        await self._say(run, "Handrail was restarted; the run goes on.")
        kept = await insisting(lambda: self._archive.output_size(run.id))
        read = await insisting(lambda: self._archive.output_position(run.id))
        masks = self._secrecy.masks(self._catalog.stacks.get(run.stack))
        recorder = self._recorder(run, masks, stop, kept=kept)
        async with self._following(run, masks, recorder):
            outcome = await resume(
                str(run.id),
                self._jobs.installation,
                self._equipment.engine,
                recorder,
                limits=self._limits(run),
                masks=masks,
                seal=self._equipment.seal,
                stop=stop,
                reached=_reached(run),
                grace=_grace(run),
                position=max(0, read - run.applied_from),
            )
            await self._settle(run, outcome, recorder, masks)

    async def hide(self, run: RunId, secret: Secret) -> None:
        """Hide *secret* in what *run* prints from here on."""
        if run in self._followed:
            masks, recorder = self._followed[run]
            await asyncio.to_thread(masks.learn, (secret,))
            await recorder.flush()
        elif not (await self._archive.run(run)).state.is_terminal:
            self._to_hide.setdefault(run, []).append(secret)

    async def _execute(
        self, run: Run, job: Job, masks: Masks, stop: asyncio.Event
    ) -> None:
        recorder = self._recorder(run, masks, stop)
        async with self._following(run, masks, recorder):
            outcome = await execute(
                job,
                self._equipment.engine,
                recorder,
                masks=masks,
                seal=self._equipment.seal,
                stop=stop,
                sources=self._equipment.sources,
                grace=_grace(run),
            )
            await self._settle(run, outcome, recorder, masks)

    def _recorder(
        self, run: Run, masks: Masks, stop: asyncio.Event, *, kept: int = 0
    ) -> Recorder:
        return Recorder(
            run,
            self._record,
            self._clock,
            stop,
            masks=masks,
            limit=self._limits(run).output,
            kept=kept,
        )

    @asynccontextmanager
    async def _following(
        self, run: Run, masks: Masks, recorder: Recorder
    ) -> AsyncIterator[None]:
        """Let the bot hide what *masks* hide, and hear what else is to be hidden."""
        masks.learn(self._to_hide.pop(run.id, ()))
        self._followed[run.id] = masks, recorder
        try:
            with self._secrecy.keeping(run.stack, masks):
                async with recorder:
                    yield
        finally:
            del self._followed[run.id]

    def _limits(self, run: Run) -> Limits:
        stack = self._catalog.stacks.get(run.stack)
        return Limits() if stack is None else stack.limits

    async def _say(self, run: Run, text: str) -> None:
        await insisting(lambda: self._record.tell(run.thread, [Said(text=text)]))

    async def _allowed(self, run: Run) -> Stack:
        stack = self._catalog.stack(run.stack)
        for actor in filter(None, (run.actor, run.confirmed_by)):
            await self._access.still(actor)
            await self._access.require(Role.WRITER, actor, stack, fresh=True)
        return stack

    async def _masks(self, run: Run, stack: Stack, job: Job) -> Masks:
        """Return what hides the secrets of *job*, or refuse to run it."""
        secrets = secrets_of(job)
        # In threads, because a thousand secrets take seconds.
        masks = await asyncio.to_thread(self._secrecy.masks, stack, secrets)
        lacking = await asyncio.to_thread(unmaskable, secrets)
        if lacking and stack.strict_masking:
            raise Refused(not_maskable(stack.name, lacking), reason=Refusal.UNSAFE)
        commands = f"{run.command}\n{run.apply}"
        if masks.text(commands) != commands:
            await self._take_back(run, masks)
            names = await asyncio.to_thread(names_in, commands, secrets)
            raise Refused(in_command(names), reason=Refusal.UNSAFE)
        if lacking:
            await self._say(run, unmasked(lacking))
        if partly := partly_masked(secrets):
            await self._say(run, masked_in_part(partly))
        return masks

    async def _take_back(self, run: Run, masks: Masks) -> None:
        """Hide what the command says: a secret came to be it since it was typed."""
        why = "the command held a secret"
        await insisting(
            lambda: self._record.redact(run.id, masks, HANDRAIL, self._clock(), why=why)
        )

    async def _settle(
        self, run: Run, outcome: Outcome, recorder: Recorder, masks: Masks
    ) -> None:
        await recorder.settle()
        ended = ended_of(outcome, changes=not is_planned(run))
        if ended.state is RunState.FAILED:
            ended = replace(ended, state_lock=await self._state_lock(run))
        if is_planned(run) and ended.state is RunState.FINISHED:
            await self._plan(run, outcome, masks)
            return
        if run.state is RunState.APPLYING and outcome.phase is not Phase.PERFORMING:
            ended = replace(ended, note=f"{ended.note} {_NOT_APPLIED}".strip())
        await self._end(run, ended)

    async def _plan(self, run: Run, outcome: Outcome, masks: Masks) -> None:
        """Have the plan that was made wait for a writer, if it would change much."""
        if not outcome.container_gone:
            await self._end(run, unproven(outcome))
            return
        if lacks_plan(run, outcome):
            await self._fail(run, Reason.ENGINE, _NO_PLAN)
            return
        made = await asyncio.to_thread(plan_of, outcome, masks)
        if made is None:
            finished = replace(ended_of(outcome, changes=False), note=_NO_CHANGES)
            await self._end(run, finished)
            return
        # What was learned by now is to be hidden from what applies it, too.
        self._to_hide.setdefault(run.id, []).extend(masks.secrets)
        await insisting(lambda: self._record.planned(run.id, made, self._clock()))
        log.info("run planned", run=run.id)

    async def _end(self, run: Run, ended: Ended) -> None:
        await insisting(lambda: self._record.end(run.id, ended, self._clock()))
        if run.type is RunType.TRACKED and ended.release:
            # Its plan may hold secrets; what is not forgotten now is swept later.
            await self._equipment.engine.forget_workspace(
                str(run.id), self._jobs.installation
            )
        log.info("run ended", run=run.id, state=ended.state, reason=ended.reason)

    async def _state_lock(self, run: Run) -> StateLock | None:
        last = await insisting(lambda: self._archive.tail(run.id, _SEARCHED))
        return state_lock_in(last)

    async def _fail(self, run: Run, reason: Reason, note: str) -> None:
        self._to_hide.pop(run.id, None)
        note = self._secrecy.hidden(note)
        ended = Ended(state=RunState.FAILED, actor=HANDRAIL, reason=reason, note=note)
        await insisting(lambda: self._record.end(run.id, ended, self._clock()))


def _grace(run: Run) -> timedelta:
    return _PLANNING_GRACE if is_planned(run) else GRACE


def _reached(run: Run) -> Phase:
    # What may be applying is never ended on a guess, and what is not yet may be.
    if run.state is RunState.APPLYING and run.applied_at is None:
        return Phase.PREPARING
    return _PHASES[run.state]
