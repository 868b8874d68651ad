"""Who may do what: identity first, then the role on a stack."""

from typing import Final

from bot.domain.errors import Refusal, Refused
from bot.domain.people import (
    Actor,
    ActorKind,
    Person,
    Role,
    Standing,
    TeamId,
    UserId,
)
from bot.domain.preset import Preset
from bot.domain.stack import Catalog, Stack
from bot.ports import Clock, Directory, Keys

_WHY_NOT: Final = {
    Standing.GUEST: "Guests cannot use Handrail. Ask a full member of your team.",
    Standing.BOT: "Bots cannot use Handrail. A person has to send the command.",
    Standing.DEACTIVATED: (
        "This account is deactivated. Ask a workspace admin to reactivate it."
    ),
    Standing.STRANGER: (
        "Only members of the workspace that Handrail belongs to can use it. "
        "Ask somebody there."
    ),
}


class Access:
    """Decides by ids, never by name. In doubt the answer is no."""

    def __init__(
        self, *, catalog: Catalog, directory: Directory, keys: Keys, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._directory = directory
        self._keys = keys
        self._clock = clock

    async def member(
        self, user: UserId, team: TeamId, *, fresh: bool = False
    ) -> Person:
        """Return the full member *user*, or refuse."""
        if team != self._catalog.workspace:
            raise _not_allowed(_WHY_NOT[Standing.STRANGER])
        person = await self._directory.person(user, team, fresh=fresh)
        if person.standing is not Standing.MEMBER:
            raise _not_allowed(_WHY_NOT[person.standing])
        return person

    async def still(self, actor: Actor) -> None:
        """Refuse an actor who may no longer do anything at all, asked afresh."""
        if actor.kind is ActorKind.PERSON:
            await self.member(UserId(actor.id), TeamId(actor.team), fresh=True)
            return
        key = await self._keys.by_name(actor.id)
        if key is None or not key.is_valid(self._clock()):
            raise _not_allowed(
                f"The API key {actor.id} was revoked or has expired. An admin makes "
                "another with `handrail key create`."
            )

    def is_above(self, actor: Actor) -> bool:
        """Tell whether *actor* is a global admin; no API key ever is."""
        return actor.kind is ActorKind.PERSON and actor.id in self._catalog.admins

    async def role(self, actor: Actor, stack: Stack, *, fresh: bool = False) -> Role:
        """Return what *actor*, who may do anything at all, may do on *stack*."""
        if self.is_above(actor):
            return Role.ADMIN
        if actor.kind is not ActorKind.PERSON:
            key = await self._keys.by_name(actor.id)
            return Role.NONE if key is None else key.role_on(stack.name)
        user = UserId(actor.id)
        for role, members in (
            (Role.ADMIN, stack.admins),
            (Role.WRITER, stack.writers),
        ):
            if await self.is_among(user, members, fresh=fresh):
                return role
        if stack.readers is None or await self.is_among(
            user, stack.readers, fresh=fresh
        ):
            return Role.READER
        return Role.NONE

    async def require(
        self, role: Role, actor: Actor, stack: Stack, *, fresh: bool = False
    ) -> Role:
        """Return the role of *actor*, or refuse where it is less than *role*."""
        has = await self.role(actor, stack, fresh=fresh)
        if has < role:
            raise _not_allowed(_lacking(role, actor, stack))
        return has

    async def may_run(self, preset: Preset, actor: Actor, stack: Stack) -> bool:
        """Tell whether *actor* may run a *preset* of *stack*."""
        try:
            await self.require_runner(preset, actor, stack)
        except Refused:
            return False
        return True

    async def require_runner(
        self, preset: Preset, actor: Actor, stack: Stack, *, fresh: bool = False
    ) -> Role:
        """Return the role of *actor*, or refuse who is no writer and no runner.

        No API key is a runner.
        """
        has = await self.role(actor, stack, fresh=fresh)
        if has >= Role.WRITER:
            return has
        is_person = actor.kind is ActorKind.PERSON
        if is_person and await self.is_among(
            UserId(actor.id), preset.runners, fresh=fresh
        ):
            return has
        raise _not_allowed(_no_runner(preset, actor, stack))

    async def is_among(
        self, user: UserId, members: tuple[str, ...], *, fresh: bool
    ) -> bool:
        """Tell whether *user* is among *members*; raise RoleSourceUnavailable."""
        for listed in members:
            if await self._directory.belongs(user, listed, fresh=fresh):
                return True
        return False


def _lacking(role: Role, actor: Actor, stack: Stack) -> str:
    name = role.name.lower()
    if actor.kind is not ActorKind.PERSON:
        return (
            f"The API key {actor.id} is no {name} of {stack.name}. An admin makes one "
            f"that is with `handrail key create --role {name} --stacks {stack.name}`."
        )
    return (
        f"You are no {name} of {stack.name}. Its {name}s are {_listed(stack, role)}; "
        "ask one of them, or ask to be added."
    )


def _no_runner(preset: Preset, actor: Actor, stack: Stack) -> str:
    if actor.kind is not ActorKind.PERSON or not preset.runners:
        return _lacking(Role.WRITER, actor, stack)
    return (
        f"You may not run {preset.name} of {stack.name}. Those who may are "
        f"{', '.join(preset.runners)} and the stack's writers; ask one of them, or "
        "ask to be added."
    )


def _listed(stack: Stack, role: Role) -> str:
    members = {
        Role.WRITER: stack.writers,
        Role.ADMIN: stack.admins,
        Role.READER: stack.readers or (),
    }[role]
    return ", ".join(members) or "the admins in handrail.yaml"


def _not_allowed(sentence: str) -> Refused:
    return Refused(sentence, reason=Refusal.NOT_ALLOWED)
