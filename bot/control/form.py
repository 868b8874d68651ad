"""The form in which a task is filled in: what it offers, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from typing import Final

from bot.control.access import Access
from bot.control.enlist import Enlist
from bot.control.hold_refusals import HoldRefusals
from bot.control.parameters import faults
from bot.control.secrecy import Secrecy
from bot.control.submit import Accepted
from bot.control.unsafe import Known
from bot.control.usable import Usable, Within, usable, within_reach
from bot.domain.audit import Deed, Verb
from bot.domain.errors import (
    IdempotencyConflict,
    Refusal,
    Refused,
    RoleSourceUnavailable,
)
from bot.domain.lock import keeper
from bot.domain.people import Actor, ActorKind, ChannelId, TeamId, UserId
from bot.domain.preset_call import written_call
from bot.domain.run import Run
from bot.domain.slack_text import oddities
from bot.domain.stack import Catalog, StackName
from bot.domain.task import PresetRequest, TaskRequest
from bot.ports import Archive, Clock, Idempotency, Record

#: the fields of the form; a preset's parameters go by their names
STACK: Final = "stack"
COMMAND: Final = "command"
PRESET: Final = "preset"
CHANNEL: Final = "channel"

#: what a refusal is about, where not the stack
_FIELDS: Final[Mapping[Refusal, str]] = {
    Refusal.BAD_COMMAND: COMMAND,
    Refusal.UNSAFE: COMMAND,
    Refusal.POLICY: COMMAND,
    Refusal.CHANNEL: CHANNEL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The form as somebody filled it in."""

    key: str  #: of this very form: it becomes one run
    user: UserId
    team: TeamId
    channel: ChannelId | None = None  #: where it is told unless the stack says so
    stack: str = ""
    command: str = ""
    skip_init: bool = False
    preset: str = ""  #: in the place of a command
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        """Return what would have been typed behind the stack."""
        if self.preset:
            return written_call(self.preset, self.parameters)
        return self.command


class Misfilled(Refused):
    """A form that became no run: a sentence for each field that it is about."""

    def __init__(
        self, sentence: str, *, reason: Refusal, of: Mapping[str, str]
    ) -> None:
        """*of* are the sentences by field."""
        super().__init__(sentence, reason=reason)
        self.of = of


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The stack that was chosen, as whoever fills in the form may use it."""

    usable: Usable
    in_the_way: str = ""  #: who holds it, and what to do, as a sentence


class Form:
    """Offers only what somebody may use, and asks again when it is submitted.

    Every method raises Refused, RoleSourceUnavailable and StoreUnavailable.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        archive: Archive,
        record: Record,
        clock: Clock,
        secrecy: Secrecy,
        enlist: Enlist,
        refusals: HoldRefusals,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._archive = archive
        self._record = record
        self._clock = clock
        self._secrecy = secrecy
        self._enlist = enlist
        self._refusals = refusals

    async def offered(self, user: UserId, team: TeamId) -> Within:
        """Return the stacks that *user* may run something on."""
        person = await self._access.member(user, team)
        return await within_reach(self._access, self._catalog, person.actor)

    async def chosen(self, name: str, user: UserId, team: TeamId) -> Chosen:
        """Return what *user* may run on a stack, and what is in the way now."""
        actor = (await self._access.member(user, team)).actor
        stack = self._catalog.stack(name)
        found = await usable(self._access, actor, stack)
        if not found.is_any:
            return Chosen(usable=found)  # nor is it said who has it, and why
        occupancy = await self._archive.occupancy(stack.name)
        hold = keeper(occupancy, actor, above=self._catalog.above)
        if hold is None:
            return Chosen(usable=found)
        refusal = self._refusals.held(actor, found.role, hold, asked=stack.name)
        return Chosen(usable=found, in_the_way=str(refusal))

    async def submit(self, filled: Filled) -> Accepted:
        """Make the one run of this form, or raise Misfilled, on the record."""
        known = Known()
        try:
            person = await self._access.member(filled.user, filled.team)
            run = await self._enlisted(filled, person.actor, known)
        except RoleSourceUnavailable as unheard:
            refusal = unheard.refused("run")
            await self._note(refusal, filled, known)
            raise self._misfilled(refusal, filled) from unheard
        except Refused as refusal:
            await self._note(refusal, filled, known)
            raise self._misfilled(refusal, filled) from refusal
        thread = await self._archive.thread(run.thread)
        return Accepted(run=run, channel=thread.channel)

    async def _enlisted(self, filled: Filled, actor: Actor, known: Known) -> Run:
        idempotency = Idempotency(key=f"form:{filled.key}", digest=_digest(filled))
        try:
            if filled.preset:
                return await self._enlist.preset(
                    PresetRequest(
                        stack=filled.stack,
                        preset=filled.preset,
                        parameters=filled.parameters,
                    ),
                    actor,
                    channel=filled.channel,
                    idempotency=idempotency,
                    known=known,
                )
            return await self._enlist.task(
                TaskRequest(
                    stack=filled.stack,
                    command=filled.command,
                    skip_init=filled.skip_init,
                    remarks=oddities(filled.command),
                ),
                actor,
                channel=filled.channel,
                idempotency=idempotency,
                known=known,
            )
        except IdempotencyConflict as conflict:
            raise Refused(
                "This form became a run already. Close it, and open another with "
                "/task.",
                reason=Refusal.CONFLICT,
            ) from conflict

    def _misfilled(self, refusal: Refused, filled: Filled) -> Misfilled:
        of = self._by_field(refusal, filled)
        return Misfilled(str(refusal), reason=refusal.reason, of=of)

    def _by_field(self, refusal: Refused, filled: Filled) -> Mapping[str, str]:
        name = _FIELDS.get(refusal.reason, STACK)
        if name != COMMAND or not filled.preset:
            return {name: str(refusal)}
        stack = self._catalog.stacks.get(StackName(filled.stack))
        preset = stack.presets.get(filled.preset) if stack else None
        wrong = faults(preset, filled.parameters) if preset else {}
        return wrong or {PRESET: str(refusal)}

    async def _note(self, refusal: Refused, filled: Filled, known: Known) -> None:
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=Actor(kind=ActorKind.PERSON, id=filled.user, team=filled.team),
                at=self._clock(),
                detail=f"{refusal.reason}: /task {await self._kept(filled, known)}",
            )
        )

    async def _kept(self, filled: Filled, known: Known) -> str:
        stack = self._catalog.stacks.get(StackName(filled.stack))
        if known.about is not None:
            return f"{filled.stack} {known.about.text(filled.asked)}"
        return f"{filled.stack} {await self._secrecy.of_anybody(filled.asked, stack)}"


def _digest(filled: Filled) -> str:
    asked = [
        filled.stack,
        filled.command,
        filled.skip_init,
        filled.preset,
        sorted(filled.parameters.items()),
        filled.channel,
    ]
    return sha256(dumps(asked).encode()).hexdigest()
