"""Who may do what: identity first, then the role on a stack."""

from bot.domain.errors import Refusal, Refused
from bot.domain.people import Person, Role, Standing, TeamId, UserId
from bot.domain.stack import Catalog, Stack
from bot.ports import Directory

_WHY_NOT = {
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
    """Decides by user id and team id, never by name. In doubt the answer is no."""

    def __init__(self, catalog: Catalog, directory: Directory) -> None:
        self._catalog = catalog
        self._directory = directory

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

    async def role(self, person: Person, stack: Stack, *, fresh: bool = False) -> Role:
        """Return what *person* may do on *stack*."""
        if person.user in self._catalog.admins:
            return Role.ADMIN
        for role, members in (
            (Role.ADMIN, stack.admins),
            (Role.WRITER, stack.writers),
        ):
            if await self._is_among(person, members, fresh=fresh):
                return role
        if stack.readers is None or await self._is_among(
            person, stack.readers, fresh=fresh
        ):
            return Role.READER
        return Role.NONE

    async def require(
        self, role: Role, person: Person, stack: Stack, *, fresh: bool = False
    ) -> Role:
        """Return the role of *person*, or refuse where it is less than *role*."""
        has = await self.role(person, stack, fresh=fresh)
        if has < role:
            raise _not_allowed(
                f"You are no {role.name.lower()} of {stack.name}. Its "
                f"{role.name.lower()}s are {_listed(stack, role)}; "
                "ask one of them, or ask to be added."
            )
        return has

    async def _is_among(
        self, person: Person, members: tuple[str, ...], *, fresh: bool
    ) -> bool:
        for listed in members:
            if await self._directory.belongs(person.user, listed, fresh=fresh):
                return True
        return False


def _listed(stack: Stack, role: Role) -> str:
    members = {
        Role.WRITER: stack.writers,
        Role.ADMIN: stack.admins,
        Role.READER: stack.readers or (),
    }[role]
    return ", ".join(members) or "the admins in handrail.yaml"


def _not_allowed(sentence: str) -> Refused:
    return Refused(sentence, reason=Refusal.NOT_ALLOWED)
