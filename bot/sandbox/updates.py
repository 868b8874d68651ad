"""Server-sent events: the feed of changes as one person may see them."""

import asyncio
import json
from contextlib import suppress
from typing import Final

from aiohttp import web

from bot.sandbox.feed import Change
from bot.sandbox.values import Payload
from bot.sandbox.workspace import Workspace

_KEEP_ALIVE_S: Final = 15.0
#: Makes the page fetch the whole state again.
_REFETCH: Final[Payload] = {"type": "channel", "channel": None}


async def stream_updates(
    request: web.Request, workspace: Workspace, viewer: str
) -> web.StreamResponse:
    """Stream changes until either side closes, resuming from Last-Event-ID."""
    feed = workspace.feed
    stream = web.StreamResponse(headers={"Cache-Control": "no-store"})
    stream.content_type = "text/event-stream"
    await stream.prepare(request)
    last_seen = request.headers.get("Last-Event-ID", "")
    seen = _resumed(workspace, last_seen)
    # A page that is closed or looked at as somebody else ends its stream.
    with suppress(ConnectionResetError):
        if seen is None:
            seen = feed.last
            refetch = _REFETCH if last_seen else None
            await stream.write(_event(workspace, seen, refetch))
        await _follow(stream, workspace, viewer, seen)
    return stream


async def _follow(
    stream: web.StreamResponse, workspace: Workspace, viewer: str, seen: int
) -> None:
    feed = workspace.feed
    while not feed.closed:
        for change in feed.after(seen):
            seen = change.number
            payload = _as_seen(workspace, viewer, change)
            if payload is not None:
                await stream.write(_event(workspace, seen, payload))
        if feed.last == seen and not await _woken(workspace):
            await stream.write(b": still here\n\n")


async def _woken(workspace: Workspace) -> bool:
    try:
        async with asyncio.timeout(_KEEP_ALIVE_S):
            await workspace.feed.next_wake()
    except TimeoutError:
        return False
    return True


def _resumed(workspace: Workspace, last_seen: str) -> int | None:
    """Return the number to go on from, or None if it cannot be told."""
    life, _, number = last_seen.partition("-")
    if life != workspace.feed.life or not number.isdecimal():
        return None
    return int(number) if workspace.feed.covers(int(number)) else None


def _as_seen(workspace: Workspace, viewer: str, change: Change) -> Payload | None:
    if _may_see(workspace, viewer, change):
        return change.payload
    channel = workspace.channels.get(change.channel)
    if change.payload["type"] != "message" or channel is None or not channel.is_im:
        return None
    # One tries the bot as several people: whoever was told something has a dot.
    told = {"type": "told", "ts": change.payload["ts"]}
    return {**told, "user": channel.partner(workspace.bot.id)}


def _may_see(workspace: Workspace, viewer: str, change: Change) -> bool:
    if change.only_for:
        return change.only_for == viewer
    if not change.channel:
        return True
    return workspace.channel(change.channel).visible_to(viewer)


def _event(workspace: Workspace, number: int, payload: Payload | None) -> bytes:
    head = f"id: {workspace.feed.life}-{number}\n"
    data = f"data: {json.dumps(payload)}\n" if payload else ": welcome\n"
    return f"{head}{data}\n".encode()
