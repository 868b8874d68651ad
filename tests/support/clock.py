"""A clock that goes on by itself, and that a test can set forward."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Ahead:
    """The time now, and as much later as a test let pass."""

    by: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by

    def seconds(self) -> float:
        """Return what a workspace that goes by this clock takes for its time."""
        return self().timestamp()

    def passes(self, **time: float) -> None:
        """Let time go by."""
        self.by += timedelta(**time)
