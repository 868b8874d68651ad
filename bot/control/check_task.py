"""Tell what would become of a command, without recording it."""

from dataclasses import dataclass, replace

from bot.control.access import Access
from bot.control.enlist import Enlist
from bot.control.hold_refusals import HoldRefusals
from bot.control.policing import Policing
from bot.control.presets import fitting, runnable
from bot.control.secrecy import Secrecy
from bot.control.unsafe import Known, refuse_secrets
from bot.domain.errors import PolicyUnavailable, Refusal, Refused
from bot.domain.lock import Occupancy, keeper
from bot.domain.opinion import Opinion, Stance, together
from bot.domain.people import Actor, ChannelId, Role
from bot.domain.preset_call import written_call
from bot.domain.sentences import status
from bot.domain.stack import Catalog, Stack, StackName
from bot.domain.task import CheckRequest, PresetRequest, TaskRequest
from bot.ports import Archive, NewRun

#: what is told as an answer: who may look may know that they may do no more
_ANSWERS = frozenset({Refusal.NOT_ALLOWED, Refusal.CHANNEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What would become of a command, if it were sent now."""

    stack: StackName
    asked: str = ""  #: the line behind the stack; empty where they may not send it
    #: why it would be refused, rules and policies aside; empty: it would not
    refusal: str = ""
    opinions: tuple[Opinion, ...] = ()
    held: str = ""  #: who keeps them from it for now, and what they can do
    now: str = ""  #: what runs and waits there

    @property
    def stance(self) -> Stance:
        """Return how all rules stand to it, whoever holds the stack."""
        return Stance.REFUSES if self.refusal else together(self.opinions)


class CheckTask:
    """Answers readers; the checks are those that come before a run."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        archive: Archive,
        secrecy: Secrecy,
        enlist: Enlist,
        policing: Policing,
        refusals: HoldRefusals,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._archive = archive
        self._secrecy = secrecy
        self._enlist = enlist
        self._policing = policing
        self._refusals = refusals

    async def __call__(
        self, request: CheckRequest, actor: Actor, channel: ChannelId, known: Known
    ) -> Checked:
        """Return what would become of it, or raise Refused for who may not look.

        Raises RoleSourceUnavailable. What contains a secret is refused, too.
        """
        stack = self._catalog.stack(request.asked.stack)
        role = await self._looking(request.asked, actor, stack)
        try:
            new, asked = await self._imagined(
                request.asked, actor, stack, channel, known
            )
        except Refused as refused:
            if refused.reason not in _ANSWERS:
                raise
            return Checked(stack=stack.name, refusal=str(refused))
        now = await self._now(role, stack)
        checked = Checked(stack=stack.name, asked=asked, now=now)
        held = await self._held(actor, role, stack)
        try:
            opinions = await self._policing.opinions(new, stack)
        except PolicyUnavailable as unknown:
            return replace(checked, refusal=str(unknown), held=held)
        return replace(checked, opinions=opinions, held=held)

    async def _looking(
        self, asked: TaskRequest | PresetRequest, actor: Actor, stack: Stack
    ) -> Role:
        """Return the role of *actor*, or refuse who may not even look."""
        if isinstance(asked, PresetRequest):
            return (await runnable(self._access, stack, asked.preset, actor))[1]
        return await self._access.require(Role.READER, actor, stack)

    async def _imagined(
        self,
        asked: TaskRequest | PresetRequest,
        actor: Actor,
        stack: Stack,
        channel: ChannelId,
        known: Known,
    ) -> tuple[NewRun, str]:
        """Return the run that it would become, and the line that asks for it."""
        if isinstance(asked, PresetRequest):
            preset, _ = await runnable(self._access, stack, asked.preset, actor)
            parameters = fitting(preset, asked.parameters)
            line = written_call(preset.name, parameters)
            command, skip_init = preset.command, preset.skip_init
            texts = "\n".join((command, *parameters.values()))
        else:
            await self._access.require(Role.WRITER, actor, stack)
            parameters, line = {}, asked.command
            command, skip_init = asked.command, asked.skip_init
            texts = command
        await refuse_secrets(self._secrecy, texts, stack, known)
        new = NewRun(
            stack=stack.name,
            command=command,
            skip_init=skip_init,
            preset=asked.preset if isinstance(asked, PresetRequest) else "",
            parameters=parameters,
            actor=actor,
            channel=await self._enlist.place(stack, channel),
            session=await self._policing.session(actor, stack),
        )
        return new, line

    async def _held(self, actor: Actor, role: Role, stack: Stack) -> str:
        occupancy = await self._archive.occupancy(stack.name)
        hold = keeper(occupancy, actor, above=self._catalog.above)
        if hold is None:
            return ""
        return str(self._refusals.held(actor, role, hold, asked=stack.name))

    async def _now(self, role: Role, stack: Stack) -> str:
        claim = (await self._archive.occupancy(stack.name)).claim
        if role < Role.READER:  # whoever may run a preset may not know who runs what
            return f"{stack.name} is {'free' if claim is None else 'busy'}."
        running = None if claim is None else await self._archive.run(claim.run)
        queue = await self._archive.queue(stack.name)
        return status(stack.name, Occupancy(claim=claim), running, queue)
