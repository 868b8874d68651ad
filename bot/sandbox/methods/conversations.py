"""conversations.*: channels, their members and their history."""

import base64
import binascii
from collections.abc import Callable

from bot.sandbox.messages import is_hidden_reply
from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method, conversation, need_scope
from bot.sandbox.pacing import TIER_2, TIER_4, Pace
from bot.sandbox.values import Channel, MethodError, Payload
from bot.sandbox.workspace import Workspace

_FAMILIES = {"public_channel": "channels", "private_channel": "groups", "im": "im"}
_MOST = 999


def info(workspace: Workspace, arguments: Arguments) -> Payload:
    """Describe a conversation."""
    channel = conversation(workspace, arguments, half="read")
    return {"channel": channel.as_slack(workspace.bot.id)}


def list_(workspace: Workspace, arguments: Arguments) -> Payload:
    """List the conversations of the asked-for types."""
    kinds = arguments.text("types", "public_channel").split(",")
    families = {_family(kind) for kind in kinds} - {"mpim"}
    for family in sorted(families):
        need_scope(workspace, f"{family}:read")
    with_archived = not arguments.flag("exclude_archived")
    found = [
        channel.as_slack(workspace.bot.id)
        for channel in workspace.channels.values()
        if channel.scope_family in families
        and channel.visible_to(workspace.bot.id)
        and (with_archived or not channel.is_archived)
    ]
    channels, metadata = arguments.page(found, default=100)
    return {"channels": channels, "response_metadata": metadata}


def members(workspace: Workspace, arguments: Arguments) -> Payload:
    """List who is in a conversation."""
    channel = conversation(workspace, arguments, half="read")
    users, metadata = arguments.page(channel.members, default=100)
    return {"members": users, "response_metadata": metadata}


def history(workspace: Workspace, arguments: Arguments) -> Payload:
    """Return top-level messages, newest first."""
    channel = conversation(workspace, arguments, half="history", member=True)
    limit = arguments.count("limit", default=100, most=_MOST)
    in_range = _range(arguments)
    newest_first = [
        message
        for message in reversed(workspace.messages.of(channel.id))
        if not is_hidden_reply(message) and in_range(message)
    ]
    upto = _decode(arguments.text("cursor"))
    if upto:
        newest_first = [m for m in newest_first if m["ts"] <= upto]
    return _paged(newest_first, limit, arguments)


def replies(workspace: Workspace, arguments: Arguments) -> Payload:
    """Return a thread, the parent first."""
    channel = conversation(workspace, arguments, half="history", member=True)
    limit = arguments.count("limit", default=100, most=_MOST)
    thread = _thread(workspace, channel, arguments.required("ts"))
    after = _decode(arguments.text("cursor"))
    in_range = _range(arguments)
    oldest_first = [
        message for message in thread if message is thread[0] or in_range(message)
    ]
    if after:
        oldest_first = [m for m in oldest_first if m["ts"] >= after]
    return _paged(oldest_first, limit, arguments)


def open_(workspace: Workspace, arguments: Arguments) -> Payload:
    """Open the direct message with one person."""
    need_scope(workspace, "im:write")
    users = [user for user in arguments.text("users").split(",") if user]
    if len(users) != 1:
        raise MethodError("users_list_not_supplied" if not users else "not_supported")
    person = workspace.person(users[0])
    if person.is_bot:
        raise MethodError("cannot_dm_bot")
    if person.deleted:
        raise MethodError("user_disabled")
    again = workspace.opened_with(person.id) is not None
    channel = workspace.direct_message(person.id)
    whole = channel.as_slack(workspace.bot.id)
    answer = {"channel": whole if arguments.flag("return_im") else {"id": channel.id}}
    return {**answer, "no_op": True, "already_open": True} if again else answer


def join(workspace: Workspace, arguments: Arguments) -> Payload:
    """Let the bot join a public channel."""
    need_scope(workspace, "channels:join")
    asked = arguments.required("channel", "channel_not_found")
    channel = workspace.seen_by(workspace.bot.id, asked)
    if channel.is_archived:
        raise MethodError("is_archived")
    if workspace.bot.id not in channel.members:
        channel = workspace.join(channel.id, workspace.bot.id)
    return {"channel": channel.as_slack(workspace.bot.id)}


def _family(kind: str) -> str:
    if kind == "mpim":
        return kind
    try:
        return _FAMILIES[kind]
    except KeyError:
        raise MethodError("invalid_types") from None


def _thread(workspace: Workspace, channel: Channel, ts: str) -> list[Payload]:
    try:
        return workspace.messages.thread(channel.id, ts)
    except MethodError:
        raise MethodError("thread_not_found") from None


def _range(arguments: Arguments) -> Callable[[Payload], bool]:
    oldest = _bound(arguments, "oldest", "0")
    latest = _bound(arguments, "latest", "inf")
    if arguments.flag("inclusive"):
        return lambda message: oldest <= float(message["ts"]) <= latest
    return lambda message: oldest < float(message["ts"]) < latest


def _bound(arguments: Arguments, name: str, default: str) -> float:
    try:
        return float(arguments.text(name) or default)
    except ValueError:
        raise MethodError(f"invalid_ts_{name}") from None


def _paged(messages: list[Payload], limit: int, arguments: Arguments) -> Payload:
    with_metadata = arguments.flag("include_all_metadata")
    shown = [m if with_metadata else _without_metadata(m) for m in messages[:limit]]
    more = messages[limit:]
    answer: Payload = {"messages": shown, "has_more": bool(more)}
    if more:
        answer["response_metadata"] = {"next_cursor": _encode(more[0]["ts"])}
    return answer


def _without_metadata(message: Payload) -> Payload:
    return {name: value for name, value in message.items() if name != "metadata"}


def _encode(ts: str) -> str:
    return base64.b64encode(f"next_ts:{ts}".encode()).decode()


def _decode(cursor: str) -> str:
    if not cursor:
        return ""
    try:
        label, _, ts = base64.b64decode(cursor).decode().partition(":")
    except (ValueError, binascii.Error):
        raise MethodError("invalid_cursor") from None
    if label != "next_ts":
        raise MethodError("invalid_cursor")
    return ts


METHODS = (
    Method(name="conversations.info", run=info),
    Method(name="conversations.list", run=list_, pace=Pace.per_minute(TIER_2)),
    Method(name="conversations.members", run=members, pace=Pace.per_minute(TIER_4)),
    Method(name="conversations.history", run=history),
    Method(name="conversations.replies", run=replies),
    Method(name="conversations.open", run=open_),
    Method(name="conversations.join", run=join),
)
