"""Whether a run may begin, and what is to be hidden of it."""

import asyncio
from contextlib import suppress
from itertools import chain, repeat
from typing import Final

import structlog

from bot.control.job import secrets_of
from bot.control.means import Means
from bot.control.presets import unchanged
from bot.control.recorder import insisting
from bot.control.secrecy import names_in
from bot.domain.errors import Refusal, Refused, RoleSourceUnavailable
from bot.domain.people import HANDRAIL, Actor, Role
from bot.domain.run import Run
from bot.domain.sentences import in_command, masked_in_part, not_maskable, unmasked
from bot.domain.stack import Stack
from bot.domain.telling import Said
from bot.ports import Record
from runner.job import Job
from runner.masking.masker import Masks
from runner.masking.secrets import partly_masked, unmaskable

log = structlog.get_logger(__name__)

#: seconds between questions to a Slack that is away
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0)
_LONGEST_PAUSE: Final = 30.0
_ASKED_AGAIN: Final = (
    "Slack is asked again until it answers; until then nothing starts, and stop ends "
    "the run."
)


class Stopped(Exception):
    """The run was asked to stop before it began."""


class Admission:
    """Of one run, each time that it is to begin: everything is asked for anew."""

    def __init__(
        self, means: Means, record: Record, run: Run, stop: asyncio.Event
    ) -> None:
        """Tell the thread of *run* through *record*, until *stop* is set."""
        self._means = means
        self._record = record
        self._run = run
        self._stop = stop

    async def stack(self) -> Stack:
        """Return the stack, once its people could be asked for and may run on it.

        A Slack that is away is asked again; whoever waits is told so, once. Raises
        Refused, Stopped, and RoleSourceUnavailable where asking again is no use.
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
                    await self.say(f"{unheard} {_ASKED_AGAIN}")
                    is_told = True
                await self.pause(max(pause, unheard.again_in))
        raise AssertionError("it is asked for ever")

    async def masks(self, stack: Stack, job: Job) -> Masks:
        """Return what hides the secrets of *job*, or refuse to run it."""
        run, secrets = self._run, secrets_of(job)
        # In threads, because a thousand secrets take seconds.
        masks = await asyncio.to_thread(self._means.secrecy.masks, stack, secrets)
        lacking = await asyncio.to_thread(unmaskable, secrets)
        if lacking and stack.strict_masking:
            raise Refused(not_maskable(stack.name, lacking), reason=Refusal.UNSAFE)
        commands = "\n".join((run.command, run.apply, *run.parameters.values()))
        if masks.text(commands) != commands:
            await self._take_back(masks)
            names = await asyncio.to_thread(names_in, commands, secrets)
            raise Refused(in_command(names), reason=Refusal.UNSAFE)
        if lacking:
            await self.say(unmasked(lacking))
        if partly := partly_masked(secrets):
            await self.say(masked_in_part(partly))
        return masks

    async def say(self, text: str) -> None:
        """Tell the thread a sentence of Handrail's own."""
        said = [Said(text=text)]
        await insisting(lambda: self._record.tell(self._run.thread, said))

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds, or raise Stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
            raise Stopped

    async def _allowed(self) -> Stack:
        run, access = self._run, self._means.access
        stack = self._means.catalog.stack(run.stack)
        for actor in filter(None, (run.actor, run.confirmed_by)):
            await access.still(actor)
            await self._refuse_others(actor, stack)
        await self._means.consent.require(run, stack)
        return stack

    async def _refuse_others(self, actor: Actor, stack: Stack) -> None:
        access, run = self._means.access, self._run
        if not run.preset:
            await access.require(Role.WRITER, actor, stack, fresh=True)
            return
        preset = unchanged(run, stack)
        await access.require_runner(preset, actor, stack, fresh=True)

    async def _take_back(self, masks: Masks) -> None:
        """Hide what the command says: a secret came to be it since it was typed."""
        run, why, at = self._run.id, "the command held a secret", self._means.clock()
        await insisting(lambda: self._record.redact(run, masks, HANDRAIL, at, why=why))
