"""Time, people, values and credentials: what is asked for outside the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.people import ChannelId, Person, TeamId, UserId
from bot.domain.run import Run
from bot.domain.stack import Stack, ValueSource
from runner.job import WorkspaceFile


class Clock(Protocol):
    """What time it is; always in UTC."""

    def __call__(self) -> datetime:
        """Return the time now."""


class Directory(Protocol):
    """Who people are and what they belong to. Asked by id, never by name."""

    async def person(self, user: UserId, team: TeamId, *, fresh: bool) -> Person:
        """Return the person, or raise RoleSourceUnavailable.

        *fresh* asks again instead of using what was heard a short time ago.
        """

    async def belongs(self, user: UserId, members: str, *, fresh: bool) -> bool:
        """Tell whether *user* is among *members*, as a stack's roles write them.

        Raises RoleSourceUnavailable, also where the source does not exist.
        """

    async def teams(self, user: UserId, *, fresh: bool) -> tuple[str, ...]:
        """Return the handles of the user groups of *user*, without @, in order.

        None where the workspace has no user groups. Raises RoleSourceUnavailable.
        """

    async def is_present(self, channel: ChannelId) -> bool:
        """Tell whether Handrail itself is a member of *channel*."""


class Values(Protocol):
    """Where secret values come from. Read when a run starts, and never kept."""

    async def content(self, source: ValueSource) -> bytes:
        """Return the value as it is, or raise SecretUnavailable."""

    async def variable(self, source: ValueSource) -> str:
        """Return the value for an environment variable, or raise SecretUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """What was made for one run alone."""

    variables: Mapping[str, str] = field(default_factory=dict)
    #: masked, as the content of the files is
    secret_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: tuple[WorkspaceFile, ...] = ()


class Credentials(Protocol):
    """Makes credentials that only one run has, and that end with it or soon after."""

    async def mint(self, run: Run, stack: Stack) -> Minted:
        """Return what *stack* asks for, or raise SecretUnavailable.

        Empty for a stack that asks for none.
        """


class Messages(Protocol):
    """Other people's messages."""

    async def delete(self, channel: ChannelId, ts: str) -> bool:
        """Delete a message; False where Slack does not let the app do so."""
