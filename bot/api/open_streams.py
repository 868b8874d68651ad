"""The streams that are open: so many of a key, and so many together."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bot.api.errors import Unanswerable
from bot.domain.errors import Refusal

OF_A_KEY: Final = 20
#: each asks the database twice a second, beside everything else that does
TOGETHER: Final = 100

_RETRY_AFTER: Final = {"Retry-After": "15"}


class OpenStreams:
    """Counts streams, and refuses those that are too many with Unanswerable."""

    def __init__(self, of_a_key: int = OF_A_KEY, together: int = TOGETHER) -> None:
        self._of_a_key = of_a_key
        self._together = together
        self._open: Counter[str] = Counter()

    @contextmanager
    def counted(self, key: str) -> Iterator[None]:
        """Count a stream of the key called *key* while the body runs."""
        if self._open[key] >= self._of_a_key:
            raise _too_many(
                f"The API key {key} reads {self._of_a_key} streams already. Close one."
            )
        if self._open.total() >= self._together:
            raise _too_many(
                f"{self._together} streams are open already, which is all that there "
                "are. Ask for the run itself until one is free."
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1


def _too_many(sentence: str) -> Unanswerable:
    return Unanswerable(sentence, code=Refusal.TOO_OFTEN, headers=_RETRY_AFTER)
