"""As whom a decision is explained: as Slack knows them, or as the options say."""

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NoReturn

from bot.control.access import Access
from bot.control.policing import Policing
from bot.domain.errors import RoleSourceUnavailable
from bot.domain.people import (
    Actor,
    ActorKind,
    ChannelId,
    Person,
    Role,
    TeamId,
    UserId,
    api_actor,
)
from bot.domain.policy import Session
from bot.domain.stack import Catalog, Stack
from bot.ports import Directory
from bot.settings import Settings
from bot.slack.connection import slack_client
from bot.slack.directory import SlackDirectory

#: how an API key is named
_KEY = "api::"


class SaidRole(StrEnum):
    """What somebody is said to be on a stack."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who would send a command, and what they are."""

    actor: Actor
    role: Role
    session: Session


def actor_of(written: str, catalog: Catalog) -> Actor:
    """Return whom `--as` names: a person by their id, or `api::<key>`."""
    if written.startswith(_KEY):
        return api_actor(written.removeprefix(_KEY))
    return Actor(
        kind=ActorKind.PERSON, id=written, team=catalog.workspace, name=written
    )


def as_said(actor: Actor, role: SaidRole, teams: list[str]) -> Asking:
    """Return *actor* with the role and the teams that the options give."""
    session = Session(
        login=actor.id,
        name=actor.name,
        teams=tuple(team.removeprefix("@") for team in teams),
        admin=role is SaidRole.ADMIN,
        machine=actor.kind is ActorKind.API_KEY,
    )
    return Asking(actor=actor, role=Role[role.name], session=session)


async def looked_up(
    actor: Actor, stack: Stack, access: Access, policing: Policing
) -> Asking:
    """Return *actor* as Slack, or the list of keys, knows them now.

    Raises RoleSourceUnavailable, and Refused for who may do nothing at all.
    """
    await access.still(actor)
    if actor.kind is ActorKind.PERSON:
        person = await access.member(UserId(actor.id), TeamId(actor.team))
        actor = replace(actor, name=person.name)
    return Asking(
        actor=actor,
        role=await access.role(actor, stack),
        session=await policing.session(actor, stack),
    )


def directory(*, is_asked: bool) -> Directory:
    """Return who knows people: Slack, or nobody. Raises SettingsProblems."""
    if not is_asked:
        return _Nobody()
    settings = Settings.read(os.environ)
    token = settings.bot_token.get_secret_value()
    return SlackDirectory(slack_client(token, settings.api_url))


class _Nobody:
    """Stands where Slack is not to be asked."""

    async def person(self, user: UserId, team: TeamId, *, fresh: bool) -> Person:  # noqa: ARG002
        self._unasked()

    async def belongs(self, user: UserId, members: str, *, fresh: bool) -> bool:  # noqa: ARG002
        self._unasked()

    async def teams(self, user: UserId, *, fresh: bool) -> tuple[str, ...]:  # noqa: ARG002
        self._unasked()

    async def is_present(self, channel: ChannelId) -> bool:  # noqa: ARG002
        self._unasked()

    def _unasked(self) -> NoReturn:
        raise RoleSourceUnavailable(
            "Slack is not asked where --role says what somebody is. Omit --role."
        )
