"""What a Web API method is, and the checks that several share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bot.sandbox.methods.arguments import Arguments
from bot.sandbox.pacing import TIER_3, Pace
from bot.sandbox.values import Channel, MethodError, Payload
from bot.sandbox.workspace import Workspace

Run: TypeAlias = Callable[[Workspace, Arguments], Payload]


_TIER_3 = Pace.per_minute(TIER_3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method by name, with its pace, its scope and the tokens it takes."""

    name: str
    run: Run
    pace: Pace | None = _TIER_3
    scope: str = ""
    tokens: frozenset[str] = frozenset({"bot"})


def need_scope(workspace: Workspace, scope: str) -> None:
    """Refuse with `missing_scope` unless the manifest asks for *scope*."""
    granted = workspace.manifest.bot_scopes
    if scope and scope not in granted:
        raise MethodError(
            "missing_scope", needed=scope, provided=",".join(sorted(granted))
        )


def conversation(
    workspace: Workspace, arguments: Arguments, *, half: str, member: bool = False
) -> Channel:
    """Return the `channel` argument's conversation if the bot may see it.

    *half* is the second half of the scope, `read` or `history`; *member* asks
    that the bot has joined.
    """
    asked = arguments.required("channel", "channel_not_found")
    channel = workspace.seen_by(workspace.bot.id, asked)
    need_scope(workspace, f"{channel.scope_family}:{half}")
    if member and workspace.bot.id not in channel.members:
        raise MethodError("not_in_channel")
    return channel
