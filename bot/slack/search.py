"""Find what Slack already has of a letter whose fate is unknown."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.audit import AuditHead
from bot.ports import Letter, Thread
from bot.slack.refusals import is_unreadable
from bot.slack.shown import digest_of

_EVENT: Final = "handrail"
_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What there is: the letter's own message, and a thread's files by their names."""

    message_ts: str | None = None
    digest: str = ""  #: of what that message shows
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NOTHING: Final = Traces()


def mark(letter: Letter, head: AuditHead | None = None) -> dict[str, Any]:
    """Return the message metadata by which *letter* is known again.

    *head* is the audit row that the message vouches for.
    """
    payload: dict[str, Any] = {
        "kind": type(letter.telling).__name__.lower(),
        "letter": letter.id,
        "run": letter.thread.run or 0,
    }
    if head is not None:
        payload |= {"audit": head.ordinal, "hash": head.hash}
    return {"event_type": _EVENT, "event_payload": payload}


async def search(client: AsyncWebClient, letter: Letter, since: datetime) -> Traces:
    """Look through the letter's thread, or from *since* on through its channel.

    Raises Slack's errors, but for those that say that nothing can be read there.
    """
    own, message_ts, digest = mark(letter), None, ""
    files: dict[str, tuple[str, ...]] = {}
    try:
        async for message in _messages(client, letter.thread, since):
            for name, file in _files(message):
                files[name] = (*files.get(name, ()), file)
            if _bears(message, own):
                message_ts, digest = str(message["ts"]), digest_of(message)
    except SlackApiError as error:
        if not is_unreadable(error):
            raise
    return Traces(message_ts=message_ts, digest=digest, files=files)


def _bears(message: dict[str, Any], own: dict[str, Any]) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return bool(
        metadata.get("event_type") == _EVENT
        and own["event_payload"].items() <= payload.items()
    )


def _files(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for file in message.get("files", ()):
        # Of one that was deleted Slack leaves a tombstone, which has no name.
        if file.get("name"):
            yield file["name"], file["id"]


async def _messages(
    client: AsyncWebClient, thread: Thread, since: datetime
) -> AsyncIterator[dict[str, Any]]:
    if thread.ts is not None:
        pages = await client.conversations_replies(
            channel=thread.channel,
            ts=thread.ts,
            limit=_PAGE,
            include_all_metadata=True,
        )
    else:
        pages = await client.conversations_history(
            channel=thread.channel,
            oldest=f"{since.timestamp():.6f}",
            limit=_PAGE,
            include_all_metadata=True,
        )
    async for page in pages:
        for message in page["messages"]:
            yield message
