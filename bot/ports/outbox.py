"""Messages on their way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.people import ChannelId, UserId
from bot.domain.telling import Telling
from bot.ports.values import LetterId, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """That a thread goes on elsewhere than where it began."""

    channel: ChannelId  #: where it began
    why: str  #: Slack's word for why nothing can be told there
    tried: int  #: how many other places were; 0: it goes on in its own channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outbox row: one telling on its way to one thread."""

    id: LetterId
    thread: Thread  #: where it goes on now
    telling: Telling
    attempts: int
    #: the message to change: the thread's own for what is told in place, else what
    #: the letter became before something in it was redacted
    message_ts: str | None
    revision: int = 0  #: how often something in it was redacted
    moved: Moved | None = None


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

    async def closing(self, at: datetime) -> tuple[Letter, ...]:
        """Return the final messages that only what is told in place stands before.

        They may go first: nobody sees in which order messages are changed.
        """

    async def postpone(
        self, letter: Letter, until: datetime, error: str, *, counts: bool = True
    ) -> None:
        """Note a failed attempt; the thread waits until *until*.

        One that does not count, because Slack was away, is the first at most.
        """

    async def move(
        self,
        letter: Letter,
        to: ChannelId,
        why: str,
        *,
        admins: Sequence[UserId],
    ) -> None:
        """Let the thread of *letter*, and *letter* with it, go on in *to*.

        It begins there with a first message of its own; *admins* are told directly.
        Where *to* is the thread's own channel, only its first message is another.
        """

    async def give_up(
        self, letter: Letter, error: str, at: datetime, *, everywhere: bool = False
    ) -> None:
        """Note, with an audit row, that a letter will never be delivered, and why.

        Where it was refused *everywhere*, the rest of its thread is tried where
        that began. A first message that its thread cannot do without is tried again
        an hour later.
        """
