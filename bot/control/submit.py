"""Take a `/task`: from its text to a recorded run, a card, or a refusal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

import structlog

from bot.control.access import Access
from bot.control.secrecy import Secrecy, names_within
from bot.control.waiting import waiting
from bot.domain.audit import Deed, Verb
from bot.domain.errors import (
    Refusal,
    Refused,
    RoleSourceUnavailable,
    StoreUnavailable,
)
from bot.domain.lock import admits
from bot.domain.people import Actor, ActorKind, ChannelId, Person, Role, TeamId, UserId
from bot.domain.run import Run, RunState
from bot.domain.sentences import held_by_another, in_command, not_maskable
from bot.domain.stack import Catalog, Stack, StackName
from bot.domain.task import CardRequest, HelpRequest, TaskRequest, parse
from bot.ports import Archive, Clock, DeliveryKey, Directory, NewRun, Record, Thread
from runner.masking.masker import Masks
from runner.masking.secrets import unmaskable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slash:
    """A slash command as it was delivered."""

    key: DeliveryKey
    text: str
    user: UserId
    team: TeamId
    channel: ChannelId


@dataclass(frozen=True, slots=True)
class Repeated:
    """The delivery had been taken before; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The command became a run, which is told in *channel*."""

    run: Run
    channel: ChannelId


Answer = Accepted | Thread | HelpRequest | Repeated


class Submit:
    """One slash command makes at most one run, however often it is delivered."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        directory: Directory,
        record: Record,
        archive: Archive,
        clock: Clock,
        secrecy: Secrecy,
        promote: Callable[[], Awaitable[None]],
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._directory = directory
        self._record = record
        self._archive = archive
        self._clock = clock
        self._secrecy = secrecy
        self._promote = promote

    async def __call__(self, slash: Slash) -> Answer:
        """Do what *slash* asks for, or raise Refused with an audit row behind it."""
        if not await self._record.first_seen(slash.key, self._clock()):
            return Repeated()
        try:
            return await self._granted(slash)
        except RoleSourceUnavailable as unheard:
            refusal = Refused(
                f"{unheard} Nothing was run. Try again in a minute.",
                reason=Refusal.UNAVAILABLE,
            )
            await self._note(refusal, slash)
            raise refusal from unheard
        except Refused as refusal:
            await self._note(refusal, slash)
            raise

    async def _granted(self, slash: Slash) -> Answer:
        person = await self._access.member(slash.user, slash.team)
        request = parse(slash.text)
        match request:
            case HelpRequest():
                return request
            case CardRequest():
                return await self._card(request, person, slash.channel)
            case TaskRequest():
                return await self._task(request, person, slash.channel)
            case _:
                assert_never(request)

    async def _card(
        self, request: CardRequest, person: Person, channel: ChannelId
    ) -> Thread:
        stack = self._catalog.stack(request.stack)
        await self._access.require(Role.READER, person, stack)
        await self._require_presence(stack.channel or channel)
        return await self._record.open_card(stack.name, stack.channel or channel)

    async def _task(
        self, request: TaskRequest, person: Person, channel: ChannelId
    ) -> Accepted:
        stack = self._catalog.stack(request.stack)
        role = await self._access.require(Role.WRITER, person, stack)
        await self._refuse_secrets(request, stack)
        await self._refuse_held(stack, person.actor, role)
        where = stack.channel or channel
        await self._require_presence(where)
        run = await self._record.submit(
            NewRun(
                stack=stack.name,
                command=request.command,
                skip_init=request.skip_init,
                actor=person.actor,
                channel=where,
                remarks=request.remarks,
            ),
            self._clock(),
        )
        await self._set_going(run)
        return Accepted(run=run, channel=where)

    async def _refuse_held(self, stack: Stack, actor: Actor, role: Role) -> None:
        hold = (await self._archive.occupancy(stack.name)).hold
        if hold is not None and not admits(hold, actor):
            raise Refused(
                held_by_another(hold, role, self._clock()), reason=Refusal.HELD
            )

    async def _refuse_secrets(self, request: TaskRequest, stack: Stack) -> None:
        """Refuse what would put a secret into the record, or could not mask one."""
        masks = await self._secrecy.about(stack)
        lacking = unmaskable(masks.secrets)
        if stack.strict_masking and lacking:
            raise Refused(not_maskable(stack.name, lacking), reason=Refusal.UNSAFE)
        if masks.text(request.command) != request.command:
            raise Refused(self._telling(request, masks), reason=Refusal.UNSAFE)

    def _telling(self, request: TaskRequest, masks: Masks) -> str:
        own = {secret.name for secret in self._secrecy.own}
        names = names_within(request.command, masks)
        if own.intersection(names):
            return (
                "The command contains one of Handrail's own tokens, so it was "
                "neither run nor recorded. Replace that token now, and take it "
                "out of the command."
            )
        return in_command(names)

    async def _require_presence(self, channel: ChannelId) -> None:
        if not await self._directory.is_present(channel):
            raise Refused(
                "Handrail is not in the channel where this would be recorded. "
                "Invite it there (/invite @handrail) and send the command again.",
                reason=Refusal.CHANNEL,
            )

    async def _set_going(self, run: Run) -> None:
        # The run is recorded: whatever fails from here on, it is not refused.
        try:
            await self._promote()
            now = await self._archive.run(run.id)
            if now.state is RunState.QUEUED:
                telling = await waiting(now, self._archive)
                await self._record.tell(run.thread, [telling])
        except StoreUnavailable as away:
            log.warning("store away, run waits", run=run.id, error=str(away))

    async def _note(self, refusal: Refused, slash: Slash) -> None:
        masks = await self._masks(refusal, slash)
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=Actor(kind=ActorKind.PERSON, id=slash.user, team=slash.team),
                at=self._clock(),
                detail=masks.text(f"{refusal.reason}: /task {slash.text}"),
            )
        )

    async def _masks(self, refusal: Refused, slash: Slash) -> Masks:
        """Return what hides secrets in what somebody typed.

        Who may nothing makes no program run that reads a secret.
        """
        named = slash.text.strip().split(maxsplit=1)[:1]
        stack = self._catalog.stacks.get(StackName("".join(named)))
        if stack is None or refusal.reason is Refusal.NOT_ALLOWED:
            return self._secrecy.masks(stack)
        return await self._secrecy.about(stack)
