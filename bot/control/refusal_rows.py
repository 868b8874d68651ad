"""How many refusals of API keys stand in the audit: so many a minute of each key."""

from collections import Counter
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from bot.domain.people import Actor
from bot.ports import Clock

MINUTE: Final = timedelta(minutes=1)

#: of a key, in a minute
MOST: Final = 60
#: of all together who show no valid key, from however many addresses
MOST_OF_STRANGERS: Final = 100


class Row(Enum):
    """What a refusal becomes in the audit."""

    WHOLE = auto()
    AND_MORE = auto()  #: the one row that stands for all further ones of its minute
    NONE = auto()


class RefusalRows:
    """Counts the rows of each actor; whoever it is that has no id is a stranger."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: datetime | None = None
        self._rows: Counter[str] = Counter()

    def next(self, actor: Actor) -> Row:
        """Return what the next refusal of *actor* becomes, and count it."""
        self._begin_minute()
        self._rows[actor.id] += 1
        over = self._rows[actor.id] - (MOST if actor.id else MOST_OF_STRANGERS)
        if over <= 0:
            return Row.WHOLE
        return Row.AND_MORE if over == 1 else Row.NONE

    def _begin_minute(self) -> None:
        now = self._clock()
        # A clock that was set back would keep a minute going.
        if self._since is None or not self._since <= now < self._since + MINUTE:
            self._since = now
            self._rows.clear()
