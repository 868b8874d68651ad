"""Be one of the replicas: heard of while this process lives, and gone with it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from bot.domain.errors import StoreUnavailable
from bot.domain.replica import REPLICA_LEASE, REPLICA_RENEWAL, ReplicaId
from bot.ports import Clock, Drains, Duty, Replicas

log = structlog.get_logger(__name__)

_LAST_SECONDS: Final = 3.0
#: how often a replica that does not deliver looks whether it should
_ASK_EVERY: Final = 1.0
_RENEW_EVERY: Final = REPLICA_RENEWAL.total_seconds()
_LEASE: Final = REPLICA_LEASE.total_seconds()


class Membership:
    """Of this process. A database that is away is waited for."""

    def __init__(
        self,
        *,
        replicas: Replicas,
        drains: Drains,
        clock: Clock,
        alone: bool,
        superseded: Callable[[], Awaitable[None]],
        bereaved: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """*alone*: no other process can be at work on the same record.

        *superseded* is called when the others had believed this one dead, *bereaved*
        when one of them is gone.
        """
        self._replicas = replicas
        self._drains = drains
        self._clock = clock
        self._alone = alone
        self._superseded = superseded
        self._bereaved = bereaved
        self._others: frozenset[ReplicaId] = frozenset()
        self._monotonic = monotonic
        self._asked_at: float | None = None
        self._delivers_until: float | None = None  #: None: another replica does

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[None]:
        """Be a member while the body runs; leave at its end, with all given up.

        A drain that has come to its end is over with it. Raises StoreUnavailable.
        """
        await self._replicas.join(self._clock(), alone=self._alone)
        await self._drains.end_if_done(self._clock())
        try:
            yield
        finally:
            # Where it cannot be told now, the lease tells it soon.
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await self._replicas.leave(self._clock())

    async def serve(self) -> None:
        """Be heard of until cancelled."""
        while True:
            await asyncio.sleep(_RENEW_EVERY)
            await self.renew()

    async def renew(self) -> None:
        """Be heard of, and let go of what others have taken over meanwhile."""
        try:
            if not await self._replicas.renew(self._clock()):
                log.warning("others believed this replica dead")
                await self._superseded()
            await self._look_for_others()
        except StoreUnavailable as away:
            log.warning("store away, replica not heard of", error=str(away))

    async def _look_for_others(self) -> None:
        living = await self._replicas.living(self._clock())
        others = frozenset(replica.id for replica in living)
        if self._others - others:
            self._bereaved()
        self._others = others

    async def delivers(self) -> bool:
        """Tell whether it is for this replica to deliver messages. Cheap to ask."""
        now = self._monotonic()
        every = _ASK_EVERY if self._delivers_until is None else _RENEW_EVERY
        if self._asked_at is None or now - self._asked_at >= every:
            self._asked_at = now
            await self._ask_for_duty(now)
        until = self._delivers_until
        # Not at *now*: the answer may have taken longer than the lease.
        return until is not None and self._monotonic() < until

    async def _ask_for_duty(self, now: float) -> None:
        try:
            taken = await self._replicas.take(Duty.DELIVER, self._clock())
        except StoreUnavailable as away:
            # Until its lease may be over nobody else can have the duty.
            log.warning("store away, duty not renewed", error=str(away))
        else:
            self._delivers_until = now + _LEASE if taken else None
