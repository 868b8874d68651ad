"""Make runs: whoever asks and from wherever, the same checks come first."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from bot.control.access import Access
from bot.control.hold_refusals import HoldRefusals
from bot.control.policing import Policing
from bot.control.presets import fitting, runnable
from bot.control.secrecy import Secrecy
from bot.control.unsafe import Known, refuse_secrets
from bot.domain.errors import QueueFull, Refusal, Refused, StoreUnavailable
from bot.domain.lock import keeper
from bot.domain.people import Actor, ChannelId, Role
from bot.domain.run import Run, RunId, RunType
from bot.domain.stack import Catalog, Stack
from bot.domain.state_lock import force_unlock_command
from bot.domain.task import PresetRequest, TaskRequest, check_command
from bot.ports import Archive, Clock, Directory, Idempotency, NewRun, Record
from runner.masking.masker import REPLACEMENT

log = structlog.get_logger(__name__)

_REDACTED: Final = REPLACEMENT.decode()


class Enlist:
    """Records a run for an actor, or refuses; auditing refusals is for who asks."""

    def __init__(  # noqa: PLR0913 - every check that comes before a run
        self,
        *,
        catalog: Catalog,
        access: Access,
        directory: Directory,
        record: Record,
        archive: Archive,
        clock: Clock,
        secrecy: Secrecy,
        policing: Policing,
        promote: Callable[[], Awaitable[None]],
        refusals: HoldRefusals,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._directory = directory
        self._record = record
        self._archive = archive
        self._clock = clock
        self._secrecy = secrecy
        self._policing = policing
        self._promote = promote
        self._refusals = refusals

    async def task(
        self,
        request: TaskRequest,
        actor: Actor,
        *,
        channel: ChannelId | None = None,
        idempotency: Idempotency | None = None,
        again: RunId | None = None,
        known: Known | None = None,
    ) -> Run:
        """Record a task. *channel* is where it is told unless the stack says so."""
        stack, role = await self._writable(request.stack, actor)
        earlier = await self._earlier(actor, idempotency)
        if earlier is not None:
            return earlier
        check_command(request.command, request.stack)
        await refuse_secrets(self._secrecy, request.command, stack, known or Known())
        await self._refuse_held(stack, actor, role)
        return await self._recorded(
            NewRun(
                stack=stack.name,
                command=request.command,
                skip_init=request.skip_init,
                actor=actor,
                channel=await self.place(stack, channel),
                remarks=request.remarks,
                again=again,
                idempotency=idempotency,
            ),
            stack,
        )

    async def preset(
        self,
        request: PresetRequest,
        actor: Actor,
        *,
        channel: ChannelId | None = None,
        idempotency: Idempotency | None = None,
        again: RunId | None = None,
        known: Known | None = None,
    ) -> Run:
        """Record a preset's command; who runs it need not be a writer."""
        stack = self._catalog.stack(request.stack)
        preset, role = await runnable(self._access, stack, request.preset, actor)
        earlier = await self._earlier(actor, idempotency)
        if earlier is not None:
            return earlier
        parameters = fitting(preset, request.parameters)
        texts = "\n".join((preset.command, *parameters.values()))
        await refuse_secrets(self._secrecy, texts, stack, known or Known())
        await self._refuse_held(stack, actor, role)
        return await self._recorded(
            NewRun(
                stack=stack.name,
                command=preset.command,
                skip_init=preset.skip_init,
                preset=preset.name,
                parameters=parameters,
                actor=actor,
                channel=await self.place(stack, channel),
                remarks=request.remarks,
                again=again,
                idempotency=idempotency,
            ),
            stack,
        )

    async def deploy(
        self,
        name: str,
        actor: Actor,
        *,
        channel: ChannelId | None = None,
        known: Known | None = None,
    ) -> Run:
        """Record a tracked run that Handrail performs."""
        stack, role = await self._writable(name, actor)
        if stack.deploy is None:
            raise Refused(
                f"{name} has no deploy. Give it one in handrail.yaml (deploy: plan and "
                f"apply), or send your command as a task: /task {name} <command>.",
                reason=Refusal.BAD_COMMAND,
            )
        commands = f"{stack.deploy.plan}\n{stack.deploy.apply}"
        await refuse_secrets(self._secrecy, commands, stack, known or Known())
        await self._refuse_held(stack, actor, role)
        return await self._recorded(
            NewRun(
                stack=stack.name,
                type=RunType.TRACKED,
                command=stack.deploy.plan,
                apply=stack.deploy.apply,
                skip_init=False,
                actor=actor,
                channel=await self.place(stack, channel),
            ),
            stack,
        )

    async def announce(
        self,
        name: str,
        command: str,
        actor: Actor,
        *,
        idempotency: Idempotency | None = None,
    ) -> Run:
        """Record a tracked run that an outside CI performs once it is its turn."""
        stack, _ = await self._writable(name, actor)
        earlier = await self._earlier(actor, idempotency)
        if earlier is not None:
            return earlier
        check_command(command, name)
        await refuse_secrets(self._secrecy, command, stack, Known())
        # A hold does not refuse it: whoever waits in a CI job waits for its turn.
        return await self._recorded(
            NewRun(
                stack=stack.name,
                type=RunType.TRACKED,
                outside=True,
                command=command,
                skip_init=True,
                actor=actor,
                channel=await self.place(stack, None),
                idempotency=idempotency,
            ),
            stack,
        )

    async def again(
        self,
        run: RunId,
        actor: Actor,
        *,
        stack: str = "",
        channel: ChannelId | None = None,
        known: Known | None = None,
    ) -> Run:
        """Record a run with the command of *run*, which must be one of *stack*.

        A preset is run as it is by now, with the parameters of *run*.
        """
        if stack:  # before a word of what was run there
            await self._refuse_strangers(run, stack, actor)
        earlier = await self._repeatable(run, stack)
        if earlier.type is RunType.TRACKED:
            return await self.deploy(earlier.stack, actor, channel=channel, known=known)
        remarks = (f"Run {run} once more, as {earlier.actor.name} had it run.",)
        if earlier.preset:
            preset = PresetRequest(
                stack=earlier.stack,
                preset=earlier.preset,
                parameters=earlier.parameters,
                remarks=remarks,
            )
            return await self.preset(
                preset, actor, channel=channel, again=run, known=known
            )
        request = TaskRequest(
            stack=earlier.stack,
            command=earlier.command,
            skip_init=earlier.skip_init,
            remarks=remarks,
        )
        return await self.task(request, actor, channel=channel, again=run, known=known)

    async def force_unlock(
        self, run: RunId, actor: Actor, *, channel: ChannelId | None = None
    ) -> Run:
        """Record the task that gives up the state lock that *run* ran into."""
        blocked = await self._archive.run(run)
        stack = self._catalog.stack(blocked.stack)
        await self._access.require(Role.ADMIN, actor, stack)
        if blocked.state_lock is None or not stack.program:
            raise Refused(
                f"Run {run} did not end because the state was locked, so there is "
                "nothing to force. Reply force-unlock in the thread of one that did.",
                reason=Refusal.TOO_LATE,
            )
        command = force_unlock_command(blocked.state_lock, stack.program)
        await refuse_secrets(self._secrecy, command, stack, Known())
        await self._refuse_held(stack, actor, Role.ADMIN)
        return await self._recorded(
            NewRun(
                stack=stack.name,
                command=command,
                skip_init=False,
                actor=actor,
                channel=await self.place(stack, channel),
                remarks=(f"The lock that run {run} ran into.",),
                own=True,
            ),
            stack,
        )

    async def place(self, stack: Stack, channel: ChannelId | None) -> ChannelId:
        """Return where a run of *stack* is told, or refuse: Handrail must be there."""
        where = stack.channel or channel
        if where is None:
            raise Refused(
                f"{stack.name} has no channel of its own, so there is no place where "
                "this would be recorded. Name one in handrail.yaml (channel, of the "
                "stack or of defaults).",
                reason=Refusal.CHANNEL,
            )
        if not await self._directory.is_present(where):
            raise Refused(
                "Handrail is not in the channel where this would be recorded. "
                "Invite it there (/invite @handrail) and send the command again.",
                reason=Refusal.CHANNEL,
            )
        return where

    async def _writable(self, name: str, actor: Actor) -> tuple[Stack, Role]:
        stack = self._catalog.stack(name)
        return stack, await self._access.require(Role.WRITER, actor, stack)

    async def _refuse_strangers(self, run: RunId, name: str, actor: Actor) -> None:
        """Refuse who is no writer, unless *run* is of a preset that they may run."""
        stack = self._catalog.stack(name)
        earlier = await self._found(run)
        if earlier is not None and earlier.stack == stack.name:
            preset = stack.presets.get(earlier.preset)
            if preset and await self._access.may_run(preset, actor, stack):
                return
        await self._access.require(Role.WRITER, actor, stack)

    async def _earlier(
        self, actor: Actor, idempotency: Idempotency | None
    ) -> Run | None:
        if idempotency is None:
            return None
        return await self._archive.granted(actor, idempotency)

    async def _repeatable(self, run: RunId, stack: str) -> Run:
        earlier = await self._found(run)
        if earlier is None or stack not in {"", earlier.stack}:
            raise Refused(
                f"Run {run} is none of {stack or 'these'}. /task {stack} shows the "
                "last runs with their numbers.",
                reason=Refusal.UNKNOWN_RUN,
            )
        if not earlier.state.is_terminal:
            raise Refused(
                f"Run {run} is {earlier.state} still. Send it again once it has ended.",
                reason=Refusal.TOO_LATE,
            )
        if earlier.outside:
            raise Refused(
                f"Run {run} was performed by a CI job, not by Handrail. Start that "
                "job again.",
                reason=Refusal.BAD_COMMAND,
            )
        if any(_REDACTED in it for it in (earlier.command, earlier.asked)):
            raise Refused(
                f"Something in the command of run {run} is hidden ({_REDACTED}), so it "
                "cannot be run again as it was. Send the command anew.",
                reason=Refusal.BAD_COMMAND,
            )
        return earlier

    async def _found(self, run: RunId) -> Run | None:
        try:
            return await self._archive.run(run)
        except LookupError:
            return None

    async def _refuse_held(self, stack: Stack, actor: Actor, role: Role) -> None:
        occupancy = await self._archive.occupancy(stack.name)
        hold = keeper(occupancy, actor, above=self._catalog.above)
        if hold is not None:
            raise self._refusals.held(actor, role, hold, asked=stack.name)

    async def _recorded(self, new: NewRun, stack: Stack) -> Run:
        admitted = await self._policing.admitted(new, stack)
        try:
            run = await self._record.submit(admitted, self._clock())
        except QueueFull as full:
            raise Refused(
                f"{full}, which is as many as may wait. Try again when some of them "
                f"have ended; /task {new.stack} shows them.",
                reason=Refusal.TOO_OFTEN,
            ) from full
        # The run is recorded: whatever fails from here on, it is not refused.
        try:
            await self._promote()
            return await self._archive.run(run.id)
        except StoreUnavailable as away:
            log.warning("store away, run waits", run=run.id, error=str(away))
            return run
