"""How payloads reach the app: once, or for events until acknowledged."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from bot.sandbox.faults import Delay, Duplicate, Faults
from bot.sandbox.values import Payload

#: Slack sends an event again at once, after one minute and after five.
RETRY_DELAYS_S = (0.0, 60.0, 300.0)


class Kind(StrEnum):
    """The three kinds of envelope."""

    EVENT = "events_api"
    SLASH = "slash_commands"
    INTERACTIVE = "interactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One payload on its way; `attempt` counts retries from 0."""

    kind: Kind
    payload: Payload
    attempt: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """How the app took a parcel; `error` is Slack's word if it did not."""

    ok: bool
    payload: Payload | None = None
    error: str = ""
    retry: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A line of the delivery ledger."""

    parcel: Parcel
    acknowledgement: Acknowledgement


class Transport(Protocol):
    """A way to the app: sockets, or signed HTTP."""

    async def send(self, parcel: Parcel) -> Acknowledgement:
        """Hand *parcel* over once and return within Slack's deadline."""


class Delivery:
    """Sends parcels over the transport in use and remembers them."""

    def __init__(
        self,
        transport: Transport,
        faults: Faults,
        wake: Callable[[], None],
        *,
        time_scale: float = 1.0,
    ) -> None:
        self.transport = transport
        self.log: list[Delivered] = []
        self._faults = faults
        self._wake = wake
        self._time_scale = time_scale
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[Kind, Parcel] = {}
        self._last_kind: Kind | None = None

    async def once(self, kind: Kind, payload: Payload) -> Acknowledgement:
        """Deliver a slash command or interaction, which Slack never repeats."""
        return await self._send(self._remembered(Parcel(kind=kind, payload=payload)))

    def event(self, payload: Payload, *, by_person: bool) -> None:
        """Deliver an event in the background, again until acknowledged."""
        parcel = Parcel(kind=Kind.EVENT, payload=payload)
        if by_person:
            self._remembered(parcel)
        fault = self._faults.take(payload["event"]["type"])
        for _ in range(2 if isinstance(fault, Duplicate) else 1):
            self.spawn(self._persist(parcel, fault))

    async def again(self, kind: Kind | None = None) -> Acknowledgement:
        """Deliver a person's last act again, as Slack does after a lost ack."""
        wanted = kind or self._last_kind
        if wanted is None or wanted not in self._last:
            raise LookupError("nothing was delivered yet")
        parcel = self._last[wanted]
        if parcel.kind is Kind.EVENT:
            parcel = replace(parcel, attempt=1, reason="timeout")
        return await self._send(parcel)

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run *work* in the background until it ends or delivery closes."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Give up on what is still under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _persist(self, parcel: Parcel, fault: object) -> None:
        if isinstance(fault, Delay):
            await asyncio.sleep(fault.seconds)
        outcome = await self._send(parcel)
        for attempt, delay in enumerate(RETRY_DELAYS_S, start=1):
            if outcome.ok or not outcome.retry:
                return
            await asyncio.sleep(delay * self._time_scale)
            outcome = await self._send(
                replace(parcel, attempt=attempt, reason=outcome.error)
            )

    async def _send(self, parcel: Parcel) -> Acknowledgement:
        outcome = await self.transport.send(parcel)
        self.log.append(Delivered(parcel=parcel, acknowledgement=outcome))
        self._wake()
        return outcome

    def _remembered(self, parcel: Parcel) -> Parcel:
        self._last[parcel.kind] = parcel
        self._last_kind = parcel.kind
        return parcel
