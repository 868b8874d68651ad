"""chat.*: posting, editing and deleting messages."""

import secrets
import time

from bot.sandbox import limits
from bot.sandbox.escaping import tidy
from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method
from bot.sandbox.pacing import POSTING, TIER_3, TIER_4, Pace
from bot.sandbox.values import Channel, MethodError, Payload, Person
from bot.sandbox.workspace import Workspace


def post_message(workspace: Workspace, arguments: Arguments) -> Payload:
    """Post a message of the app's own."""
    channel = _writable(workspace, arguments)
    body = content(arguments)
    text = body.get("text", "")
    body["text"] = text[: limits.POSTED_TEXT]
    body |= _place(workspace, channel, arguments)
    message = workspace.post_as_app(channel, body)
    answer = {"channel": channel.id, "ts": message["ts"], "message": message}
    if len(text) <= limits.POSTED_TEXT:
        return answer
    warnings = ["message_truncated"]
    return {
        **answer,
        "warning": warnings[0],
        "response_metadata": {"warnings": warnings},
    }


def update(workspace: Workspace, arguments: Arguments) -> Payload:
    """Replace the text or blocks of a message of the app's own."""
    channel = _existing(workspace, arguments)
    ts = arguments.required("ts", "message_not_found")
    old = _own(workspace, channel, ts, "cant_update_message")
    _check_edit_window(workspace, old)
    body = content(arguments)
    if len(body.get("text", "")) > limits.UPDATED_TEXT:
        raise MethodError("msg_too_long")
    _check_same_kind(old, body)
    if body.get("metadata") == {}:
        body["metadata"] = None
    edited = {"user": workspace.bot.id, "ts": f"{time.time():.6f}"}
    message = workspace.messages.change(channel, ts, {**body, "edited": edited})
    text = message.get("text", "")
    return {"channel": channel.id, "ts": ts, "text": text, "message": message}


def delete(workspace: Workspace, arguments: Arguments) -> Payload:
    """Delete a message of the app's own."""
    channel = _existing(workspace, arguments)
    ts = arguments.required("ts", "message_not_found")
    _own(workspace, channel, ts, "cant_delete_message")
    workspace.messages.remove(channel, ts)
    return {"channel": channel.id, "ts": ts}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> Payload:
    """Show one member of a channel a message that nobody keeps."""
    channel = _writable(workspace, arguments)
    user = workspace.person(arguments.required("user"))
    if user.deleted or user.id not in channel.members:
        raise MethodError("user_not_in_channel")
    body = content(arguments)
    thread_ts = arguments.text("thread_ts")
    if thread_ts:
        body["thread_ts"] = thread_ts
    if thread_ts and not _is_active(workspace, channel, thread_ts):
        # Slack accepts it and shows it to nobody.
        return {"message_ts": workspace.mint.ts()}
    shown = workspace.show_only(user.id, channel.id, body)
    return {"message_ts": shown["ts"]}


def get_permalink(workspace: Workspace, arguments: Arguments) -> Payload:
    """Return the address of a message."""
    asked = arguments.required("channel", "channel_not_found")
    channel = workspace.seen_by(workspace.bot.id, asked)
    ts = arguments.required("message_ts", "message_not_found")
    message = workspace.messages.find(channel.id, ts)
    link = f"{workspace.url}/archives/{channel.id}/p{ts.replace('.', '')}"
    root = message.get("thread_ts", ts)
    if root != ts:
        link += f"?thread_ts={root}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def content(arguments: Arguments) -> Payload:
    """Return the checked text, blocks, attachments and metadata of a message."""
    body: Payload = {}
    if arguments.text("markdown_text"):
        return _markdown(arguments)
    if "text" in arguments:
        body["text"] = tidy(arguments.text("text"))
    blocks = arguments.json("blocks", "invalid_blocks_format")
    if blocks is not None:
        limits.check_blocks(blocks)
        body["blocks"] = _named(blocks)
    if "attachments" in arguments:
        body["attachments"] = arguments.json("attachments", "invalid_attachments")
    if not any(body.values()):
        raise MethodError("no_text")
    metadata = arguments.json("metadata", "invalid_metadata_format")
    if metadata is not None:
        limits.check_metadata(metadata)
        body["metadata"] = metadata
    return body


