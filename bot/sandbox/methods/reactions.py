"""reactions.*: emoji on messages."""

from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method
from bot.sandbox.pacing import TIER_2, Pace
from bot.sandbox.values import MethodError, Payload
from bot.sandbox.workspace import Workspace


def add(workspace: Workspace, arguments: Arguments) -> Payload:
    """Add the bot's reaction to a message."""
    users = _reacted(workspace, arguments)
    if workspace.bot.id in users:
        raise MethodError("already_reacted")
    return _set(workspace, arguments, [*users, workspace.bot.id])


def remove(workspace: Workspace, arguments: Arguments) -> Payload:
    """Take the bot's reaction back."""
    users = _reacted(workspace, arguments)
    if workspace.bot.id not in users:
        raise MethodError("no_reaction")
    return _set(workspace, arguments, [u for u in users if u != workspace.bot.id])


def _reacted(workspace: Workspace, arguments: Arguments) -> list[str]:
    message = _message(workspace, arguments)
    name = arguments.required("name", "no_item_specified").strip(":")
    reactions = message.get("reactions", ())
    return next((list(r["users"]) for r in reactions if r["name"] == name), [])


def _set(workspace: Workspace, arguments: Arguments, users: list[str]) -> Payload:
    message = _message(workspace, arguments)
    name = arguments.text("name").strip(":")
    others = [r for r in message.get("reactions", ()) if r["name"] != name]
    mine = [{"name": name, "users": users, "count": len(users)}] if users else []
    workspace.messages.annotate(
        arguments.text("channel"), message["ts"], {"reactions": others + mine}
    )
    return {}


def _message(workspace: Workspace, arguments: Arguments) -> Payload:
    asked = arguments.required("channel", "channel_not_found")
    channel = workspace.seen_by(workspace.bot.id, asked)
    ts = arguments.required("timestamp", "no_item_specified")
    return workspace.messages.find(channel.id, ts)


METHODS = (
    Method(name="reactions.add", run=add, scope="reactions:write"),
    Method(
        name="reactions.remove",
        run=remove,
        pace=Pace.per_minute(TIER_2),
        scope="reactions:write",
    ),
)
