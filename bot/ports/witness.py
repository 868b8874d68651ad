"""What is compared to find out what was changed in the record or in Slack."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.witness import (
    Finding,
    KeptEnd,
    KeptThread,
    Root,
    SeenMessage,
    Witnessed,
)


class KeptMessages(Protocol):
    """The messages as the record has them."""

    async def channels(self) -> tuple[str, ...]:
        """Return every channel in which something was told, by their ids."""

    async def kept(self, channel: str, since: str) -> Mapping[int, KeptThread]:
        """Return the threads from *since* (a `ts`) on, by their own numbers."""

    async def thread(
        self, channel: str, number: int | None, roots: Collection[str]
    ) -> KeptThread | None:
        """Return the thread of that *number*, or with one of those *roots*, as it is.

        Only what it has in *channel*.
        """

    async def untold(self, channel: str) -> Sequence[Finding]:
        """Return the runs that no message tells of, nor one on its way."""

    async def ended(self, since: datetime, until: datetime) -> Sequence[KeptEnd]:
        """Return the newest audit row of each run's end that says so.

        Of the runs that were submitted from *since* on, and had ended by *until*; but
        for those of which there is an audit row that they could not be told.
        """

    async def rows(self, ordinals: Iterable[int]) -> Mapping[int, Witnessed]:
        """Return the audit rows of those ordinals that there are."""


class ShownMessages(Protocol):
    """The messages as Slack has them. Raises SlackUnavailable."""

    def roots(self, channel: str, since: str) -> AsyncIterator[Root]:
        """Yield what stands in the channel itself from *since* (a `ts`) on."""

    async def thread(self, channel: str, root: str) -> Sequence[SeenMessage]:
        """Return the messages of a thread, none where there is no such thread."""
