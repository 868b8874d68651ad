"""Messages on their way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.people import ChannelId
from bot.domain.telling import Telling
from bot.ports.values import LetterId, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outbox row: one telling on its way to one thread."""

    id: LetterId
    thread: Thread
    telling: Telling
    attempts: int
    #: the message to change: the thread's own for what is told in place, else what
    #: the letter became before something in it was redacted
    message_ts: str | None
    revision: int = 0  #: how often something in it was redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Where a message is."""

    channel: ChannelId  #: of a direct message that of its conversation
    ts: str
    #: SHA-256, in hex, of what it shows; empty where it was deleted by Handrail
    digest: str = ""
    #: the message that Handrail deleted, to post this one in its place
    replaced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is kept of a message that stands in Slack, to find it changed later."""

    digest: str
    replaced: str | None
    at: datetime


class Outbox(Protocol):
    """Messages that are stored and not yet delivered, in order per thread."""

    async def due(self, at: datetime) -> tuple[Letter, ...]:
        """Return the next letter of each thread whose time has come, oldest first."""

    async def delivered(
        self,
        letter: Letter,
        message_ts: str | None,
        channel: ChannelId | None = None,
        *,
        shown: Shown | None = None,
    ) -> None:
        """Note a delivery, the message it became, and what that shows.

        *channel* is where that is, if not in the thread's own: a direct message is
        sent to a person, and changed in the conversation that it opened.
        A letter that was redacted meanwhile stays due, to change that message.
        """

    async def postpone(self, letter: Letter, until: datetime, error: str) -> None:
        """Note a failed attempt; the thread waits until *until*."""

    async def give_up(self, letter: Letter, error: str) -> None:
        """Note that a letter will never be delivered, and why."""
