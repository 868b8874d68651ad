"""response_url: five messages within half an hour, wherever the person was."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.methods.chat import content
from bot.sandbox.values import MethodError, Payload
from bot.sandbox.workspace import Workspace

#: https://docs.slack.dev/interactivity/handling-user-interaction
USES, SECONDS = 5, 30 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a response goes: who acted, where, and on which message."""

    user: str
    channel: str
    message_ts: str = ""
    is_ephemeral: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    origin: Origin
    since: float
    left: int


class Responses:
    """The response URLs given out."""

    def __init__(
        self, workspace: Workspace, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._workspace = workspace
        self._clock = clock
        self._open: dict[str, _Open] = {}

    def url_for(self, origin: Origin) -> str:
        """Return a new response URL."""
        token = secrets.token_urlsafe(18)
        self._open[token] = _Open(origin=origin, since=self._clock(), left=USES)
        return f"{self._workspace.url}/response/{token}"

    def use(self, token: str, body: Payload) -> None:
        """Carry out one POST to a response URL, or refuse it."""
        given = self._open.get(token)
        if given is None or self._clock() - given.since > SECONDS:
            raise MethodError("expired_url")
        if given.left == 0:
            raise MethodError("used_url")
        self._open[token] = replace(given, left=given.left - 1)
        respond(self._workspace, given.origin, body)


def respond(workspace: Workspace, origin: Origin, body: Payload) -> None:
    """Post, replace or delete as *body* says: ephemeral unless `in_channel`."""
    arguments = Arguments(body)
    if arguments.flag("delete_original") and origin.message_ts:
        _delete(workspace, origin)
        return
    message = content(arguments)
    if arguments.flag("replace_original") and origin.message_ts:
        _replace(workspace, origin, message)
        return
    if arguments.text("thread_ts"):
        message["thread_ts"] = arguments.text("thread_ts")
    if arguments.text("response_type") == "in_channel":
        workspace.post_as_app(workspace.channel(origin.channel), message)
        return
    workspace.show_only(origin.user, origin.channel, message)


def _delete(workspace: Workspace, origin: Origin) -> None:
    if origin.is_ephemeral:
        workspace.dismiss(_ephemeral(workspace, origin))
        return
    workspace.messages.remove(workspace.channel(origin.channel), origin.message_ts)


def _replace(workspace: Workspace, origin: Origin, message: Payload) -> None:
    if origin.is_ephemeral:
        shown = _ephemeral(workspace, origin)
        workspace.replace_ephemeral(shown, message)
        return
    edited = {"user": workspace.bot.id, "ts": f"{time.time():.6f}"}
    workspace.messages.change(
        workspace.channel(origin.channel),
        origin.message_ts,
        {"blocks": None, **message, "edited": edited},
    )


def _ephemeral(workspace: Workspace, origin: Origin) -> Payload:
    for shown in workspace.ephemerals:
        if shown["ts"] == origin.message_ts:
            return shown
    raise MethodError("message_not_found")
