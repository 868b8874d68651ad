"""Who people are and what they belong to, as Slack says: never guessed."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import RoleSourceUnavailable
from bot.domain.people import ChannelId, Person, Standing, TeamId, UserId
from bot.slack.refusals import CALL_FAILED, is_passing, seconds_to_wait

_FRESH_SECONDS: Final = 60.0
_PAGE: Final = 999
#: on a workspace that has no user groups, because its plan has none
_NO_GROUPS: Final = "plan_upgrade_required"
_PLANS: Final = (
    "user groups need a paid Slack plan; list users or a channel in handrail.yaml"
)
_ADVICE: Final = {
    _NO_GROUPS: _PLANS,
    "missing_scope": "reinstall the app with the scopes of manifest.yml",
    "channel_not_found": "invite Handrail to the channel, or correct handrail.yaml",
}


class SlackDirectory:
    """Asks Slack, and remembers an answer for a minute."""

    def __init__(
        self, client: AsyncWebClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._heard: dict[str, tuple[float, frozenset[str]]] = {}
        self._people: dict[tuple[UserId, TeamId], tuple[float, Person]] = {}
        self._present: dict[ChannelId, float] = {}
        self._groups: tuple[float, Mapping[str, frozenset[str]]] | None = None

    async def person(self, user: UserId, team: TeamId, *, fresh: bool) -> Person:
        """Return the person, asked again after a minute."""
        at, known = self._people.get((user, team), (0.0, None))
        if known is not None and not fresh and self._is_recent(at):
            return known
        answer = await _asked("the person", self._client.users_info(user=user))
        person = _person(answer["user"], team)
        self._people[user, team] = (self._clock(), person)
        return person

    async def belongs(self, user: UserId, members: str, *, fresh: bool) -> bool:
        """Tell whether *user* is *members*, or among them."""
        return user in await self.people(members, fresh=fresh)

    async def people(self, members: str, *, fresh: bool) -> frozenset[str]:
        """Return the ids of all who are *members*."""
        if members[:1] in "UW":
            return frozenset({members})
        return await self._remembered(members, fresh=fresh)

    async def teams(self, user: UserId, *, fresh: bool) -> tuple[str, ...]:
        """Return the handles of the user groups of *user*, without @, in order."""
        at, groups = self._groups or (0.0, None)
        if groups is None or fresh or not self._is_recent(at):
            groups = await self._all_groups()
            self._groups = self._clock(), groups
        return tuple(sorted(it for it, members in groups.items() if user in members))

    async def is_present(self, channel: ChannelId) -> bool:
        """Tell whether the bot is in *channel*; a yes is remembered for a minute."""
        if self._is_recent(self._present.get(channel, -_FRESH_SECONDS)):
            return True
        present = await self._asked_present(channel)
        if present:
            self._present[channel] = self._clock()
        return present

    async def _asked_present(self, channel: ChannelId) -> bool:
        try:
            answer = await self._client.conversations_info(channel=channel)
        except CALL_FAILED as error:
            if _error(error) in {"channel_not_found", "missing_scope"}:
                return False
            raise _unavailable("the channel", error) from error
        found: dict[str, Any] = answer["channel"]
        return bool(found.get("is_member") or found.get("is_im"))

    async def _remembered(self, members: str, *, fresh: bool) -> frozenset[str]:
        at, known = self._heard.get(members, (0.0, None))
        if known is not None and not fresh and self._is_recent(at):
            return known
        heard = await self._members(members)
        self._heard[members] = (self._clock(), heard)
        return heard

    def _is_recent(self, at: float) -> bool:
        return self._clock() - at < _FRESH_SECONDS

    async def _members(self, members: str) -> frozenset[str]:
        match members[:1]:
            case "@":
                return await self._group(await self._group_id(members[1:]))
            case "S":
                return await self._group(members)
            case "#":
                return await self._channel(await self._channel_id(members[1:]))
            case _:
                return await self._channel(members)

    async def _all_groups(self) -> Mapping[str, frozenset[str]]:
        """Return the members of every user group by its handle."""
        try:
            answer = await self._client.usergroups_list(include_users=True)
        except CALL_FAILED as error:
            if _error(error) == _NO_GROUPS:
                return {}
            raise _unavailable("the user groups", error) from error
        return {
            str(group["handle"]): frozenset(group.get("users") or ())
            for group in answer["usergroups"]
        }

    async def _group(self, group: str) -> frozenset[str]:
        answer = await _asked(
            f"the user group {group}",
            self._client.usergroups_users_list(usergroup=group),
        )
        return frozenset(answer["users"])

    async def _group_id(self, handle: str) -> str:
        answer = await _asked(
            f"the user group @{handle}", self._client.usergroups_list()
        )
        for group in answer["usergroups"]:
            if group["handle"] == handle:
                return str(group["id"])
        raise RoleSourceUnavailable(
            f"There is no user group @{handle}; correct handrail.yaml."
        )

    async def _channel_id(self, name: str) -> str:
        async for channel in self._pages(
            f"the channel #{name}",
            "channels",
            self._client.conversations_list,
            types="public_channel,private_channel",
            exclude_archived=True,
        ):
            if channel["name"] == name:
                return str(channel["id"])
        raise RoleSourceUnavailable(
            f"There is no channel #{name} that Handrail can see; invite it there, or "
            "correct handrail.yaml."
        )

    async def _channel(self, channel: str) -> frozenset[str]:
        pages = self._pages(
            f"the members of {channel}",
            "members",
            self._client.conversations_members,
            channel=channel,
        )
        return frozenset([member async for member in pages])

    async def _pages(
        self,
        what: str,
        key: str,
        method: Callable[..., Awaitable[Any]],
        **arguments: Any,
    ) -> AsyncIterator[Any]:
        cursor = ""
        while True:
            page = await _asked(what, method(limit=_PAGE, cursor=cursor, **arguments))
            for item in page[key]:
                yield item
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return


def _person(user: dict[str, Any], team: TeamId) -> Person:
    profile = user.get("profile") or {}
    name = profile.get("display_name") or user.get("real_name") or user.get("name")
    return Person(
        user=UserId(user["id"]),
        team=team,
        name=name or user["id"],
        standing=_standing(user, team),
    )


def _standing(user: dict[str, Any], team: TeamId) -> Standing:
    if user.get("deleted"):
        return Standing.DEACTIVATED
    if user.get("is_bot") or user["id"] == "USLACKBOT":
        return Standing.BOT
    if user.get("is_stranger") or user.get("team_id", team) != team:
        return Standing.STRANGER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER


async def _asked(what: str, call: Awaitable[Any]) -> Any:
    try:
        return await call
    except CALL_FAILED as error:
        raise _unavailable(what, error) from error


def _unavailable(what: str, error: Exception) -> RoleSourceUnavailable:
    code = _error(error)
    advice = _ADVICE.get(code, "an admin can look into Handrail's log")
    return RoleSourceUnavailable(
        f"Slack could not be asked about {what} ({code}): {advice}.",
        again_in=seconds_to_wait(error, 0) if is_passing(error) else None,
    )


def _error(error: Exception) -> str:
    # A 502 of a proxy has no Slack body, so nothing is taken for granted here.
    response = getattr(error, "response", None)
    code = response.get("error") if response is not None else None
    return str(code or type(error).__name__)
