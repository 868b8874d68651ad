"""What a workspace is made of: people, channels, groups, files and refusals."""

from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

#: A JSON object as Slack sends and takes it. Its shape is Slack's, not ours.
Payload: TypeAlias = dict[str, Any]


class MethodError(Exception):
    """A Web API answer with `ok: false`, by Slack's own error name."""

    def __init__(self, error: str, **details: object) -> None:
        super().__init__(error)
        self.error = error
        self.details = details

    def answer(self) -> Payload:
        """Return the JSON body that Slack would send."""
        return {"ok": False, "error": self.error, **self.details}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person sees at once: accepted, or Slack's error.

    `errors` are texts by block id, for a form that was sent back; `response_action` is
    what the app answered to a form that did not just close.
    """

    ok: bool
    error: str = ""
    errors: Payload | None = None
    response_action: str = ""

    def as_payload(self) -> Payload:
        """Return the JSON body for the web page."""
        if self.errors is not None:
            return {"ok": False, "response_action": "errors", "errors": self.errors}
        if not self.ok:
            return {"ok": False, "error": self.error}
        action = self.response_action
        return {"ok": True, "response_action": action} if action else {"ok": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member, guest, stranger or bot user."""

    id: str
    name: str
    real_name: str
    team: str
    color: str
    role_hint: str = ""
    bot_id: str = ""
    app_id: str = ""
    deleted: bool = False
    is_bot: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False

    def as_slack(self) -> Payload:
        """Return Slack's user object."""
        profile = {
            "real_name": self.real_name,
            "display_name": self.name,
            "team": self.team,
        }
        if self.bot_id:
            profile |= {"bot_id": self.bot_id, "api_app_id": self.app_id}
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "deleted": self.deleted,
            "color": self.color,
            "real_name": self.real_name,
            "tz": "Europe/London",
            "tz_offset": 0,
            "profile": profile,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_stranger": self.is_stranger,
            "is_bot": self.is_bot,
            "is_app_user": False,
        }

    def as_page(self) -> Payload:
        """Return what the web page shows of the person."""
        return {
            "id": self.id,
            "name": self.name,
            "real_name": self.real_name,
            "is_bot": self.is_bot,
            "is_restricted": self.is_restricted,
            "deleted": self.deleted,
            "color": self.color,
            "role_hint": self.role_hint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A public or private channel, or a direct message between two."""

    id: str
    name: str
    created: int
    creator: str
    members: tuple[str, ...]
    topic: str = ""
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False

    @property
    def kind(self) -> str:
        """Return Slack's `channel_type`."""
        if self.is_im:
            return "im"
        return "group" if self.is_private else "channel"

    @property
    def scope_family(self) -> str:
        """Return the first half of the scopes that open this conversation."""
        return {"im": "im", "group": "groups", "channel": "channels"}[self.kind]

    def visible_to(self, user: str) -> bool:
        """Tell whether *user* may read the conversation."""
        open_to_all = not self.is_private and not self.is_im
        return open_to_all or user in self.members

    def partner(self, user: str) -> str:
        """Return with whom *user* talks here."""
        return next((member for member in self.members if member != user), user)

    def as_slack(self, viewer: str) -> Payload:
        """Return Slack's conversation object as *viewer* gets it."""
        shared = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.is_archived,
            "is_im": self.is_im,
        }
        if self.is_im:
            return {**shared, "user": self.partner(viewer), "is_open": True}
        return {
            **shared,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "creator": self.creator,
            "is_member": viewer in self.members,
            "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }

    def as_page(self, viewer: str) -> Payload:
        """Return what the web page shows of the conversation."""
        return {
            "id": self.id,
            "name": self.name,
            "is_private": self.is_private,
            "topic": self.topic,
            "is_im": self.is_im,
            "user": self.partner(viewer) if self.is_im else None,
            "is_member": viewer in self.members,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A user group (`@platform`)."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]

    def as_slack(self, team: str) -> Payload:
        """Return Slack's user group object."""
        return {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "name": self.name,
            "handle": self.handle,
            "description": "",
            "date_delete": 0,
            "user_count": len(self.members),
            "users": list(self.members),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An uploaded file; `content` is None until its bytes have arrived."""

    id: str
    name: str
    title: str
    mimetype: str
    declared_size: int
    owner: str
    created: int
    content: bytes | None = None
    snippet_type: str = ""
    channels: tuple[str, ...] = ()

    def as_slack(self, url: str) -> Payload:
        """Return Slack's file object; *url* is the address of this server."""
        address = f"{url}/files/{self.id}"
        name = quote(self.name)
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": self.snippet_type or self.name.rpartition(".")[2],
            "mode": "snippet" if self.snippet_type else "hosted",
            "user": self.owner,
            "size": self.declared_size,
            "channels": list(self.channels),
            "url_private": f"{address}/{name}",
            "url_private_download": f"{address}/download/{name}",
        }