def _markdown(arguments: Arguments) -> Payload:
    text = arguments.text("markdown_text")
    if arguments.text("text") or "blocks" in arguments:
        raise MethodError("markdown_text_conflict")
    if len(text) > 12_000:
        raise MethodError("msg_too_long")
    return {"text": tidy(text)}


def _named(blocks: object) -> list[Payload]:
    """Return *blocks* with the block and action ids that Slack fills in."""
    assert isinstance(blocks, list)  # noqa: S101  # checked by limits
    named = []
    for block in blocks:
        parts = block.get("elements")
        filled = {"block_id": secrets.token_urlsafe(4), **block}
        if block["type"] == "actions" and parts:
            filled["elements"] = [
                {"action_id": secrets.token_urlsafe(4), **part} for part in parts
            ]
        named.append(filled)
    return named


def _place(workspace: Workspace, channel: Channel, arguments: Arguments) -> Payload:
    thread_ts = arguments.text("thread_ts")
    if not thread_ts:
        return {}
    if not arguments.flag("reply_broadcast"):
        return {"thread_ts": thread_ts}
    root = workspace.messages.thread(channel.id, thread_ts)[0]
    return {"thread_ts": thread_ts, "subtype": "thread_broadcast", "root": root}


def _writable(workspace: Workspace, arguments: Arguments) -> Channel:
    asked = arguments.required("channel", "channel_not_found")
    if asked in workspace.people:
        return _direct(workspace, workspace.people[asked])
    by_name = {f"#{c.name}": c.id for c in workspace.channels.values() if not c.is_im}
    channel = workspace.seen_by(workspace.bot.id, by_name.get(asked, asked))
    anywhere = "chat:write.public" in workspace.manifest.bot_scopes
    if workspace.bot.id not in channel.members and not anywhere:
        raise MethodError("not_in_channel")
    if channel.is_archived:
        raise MethodError("is_archived")
    if channel.is_im and not workspace.manifest.messages_tab:
        raise MethodError("messages_tab_disabled")
    return channel


def _direct(workspace: Workspace, person: Person) -> Channel:
    if person.is_bot:
        raise MethodError("cannot_dm_bot")
    if not workspace.manifest.messages_tab:
        raise MethodError("messages_tab_disabled")
    # A conversation outlives the account, and nobody reads what is said in it:
    # https://github.com/slackapi/python-slack-sdk/issues/1156
    if person.deleted and workspace.opened_with(person.id) is None:
        raise MethodError("channel_not_found")
    return workspace.direct_message(person.id)


def _existing(workspace: Workspace, arguments: Arguments) -> Channel:
    asked = arguments.required("channel", "channel_not_found")
    channel = workspace.seen_by(workspace.bot.id, asked)
    if channel.is_archived:
        raise MethodError("is_archived")
    return channel


def _own(workspace: Workspace, channel: Channel, ts: str, error: str) -> Payload:
    message = workspace.messages.find(channel.id, ts)
    if message.get("subtype") == "tombstone":
        raise MethodError("message_not_found")
    if message.get("bot_id") != workspace.bot.bot_id:
        raise MethodError(error)
    return message


def _check_edit_window(workspace: Workspace, message: Payload) -> None:
    window = workspace.edit_window
    if window == "always":
        return
    if window == "never" or time.time() - float(message["ts"]) > window:
        raise MethodError("edit_window_closed")


def _check_same_kind(old: Payload, new: Payload) -> None:
    def is_rich(message: Payload) -> bool:
        return any(b["type"] == "rich_text" for b in message.get("blocks") or ())

    if is_rich(old) and new.get("blocks") and not is_rich(new):
        raise MethodError("block_mismatch")


def _is_active(workspace: Workspace, channel: Channel, thread_ts: str) -> bool:
    parent = workspace.messages.find(channel.id, thread_ts)
    return bool(parent.get("reply_count") or parent.get("thread_ts"))


METHODS = (
    Method(name="chat.postMessage", run=post_message, pace=POSTING, scope="chat:write"),
    Method(
        name="chat.update",
        run=update,
        pace=Pace.per_minute(TIER_3),
        scope="chat:write",
    ),
    Method(
        name="chat.delete",
        run=delete,
        pace=Pace.per_minute(TIER_3),
        scope="chat:write",
    ),
    Method(
        name="chat.postEphemeral",
        run=post_ephemeral,
        pace=Pace.per_minute(TIER_4),
        scope="chat:write",
    ),
    Method(name="chat.getPermalink", run=get_permalink, pace=None),
)
