"""Trigger ids: leave to open one modal, for three seconds."""

import secrets
import time
from collections.abc import Callable

from bot.sandbox.values import MethodError

_SECONDS = 3.0


class Triggers:
    """Gives out trigger ids and takes each back once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()

    def new(self, user: str) -> str:
        """Return a trigger id for what *user* just did."""
        trigger = f"{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._open[trigger] = (user, self._clock())
        return trigger

    def redeem(self, trigger: str) -> str:
        """Return who triggered, or refuse as Slack does."""
        if trigger in self._used:
            raise MethodError("exchanged_trigger_id")
        user, since = self._open.get(trigger, ("", 0.0))
        if not user:
            raise MethodError("invalid_trigger_id")
        if self._clock() - since > _SECONDS:
            raise MethodError("expired_trigger_id")
        self._used.add(trigger)
        return user
