"""What people said in threads: its order, and what of it was missed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.audit import Deed
from bot.domain.people import Actor, ChannelId
from bot.domain.run import ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenThread:
    """A thread in which a word may still change something."""

    id: ThreadId
    #: where it is told, as channel and `ts`: its own place, and that in its stead
    places: tuple[tuple[ChannelId, str], ...]
    seen_ts: str  #: of the newest reply that was read; "" for none yet


class Words(Protocol):
    """Each method is one transaction, and may raise StoreUnavailable."""

    async def note(self, actor: Actor, stacks: Sequence[StackName], ts: str) -> None:
        """Note that *actor* said a word on the locks of *stacks* at *ts*.

        Before anything is done of it. Raises LateWord where they said a newer one.
        """

    async def ask_again(self, thread: ThreadId, said: Said, deed: Deed) -> None:
        """Ask in *thread* whether a word is still meant, with the audit row."""

    async def give_up(self, at: datetime) -> int:
        """Tell those who sent a command that died with whoever heard it.

        It is acted on no more. Returns how many there were.
        """

    async def open_threads(self, at: datetime) -> tuple[OpenThread, ...]:
        """Return those in which replies are read, newest first.

        Of runs that are not over, keep their stack busy or ended within a day; of
        holds; and of cards of the last day.
        """

    async def note_read(self, thread: ThreadId, ts: str) -> None:
        """Note that every reply up to *ts* was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was read of a thread."""

    newest: str = ""  #: the `ts` of the newest reply that is there, "" for none
    #: acts on what is left: from a lock on that other threads may take back
    rest: Callable[[], Awaitable[None]] | None = None


class Replies(Protocol):
    """What people replied in threads, as Slack keeps it."""

    async def hear(self, channel: ChannelId, thread_ts: str, since: str) -> Heard:
        """Act on what was replied after *since*, oldest first, as if just delivered.

        What may have been taken back in another thread is left until all were read.
        Raises RepliesUnavailable where Slack could not be asked, and WordUnheard, as
        the rest does, where the record could not.
        """
