"""files.*: uploading in three steps, describing and deleting."""

import asyncio
import mimetypes
import time
from dataclasses import replace

from bot.sandbox.limits import SNIPPET_BYTES
from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.method import Method
from bot.sandbox.pacing import TIER_4, Pace
from bot.sandbox.values import Channel, File, MethodError, Payload
from bot.sandbox.workspace import Workspace

#: Slack shares after it has answered; long enough to be seen by a test.
SHARE_DELAY_S = 0.02


def get_upload_url(workspace: Workspace, arguments: Arguments) -> Payload:
    """Announce a file and return where its bytes go."""
    name = arguments.required("filename", "missing_argument")
    length = arguments.text("length")
    if not length.isdecimal() or int(length) == 0:
        raise MethodError("missing_argument")
    snippet = arguments.text("snippet_type")
    if snippet and int(length) > SNIPPET_BYTES:
        raise MethodError("snippet_too_large")
    file = File(
        id=workspace.mint.id("F"),
        name=name.replace("/", "_"),
        title=name,
        mimetype=mimetypes.guess_type(name)[0] or "text/plain",
        declared_size=int(length),
        owner=workspace.bot.id,
        created=int(time.time()),
        snippet_type=snippet,
    )
    workspace.files[file.id] = file
    return {"upload_url": f"{workspace.url}/upload/{file.id}", "file_id": file.id}


def complete_upload(workspace: Workspace, arguments: Arguments) -> Payload:
    """Finish uploads and share them, a moment after the answer."""
    asked = arguments.json("files")
    titles = _titles(asked)
    files = [_uploaded(workspace, file) for file in titles]
    channel = _destination(workspace, arguments)
    for file in files:
        title = titles[file.id] or file.title
        shared_in = (channel.id,) if channel else ()
        workspace.files[file.id] = replace(file, title=title, channels=shared_in)
    if channel is not None:
        asyncio.get_running_loop().call_later(
            SHARE_DELAY_S, _share, workspace, channel, list(titles), arguments
        )
    return {
        "files": [workspace.files[file.id].as_slack(workspace.url) for file in files]
    }


def info(workspace: Workspace, arguments: Arguments) -> Payload:
    """Describe a file, with where it was shared."""
    file = _known(workspace, arguments.required("file", "file_not_found"))
    shares: Payload = {}
    for channel in file.channels:
        posts = [
            {"ts": m["ts"], "thread_ts": m.get("thread_ts")}
            for m in workspace.messages.of(channel)
            if any(shared["id"] == file.id for shared in m.get("files", ()))
        ]
        kind = "private" if workspace.channel(channel).is_private else "public"
        shares.setdefault(kind, {})[channel] = posts
    return {"file": {**file.as_slack(workspace.url), "shares": shares}}


def delete(workspace: Workspace, arguments: Arguments) -> Payload:
    """Delete a file of the app's own; its messages keep a placeholder."""
    file = _known(workspace, arguments.required("file", "file_not_found"))
    if file.owner != workspace.bot.id:
        raise MethodError("cant_delete_file")
    del workspace.files[file.id]
    workspace.deleted_files.add(file.id)
    gone = {"id": file.id, "mode": "tombstone"}
    for channel in file.channels:
        for message in workspace.messages.of(channel):
            kept = [gone if f["id"] == file.id else f for f in message.get("files", ())]
            if gone in kept:
                workspace.messages.change(
                    workspace.channel(channel), message["ts"], {"files": kept}
                )
    return {}


def _titles(asked: object) -> dict[str, str | None]:
    entries = asked if isinstance(asked, list) else []
    named = [e for e in entries if isinstance(e, dict) and e.get("id")]
    if not named or len(named) < len(entries):
        raise MethodError("invalid_arguments")
    return {entry["id"]: entry.get("title") for entry in named}


def _known(workspace: Workspace, file: str) -> File:
    if file in workspace.deleted_files:
        raise MethodError("file_deleted")
    try:
        return workspace.files[file]
    except KeyError:
        raise MethodError("file_not_found") from None


def _uploaded(workspace: Workspace, file: str) -> File:
    known = _known(workspace, file)
    if known.content is None:
        raise MethodError("file_not_found")
    return known


def _destination(workspace: Workspace, arguments: Arguments) -> Channel | None:
    if not arguments.text("channel_id"):
        return None
    channel = workspace.seen_by(workspace.bot.id, arguments.text("channel_id"))
    if workspace.bot.id not in channel.members:
        raise MethodError("not_in_channel")
    if channel.is_archived:
        raise MethodError("posting_to_channel_denied")
    return channel


def _share(
    workspace: Workspace, channel: Channel, files: list[str], arguments: Arguments
) -> None:
    thread_ts = arguments.text("thread_ts")
    known = {message["ts"] for message in workspace.messages.of(channel.id)}
    shared = [
        workspace.files[file].as_slack(workspace.url)
        for file in files
        if file in workspace.files
    ]
    if not shared or (thread_ts and thread_ts not in known):
        return
    body = {
        "text": arguments.text("initial_comment"),
        "files": shared,
        "upload": False,
        "display_as_bot": False,
    }
    if thread_ts:
        body["thread_ts"] = thread_ts
    workspace.post_as_app(channel, body)


_TIER_4 = Pace.per_minute(TIER_4)
METHODS = (
    Method(
        name="files.getUploadURLExternal",
        run=get_upload_url,
        pace=_TIER_4,
        scope="files:write",
    ),
    Method(
        name="files.completeUploadExternal",
        run=complete_upload,
        pace=_TIER_4,
        scope="files:write",
    ),
    Method(name="files.info", run=info, pace=_TIER_4, scope="files:read"),
    Method(name="files.delete", run=delete, scope="files:write"),
)
