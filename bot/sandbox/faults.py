"""What a test can make go wrong, once or several times, by method or event."""

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Delay:
    """Answer (or send the event) this many seconds later."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Cut the connection, before or after the call took effect."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class BadGateway:
    """Answer with an HTML error page, without calling the method."""

    status: int = 502


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """Answer 429 with Retry-After, or with *as_ok* the HTTP 200 form.

    Some chat methods say `rate_limited` in a body with HTTP 200.
    """

    retry_after: int = 1
    as_ok: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer `ok: false` with this error."""

    error: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Deliver an event twice, with one event id."""


Fault: TypeAlias = Delay | Drop | BadGateway | RateLimited | Refuse | Duplicate


class Faults:
    """The faults still to come, in the order they were added.

    Keys are method names (`chat.postMessage`) or event types (`message`).
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault]] = defaultdict(deque)

    def add(self, name: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next *times* uses of *name* meet *fault*."""
        self._waiting[name].extend([fault] * times)

    def take(self, name: str) -> Fault | None:
        """Return the fault that this use of *name* meets."""
        waiting = self._waiting.get(name)
        return waiting.popleft() if waiting else None

    def clear(self) -> None:
        """Forget every fault still to come."""
        self._waiting.clear()
