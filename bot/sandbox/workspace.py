"""The state of a local Slack workspace, and what a test may do to it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from bot.sandbox.feed import Feed
from bot.sandbox.manifest import Manifest
from bot.sandbox.messages import Messages
from bot.sandbox.mint import Mint
from bot.sandbox.triggers import Triggers
from bot.sandbox.values import Channel, File, Group, MethodError, Payload, Person
from bot.sandbox.views import Views

#: Always, never, or for so many seconds after the message was posted.
EditWindow: TypeAlias = Literal["always", "never"] | float
#: Hears of every event, before it is decided whether the app may.
EventListener: TypeAlias = Callable[[Channel | None, Payload], None]

_COLORS = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "2b6836")


class Workspace:
    """People, channels and messages of one team with one installed app."""

    def __init__(
        self, manifest: Path, team: str = "T0SANDBOX", name: str = "Sandbox"
    ) -> None:
        self.manifest = Manifest.read(manifest)
        self.team = team
        self.name = name
        self.domain = name.lower().replace(" ", "-")
        self.app_id = "A0SANDBOX"
        #: The address of the server, once there is one.
        self.url = "http://127.0.0.1"
        self.free_plan = False
        self.edit_window: EditWindow = "always"
        self.smart_punctuation = False
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, Group] = {}
        self.files: dict[str, File] = {}
        self.deleted_files: set[str] = set()
        #: What the page proposes to type, by slash command.
        self.examples: dict[str, str] = {}
        #: By channel; the key `for` of each names the one who sees it.
        self.ephemerals: list[Payload] = []
        self.listeners: list[EventListener] = []
        #: Addresses of sockets that were asked for and not yet opened.
        self.tickets: set[str] = set()
        self.triggers = Triggers()
        self.feed = Feed()
        self.mint = Mint()
        self.messages = Messages(self.feed, self.mint, self.tell)
        self.views = Views(self.feed, self.mint)
        self.bot = self._add_bot()

    def add_person(
        self,
        name: str,
        *,
        real_name: str = "",
        role_hint: str = "",
        team: str = "",
        **traits: bool,
    ) -> str:
        """Add a person and return the id.

        Traits: deleted, is_bot, is_admin, is_restricted, is_ultra_restricted,
        is_stranger (of another *team* in a shared channel).
        """
        stranger = traits.pop("is_stranger", False) or bool(team)
        person = Person(
            id=self.mint.id("U", name),
            name=name,
            real_name=real_name or name.title(),
            role_hint=role_hint,
            team=team or ("T0ELSEWHERE" if stranger else self.team),
            color=_COLORS[len(self.people) % len(_COLORS)],
            bot_id=self.mint.id("B", name) if traits.get("is_bot") else "",
            is_stranger=stranger,
            **traits,  # type: ignore[arg-type]  # flags by name
        )
        self.people[person.id] = person
        return person.id

    def add_channel(
        self,
        name: str,
        *,
        members: Sequence[str] = (),
        private: bool = False,
        topic: str = "",
        bot: bool = True,
    ) -> str:
        """Add a channel and return the id; the bot joins unless told not to."""
        everybody = [*members, *([self.bot.id] if bot else [])]
        return self._add_channel(
            Channel(
                id=self.mint.id("C", name),
                name=name,
                created=int(time.time()),
                creator=members[0] if members else self.bot.id,
                members=tuple(dict.fromkeys(everybody)),
                topic=topic,
                is_private=private,
            )
        ).id

    def add_group(self, handle: str, *, members: Sequence[str] = ()) -> str:
        """Add a user group and return the id."""
        group = Group(
            id=self.mint.id("S", handle),
            handle=handle,
            name=handle.title(),
            members=tuple(members),
        )
        self.groups[group.id] = group
        return group.id

    def change_person(self, user: str, **changes: bool) -> None:
        """Deactivate a person, make a guest of one, and so on."""
        changed = replace(self.people[user], **changes)  # type: ignore[arg-type]  # flags by name
        self.people[user] = changed
        self.feed.publish({"type": "person", "user": user})
        ts = self.mint.ts()
        self.tell(
            None, {"type": "user_change", "user": changed.as_slack(), "event_ts": ts}
        )

    def set_group_members(self, group: str, members: Sequence[str]) -> None:
        """Replace the members of a user group."""
        self.groups[group] = replace(self.groups[group], members=tuple(members))

    def set_members(self, channel: str, members: Sequence[str]) -> None:
        """Replace the members of a channel, the bot included."""
        self._change_channel(channel, members=tuple(members))

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self._change_channel(channel, is_archived=True)

    def opened_with(self, user: str) -> Channel | None:
        """Return the conversation of the bot with *user*, if there is one."""
        direct = (channel for channel in self.channels.values() if channel.is_im)
        pair = {user, self.bot.id}
        return next((one for one in direct if set(one.members) == pair), None)

    def direct_message(self, user: str) -> Channel:
        """Return the conversation of the bot with *user*, opened if need be."""
        return self.opened_with(user) or self._add_channel(
            Channel(
                id=self.mint.id("D"),
                name=self.bot.name,
                created=int(time.time()),
                creator=user,
                members=(user, self.bot.id),
                is_im=True,
            )
        )

    def person(self, user: str) -> Person:
        """Return a person, or refuse with `user_not_found`."""
        try:
            return self.people[user]
        except KeyError:
            raise MethodError("user_not_found") from None

    def active(self, user: str) -> Person:
        """Return a person who is signed in, or refuse with `account_inactive`."""
        person = self.person(user)
        if person.deleted:
            raise MethodError("account_inactive")
        return person

    def channel(self, channel: str) -> Channel:
        """Return a conversation, or refuse with `channel_not_found`."""
        try:
            return self.channels[channel]
        except KeyError:
            raise MethodError("channel_not_found") from None

    def seen_by(self, user: str, channel: str) -> Channel:
        """Return a conversation that *user* may see, or refuse."""
        found = self.channel(channel)
        if not found.visible_to(user):
            raise MethodError("channel_not_found")
        return found

    def join(self, channel: str, user: str) -> Channel:
        """Add *user* to a channel."""
        members = self.channel(channel).members
        return self._change_channel(channel, members=(*members, user))

    def post_as_app(self, channel: Channel, body: Payload) -> Payload:
        """Post *body* as the app's own message."""
        own = {
            "user": self.bot.id,
            "bot_id": self.bot.bot_id,
            "app_id": self.app_id,
            "team": self.team,
            "bot_profile": self.bot_profile(),
        }
        return self.messages.post(channel, {**own, **body})

    def show_only(self, user: str, channel: str, body: Payload) -> Payload:
        """Show *user* an ephemeral message of the app; return it."""
        message = {
            "type": "message",
            "subtype": "bot_message",
            "is_ephemeral": True,
            "user": self.bot.id,
            "bot_id": self.bot.bot_id,
            "app_id": self.app_id,
            **body,
            "channel": channel,
            "for": user,
            "ts": self.mint.ts(),
        }
        self.ephemerals.append(message)
        self._publish_ephemeral("ephemeral", message)
        return message

    def replace_ephemeral(self, shown: Payload, body: Payload) -> None:
        """Show *body* where *shown* was."""
        changed = {**shown, "blocks": None, **body}
        self.ephemerals[self.ephemerals.index(shown)] = changed
        self._publish_ephemeral("ephemeral", changed)

    def dismiss(self, shown: Payload) -> None:
        """Take an ephemeral message away."""
        self.ephemerals.remove(shown)
        self._publish_ephemeral("ephemeral_deleted", shown)

    def bot_profile(self) -> Payload:
        """Return the `bot_profile` of the app's messages."""
        return {
            "id": self.bot.bot_id,
            "app_id": self.app_id,
            "user_id": self.bot.id,
            "name": self.manifest.name,
            "deleted": False,
            "updated": 0,
            "team_id": self.team,
        }

    def tell(self, channel: Channel | None, event: Payload) -> None:
        """Offer *event* to whoever listens on behalf of the app."""
        where = {"channel": channel.id, "channel_type": channel.kind} if channel else {}
        for listener in self.listeners:
            listener(channel, {**event, **where})

    def _publish_ephemeral(self, change: str, message: Payload) -> None:
        payload = {"type": change, "channel": message["channel"], "ts": message["ts"]}
        self.feed.publish(
            {**payload, "message": message},
            channel=message["channel"],
            only_for=message["for"],
        )

    def _add_bot(self) -> Person:
        bot = Person(
            id=self.mint.id("U", "BOT"),
            name=self.manifest.bot_name,
            real_name=self.manifest.name,
            team=self.team,
            color=_COLORS[0],
            bot_id=self.mint.id("B", "BOT"),
            app_id=self.app_id,
            is_bot=True,
        )
        self.people[bot.id] = bot
        return bot

    def _add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        self._publish_channel(channel)
        return channel

    def _change_channel(self, channel: str, **changes: object) -> Channel:
        changed = replace(self.channel(channel), **changes)  # type: ignore[arg-type]  # fields by name
        self.channels[channel] = changed
        self._publish_channel(changed)
        return changed

    def _publish_channel(self, channel: Channel) -> None:
        self.feed.publish(
            {"type": "channel", "channel": channel.id}, channel=channel.id
        )
