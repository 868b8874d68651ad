"""Take a `/task`: from its text to a recorded run, a card, or a refusal."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

import structlog

from bot.control.access import Access
from bot.control.secrecy import About, Secrecy
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


@dataclass(slots=True)
class _Known:
    """What must not be said of the stack, once it is known who asks."""

    about: About | None = None


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
        known = _Known()
        try:
            return await self._granted(slash, known)
        except RoleSourceUnavailable as unheard:
            refusal = Refused(
                f"{unheard} Nothing was run. Try again in a minute.",
                reason=Refusal.UNAVAILABLE,
            )
            await self._note(refusal, slash, known.about)
            raise refusal from unheard
        except Refused as refusal:
            await self._note(refusal, slash, known.about)
            raise

    async def _granted(self, slash: Slash, known: "_Known") -> Answer:
        person = await self._access.member(slash.user, slash.team)
        request = parse(slash.text)
        match request:
            case HelpRequest():
                return request
            case CardRequest():
                return await self._card(request, person, slash.channel)
            case TaskRequest():
                return await self._task(request, person, slash.channel, known)
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
        self, request: TaskRequest, person: Person, channel: ChannelId, known: "_Known"
    ) -> Accepted:
        stack = self._catalog.stack(request.stack)
        role = await self._access.require(Role.WRITER, person, stack)
        # Only now: for who may nothing, no program is run that reads a secret.
        known.about = await self._secrecy.about(stack)
        await self._refuse_secrets(request, stack, known.about)
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

    async def _refuse_secrets(
        self, request: TaskRequest, stack: Stack, about: About
    ) -> None:
        """Refuse what would put a secret into the record, or could not mask one."""
        if about.unread:
            raise Refused(
                f"{about.unread} So nothing was run.", reason=Refusal.UNAVAILABLE
            )
        if stack.strict_masking and about.lacking:
            sentence = not_maskable(stack.name, about.lacking)
            raise Refused(sentence, reason=Refusal.UNSAFE)
        if about.text(request.command) != request.command:
            names = await asyncio.to_thread(about.names_in, request.command)
            raise Refused(self._telling(names), reason=Refusal.UNSAFE)

    def _telling(self, names: tuple[str, ...]) -> str:
        if {secret.name for secret in self._secrecy.own}.intersection(names):
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

    async def _note(self, refusal: Refused, slash: Slash, about: About | None) -> None:
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=Actor(kind=ActorKind.PERSON, id=slash.user, team=slash.team),
                at=self._clock(),
                detail=f"{refusal.reason}: /task {await self._kept(slash.text, about)}",
            )
        )

    async def _kept(self, text: str, about: About | None) -> str:
        """Return what is kept of what somebody typed."""
        if about is not None:
            return about.text(text)
        named, _, rest = text.strip().partition(" ")
        stack = self._catalog.stacks.get(StackName(named))
        kept = await self._secrecy.of_anybody(rest or named, stack)
        return f"{named} {kept}" if rest else kept
