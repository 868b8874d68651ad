"""The payloads Slack sends to an app: events, slash commands, interactions."""

import time

from bot.sandbox.values import Channel, Payload, Person
from bot.sandbox.workspace import Workspace

_MESSAGE_EVENTS = {
    "channel": ("message.channels", "channels:history"),
    "group": ("message.groups", "groups:history"),
    "im": ("message.im", "im:history"),
}
# Deprecated by Slack in favour of signatures, and still sent.
_VERIFICATION = "sandbox-verification"


def heard_by_app(workspace: Workspace, channel: Channel | None, event: Payload) -> bool:
    """Tell whether the app is subscribed to *event* and may see it."""
    manifest = workspace.manifest
    if event["type"] != "message" or channel is None:
        return event["type"] in manifest.bot_events
    subscription, scope = _MESSAGE_EVENTS[channel.kind]
    return (
        subscription in manifest.bot_events
        and scope in manifest.bot_scopes
        and workspace.bot.id in channel.members
    )


def event_callback(workspace: Workspace, event: Payload) -> Payload:
    """Return the envelope of an event, with an event id of its own."""
    return {
        "token": _VERIFICATION,
        "team_id": workspace.team,
        "context_team_id": workspace.team,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": workspace.mint.id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team,
                "user_id": workspace.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }


def slash_command(
    workspace: Workspace, person: Person, channel: Channel, command: str, text: str
) -> Payload:
    """Return the fields of a slash command, without its response_url."""
    return {
        "token": _VERIFICATION,
        "team_id": person.team,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "trigger_id": workspace.triggers.new(person.id),
    }


def interaction(workspace: Workspace, person: Person, kind: str) -> Payload:
    """Return what every interaction carries, whatever its *kind*."""
    return {
        "type": kind,
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": person.team,
        },
        "api_app_id": workspace.app_id,
        "token": _VERIFICATION,
        "team": {"id": workspace.team, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_container(channel: Channel, message: Payload) -> Payload:
    """Return the parts of an interaction that say which message it was on."""
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": bool(message.get("is_ephemeral")),
    }
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    place = {
        "container": container,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": {}},
    }
    # Slack keeps no ephemeral message, and so can send none along.
    return place if container["is_ephemeral"] else {**place, "message": message}


def home_opened(
    workspace: Workspace, user: str, channel: Channel, tab: str = "home"
) -> Payload:
    """Return the event of a person looking at the app's Home, or its messages."""
    event: Payload = {
        "type": "app_home_opened",
        "user": user,
        "channel": channel.id,
        "tab": tab,
        "event_ts": workspace.mint.ts(),
    }
    view = workspace.views.home(user)
    return {**event, "view": view} if view and tab == "home" else event


def _channel_name(channel: Channel) -> str:
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name
