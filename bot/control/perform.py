"""Drive one run from its claim to its end."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from bot.control.access import Access
from bot.control.job import Jobs, secrets_of
from bot.control.recorder import Recorder, insisting
from bot.control.secrecy import Secrecy, names_in
from bot.control.waiting import waiting
from bot.domain.errors import (
    Refusal,
    Refused,
    RoleSourceUnavailable,
    SecretUnavailable,
)
from bot.domain.people import HANDRAIL, Role, TeamId, UserId
from bot.domain.run import Reason, Run, RunId, RunState
from bot.domain.sentences import in_command, masked_in_part, not_maskable, unmasked
from bot.domain.stack import Catalog, Stack
from bot.domain.telling import Said
from bot.ports import Archive, Clock, Ended, Record
from runner.engine import Engine
from runner.events import Ending, Outcome
from runner.execute import execute, resume
from runner.job import Job, Limits, Phase
from runner.masking.masker import Masks
from runner.masking.secrets import Secret, partly_masked, unmaskable
from runner.seal import Seal
from runner.source import Sources

log = structlog.get_logger(__name__)

_REASONS: Final[Mapping[Ending, Reason]] = {
    Ending.TIMEOUT: Reason.TIMEOUT,
    Ending.SILENCE: Reason.SILENCE,
    Ending.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
    Ending.IMAGE: Reason.IMAGE,
    Ending.SOURCE: Reason.SOURCE,
    Ending.ENGINE: Reason.ENGINE,
    Ending.LOST: Reason.LOST,
}
_PHASES: Final[Mapping[RunState, Phase]] = {
    RunState.PREPARING: Phase.PREPARING,
    RunState.INITIALIZING: Phase.INITIALIZING,
    RunState.PERFORMING: Phase.PERFORMING,
}
_PARTIAL: Final = (
    "The command was cut off while it performed, so state may be partial: look at "
    "it before the next run."
)
_ENGINE: Final = (
    "On the bot's host, `handrail check` says what is wrong with the engine."
)
_NOT_BEGUN: Final = "Handrail itself failed before it began; its log says how."
_KEPT: Final = (
    "The container could not be proven gone, so the stack stays busy. Once it is "
    "gone, an admin can reply release: <reason>."
)


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
        """Start *run*, which is ready, and see it to its end."""
        started = await self._record.start(run.id, self._clock())
        if started is None:
            await self._tell_waiting(run)
            return
        try:
            stack = await self._allowed(started)
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

    async def again(self, run: Run, stop: asyncio.Event) -> None:
        """Take up *run*, which an earlier process of the bot had started.

        Its container carries what is to be masked, whatever the sources of the
        secrets would say by now.
        """
        await self._say(run, "Handrail was restarted; the run goes on.")
        kept = await insisting(lambda: self._archive.output_size(run.id))
        position = await insisting(lambda: self._archive.output_position(run.id))
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
                reached=_PHASES[run.state],
                position=position,
            )
            await self._settle(run, outcome, recorder)

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
            )
            await self._settle(run, outcome, recorder)

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

    async def _tell_waiting(self, run: Run) -> None:
        telling = await insisting(lambda: waiting(run, self._archive))
        await insisting(lambda: self._record.tell(run.thread, [telling]))

    async def _say(self, run: Run, text: str) -> None:
        await insisting(lambda: self._record.tell(run.thread, [Said(text=text)]))

    async def _allowed(self, run: Run) -> Stack:
        stack = self._catalog.stack(run.stack)
        person = await self._access.member(
            UserId(run.actor.id), TeamId(run.actor.team), fresh=True
        )
        await self._access.require(Role.WRITER, person, stack, fresh=True)
        return stack

    async def _masks(self, run: Run, stack: Stack, job: Job) -> Masks:
        """Return what hides the secrets of *job*, or refuse to run it."""
        secrets = secrets_of(job)
        # In threads, because a thousand secrets take seconds.
        masks = await asyncio.to_thread(self._secrecy.masks, stack, secrets)
        lacking = await asyncio.to_thread(unmaskable, secrets)
        if lacking and stack.strict_masking:
            raise Refused(not_maskable(stack.name, lacking), reason=Refusal.UNSAFE)
        if masks.text(run.command) != run.command:
            await self._take_back(run, masks)
            names = await asyncio.to_thread(names_in, run.command, secrets)
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

    async def _settle(self, run: Run, outcome: Outcome, recorder: Recorder) -> None:
        await recorder.settle()
        ended = _ended(outcome)
        await insisting(lambda: self._record.end(run.id, ended, self._clock()))
        log.info("run ended", run=run.id, state=ended.state, reason=ended.reason)

    async def _fail(self, run: Run, reason: Reason, note: str) -> None:
        self._to_hide.pop(run.id, None)
        note = self._secrecy.hidden(note)
        ended = Ended(state=RunState.FAILED, actor=HANDRAIL, reason=reason, note=note)
        await insisting(lambda: self._record.end(run.id, ended, self._clock()))


def _ended(outcome: Outcome) -> Ended:
    state, reason = _verdict(outcome)
    return Ended(
        state=state,
        actor=HANDRAIL,
        reason=reason,
        exit_code=outcome.exit_code,
        note=_note(outcome),
        release=outcome.container_gone,
    )


def _verdict(outcome: Outcome) -> tuple[RunState, Reason | None]:
    if outcome.ending is Ending.STOPPED:
        return RunState.STOPPED, None
    if outcome.ending is not Ending.EXITED:
        return RunState.FAILED, _REASONS[outcome.ending]
    if outcome.phase is not Phase.PERFORMING:
        return RunState.FAILED, Reason.INIT
    if outcome.exit_code == 0:
        return RunState.FINISHED, None
    return RunState.FAILED, Reason.EXIT_CODE


def _note(outcome: Outcome) -> str:
    cut_off = outcome.phase is Phase.PERFORMING and outcome.ending in (
        Ending.TIMEOUT,
        Ending.SILENCE,
        Ending.OUT_OF_MEMORY,
        Ending.ENGINE,
        Ending.LOST,
    )
    notes = (
        _sentence(outcome.note),
        _ENGINE if outcome.ending is Ending.ENGINE else "",
        _PARTIAL if cut_off else "",
        "" if outcome.container_gone else _KEPT,
    )
    return " ".join(filter(None, notes))


def _sentence(note: str) -> str:
    """Make the runner's note stand among sentences."""
    return f"{note[:1].upper()}{note[1:].removesuffix('.')}." if note else ""
