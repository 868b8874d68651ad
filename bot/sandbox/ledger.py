"""Every Web API call that came in, without its tokens."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.values import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call and its answer; `at` is seconds since the epoch.

    `answer` is what was sent, or would have been when the connection was cut;
    empty if the call had no effect.
    """

    method: str
    arguments: Payload
    answer: Payload
    at: float


class Ledger:
    """The calls in the order they were answered."""

    def __init__(self, secrets: frozenset[str], wake: Callable[[], None]) -> None:
        self.calls: list[Call] = []
        self._secrets = secrets
        self._wake = wake

    def add(self, method: str, arguments: Payload, answer: Payload) -> None:
        """Write a call down."""
        kept = {n: self._clean(v) for n, v in arguments.items() if n != "token"}
        # The one answer that opens a door is the address of a socket.
        told = {n: v for n, v in answer.items() if (method, n) != _TICKET}
        self.calls.append(
            Call(method=method, arguments=kept, answer=told, at=time.time())
        )
        self._wake()

    def _clean(self, value: object) -> object:
        if isinstance(value, dict):
            return {name: self._clean(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._clean(part) for part in value]
        if not isinstance(value, str):
            return value
        for secret in self._secrets:
            value = value.replace(secret, "(token)")
        return value


_TICKET = ("apps.connections.open", "url")
