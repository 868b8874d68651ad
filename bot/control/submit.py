"""Take a `/task` or a `/deploy`: from its text to a recorded run, or a refusal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

import structlog

from bot.control.access import Access
from bot.control.check_task import Checked, CheckTask
from bot.control.enlist import Enlist
from bot.control.history import History, HistoryPage
from bot.control.secrecy import About, Secrecy
from bot.control.unsafe import Known
from bot.domain.audit import Deed, Verb
from bot.domain.errors import Refused, RoleSourceUnavailable, StoreUnavailable
from bot.domain.people import (
    Actor,
    ActorKind,
    ChannelId,
    Person,
    Role,
    TeamId,
    UserId,
)
from bot.domain.run import Run, RunId
from bot.domain.stack import Catalog, StackName
from bot.domain.task import (
    AgainRequest,
    CardRequest,
    CheckRequest,
    DeployRequest,
    HelpRequest,
    HistoryRequest,
    PresetRequest,
    TaskRequest,
    parse,
    parse_deploy,
)
from bot.ports import Clock, DeliveryKey, Record, Sent, Thread

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


Answer = Accepted | Thread | HistoryPage | Checked | HelpRequest | Repeated

#: is told that what somebody sent cannot be lost without a word any more
Noted = Callable[[], None]


def _nobody() -> None:
    """Tell nobody."""


_Grant = Callable[[Slash, Person, Known], Awaitable[Answer]]


class Submit:
    """One slash command makes at most one run, however often it is delivered."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        record: Record,
        clock: Clock,
        secrecy: Secrecy,
        enlist: Enlist,
        history: History,
        check: CheckTask,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._record = record
        self._clock = clock
        self._secrecy = secrecy
        self._enlist = enlist
        self._history = history
        self._check = check

    async def __call__(self, slash: Slash, noted: Noted = _nobody) -> Answer:
        """Do what a `/task` asks for, or raise Refused, on the record.

        *noted* is called once whoever sent it is told where the bot dies over it.
        """
        sent = Sent(by=slash.user, command="/task")
        return await self._once(slash, sent.command, self._task, sent, noted)

    async def deploy(self, slash: Slash, noted: Noted = _nobody) -> Answer:
        """Do what a `/deploy` asks for, as with a `/task`."""
        sent = Sent(by=slash.user, command="/deploy")
        return await self._once(slash, sent.command, self._deploy, sent, noted)

    async def older(self, slash: Slash, before: RunId) -> Answer:
        """Show the page of history behind *before*, or raise Refused, on the record.

        The text is `history <stack>`.
        """

        async def page(slash: Slash, person: Person, _: Known) -> Answer:
            stack = slash.text.partition(" ")[2]
            request = HistoryRequest(stack=stack, before=before)
            return await self._history(request, person.actor)

        return await self._once(slash, "/task", page)

    async def _once(
        self,
        slash: Slash,
        command: str,
        grant: _Grant,
        sent: Sent | None = None,
        noted: Noted = _nobody,
    ) -> Answer:
        if not await self._record.first_seen(slash.key, self._clock(), sent):
            return Repeated()
        noted()
        with self._record.answering(slash.key):
            answer = await self._answer(slash, command, grant)
        if not isinstance(answer, Accepted | Thread):
            await self._shown(slash)
        return answer

    async def _shown(self, slash: Slash) -> None:
        """Note that what only reads is done."""
        try:
            await self._record.answered(slash.key)
        except StoreUnavailable as away:
            # It is shown all the same; at worst somebody is told to send it again.
            log.warning("answer not noted", key=slash.key, error=str(away))

    async def _answer(self, slash: Slash, command: str, grant: _Grant) -> Answer:
        known = Known()
        try:
            person = await self._access.member(slash.user, slash.team)
            return await grant(slash, person, known)
        except RoleSourceUnavailable as unheard:
            refusal = unheard.refused("run")
            await self._note(refusal, slash, command, known.about)
            raise refusal from unheard
        except Refused as refusal:
            await self._note(refusal, slash, command, known.about)
            raise

    async def _task(self, slash: Slash, person: Person, known: Known) -> Answer:
        request = parse(slash.text, is_stack=self._catalog.stacks.__contains__)
        match request:
            case HelpRequest():
                return request
            case HistoryRequest():
                return await self._history(request, person.actor)
            case CheckRequest():
                return await self._check(request, person.actor, slash.channel, known)
            case CardRequest():
                return await self._card(request, person.actor, slash.channel)
            case TaskRequest():
                run = await self._enlist.task(
                    request, person.actor, channel=slash.channel, known=known
                )
            case PresetRequest():
                run = await self._enlist.preset(
                    request, person.actor, channel=slash.channel, known=known
                )
            case AgainRequest():
                run = await self._enlist.again(
                    request.run,
                    person.actor,
                    stack=request.stack,
                    channel=slash.channel,
                    known=known,
                )
            case _:
                assert_never(request)
        return self._accepted(run, slash)

    async def _deploy(self, slash: Slash, person: Person, known: Known) -> Answer:
        request = parse_deploy(slash.text)
        match request:
            case HelpRequest():
                return request
            case DeployRequest():
                run = await self._enlist.deploy(
                    request.stack, person.actor, channel=slash.channel, known=known
                )
            case _:
                assert_never(request)
        return self._accepted(run, slash)

    async def _card(
        self, request: CardRequest, actor: Actor, channel: ChannelId
    ) -> Thread:
        stack = self._catalog.stack(request.stack)
        await self._access.require(Role.READER, actor, stack)
        where = await self._enlist.place(stack, channel)
        deed = Deed(
            verb=Verb.CARD_OPENED, actor=actor, at=self._clock(), stack=stack.name
        )
        return await self._record.open_card(stack.name, where, deed)

    def _accepted(self, run: Run, slash: Slash) -> Accepted:
        stack = self._catalog.stack(run.stack)
        return Accepted(run=run, channel=stack.channel or slash.channel)

    async def _note(
        self, refusal: Refused, slash: Slash, command: str, about: About | None
    ) -> None:
        kept = await self._kept(slash.text, about)
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=Actor(kind=ActorKind.PERSON, id=slash.user, team=slash.team),
                at=self._clock(),
                detail=f"{refusal.reason}: {command} {kept}",
            )
        )

    async def _kept(self, text: str, about: About | None) -> str:
        """Return what is kept of what somebody typed."""
        if about is not None:
            return about.text(text)
        named, _, rest = text.strip().partition(" ")
        # Behind a word of Handrail's, such as check, the stack comes second.
        stacks = map(self._catalog.stacks.get, map(StackName, text.split()[:2]))
        stack = next(filter(None, stacks), None)
        kept = await self._secrecy.of_anybody(rest or named, stack)
        return f"{named} {kept}" if rest else kept
