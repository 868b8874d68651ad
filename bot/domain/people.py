"""Who acts: people by their ids, and Handrail itself."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NewType

UserId = NewType("UserId", str)
TeamId = NewType("TeamId", str)
ChannelId = NewType("ChannelId", str)


class ActorKind(StrEnum):
    """What kind of hand did a thing."""

    PERSON = "person"
    API_KEY = "api_key"
    HANDRAIL = "handrail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did a thing. Two actors are the same iff kind, id and team are.

    *name* is what the actor was called then: for reading, never for deciding.
    """

    kind: ActorKind
    id: str
    team: str = ""
    name: str = ""

    def is_same(self, other: "Actor") -> bool:
        """Tell whether both are one and the same hand."""
        return (self.kind, self.id, self.team) == (other.kind, other.id, other.team)


def api_actor(name: str) -> Actor:
    """Return the API key called *name* as the hand that does a thing."""
    return Actor(kind=ActorKind.API_KEY, id=name, name=f"api::{name}")


HANDRAIL: Final = Actor(kind=ActorKind.HANDRAIL, id="handrail", name="handrail")


class Standing(StrEnum):
    """What a person is to the home workspace. Only a member may do anything."""

    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as the directory knows them now."""

    user: UserId
    team: TeamId
    name: str
    standing: Standing

    @property
    def actor(self) -> Actor:
        """Return this person as the hand that does a thing."""
        return Actor(
            kind=ActorKind.PERSON, id=self.user, team=self.team, name=self.name
        )


class Role(IntEnum):
    """What a person may do on a stack; each role includes the ones before."""

    NONE = 0
    READER = 1
    WRITER = 2
    ADMIN = 3
