"""What the record keeps for a time only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.run import RunId


class Perishables(Protocol):
    """Output, and what is known in order not to do a thing twice.

    Each method is one short transaction, so that nobody waits long for it. Where one
    returns True there is more of the same to do.
    """

    async def overdue(
        self, ended_before: datetime, limit: int, after: RunId
    ) -> Sequence[RunId]:
        """Return runs that ended before and whose output is there, all of it told.

        The first of them by their ids, from those *after* that one on.
        """

    async def drop_output(self, run: RunId, at: datetime) -> bool:
        """Drop some of the output, noting at first that it goes, and its audit row."""

    async def forget_deliveries(self, before: datetime) -> bool:
        """Forget some of what Slack had delivered before, but for people's words."""

    async def forget_words(self, before: datetime) -> bool:
        """Forget some of which words of people were heard before."""

    async def forget_requests(self, before: datetime) -> bool:
        """Forget some of the requests that came under a caller's own key before."""

    async def scrub(self) -> None:
        """Have nothing of what was dropped stay behind beside the tables."""
