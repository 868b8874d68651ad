"""Replicas that share a store, as tests speak for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.domain.replica import Replica, ReplicaId
from bot.domain.run import Run, RunId, RunState
from bot.ports import DeliveryKey, Driven, Duty, NewRun, Sent
from bot.store.record import SqlRecord
from bot.store.replicas import SqlReplicas
from tests.contract.store.opened import ABOVE, Store
from tests.support.builders import a_new_run, later

ENGINE = "ENGINE-1"


class LateReplicas(SqlReplicas):
    """The real ones, at whatever time a test says."""

    def __init__(self, store: Store, replica: Replica) -> None:
        super().__init__(store.database, replica)
        self._hours = store.hours

    async def join(self, at: datetime, *, alone: bool) -> None:
        await self._hours.pass_until(at, self._database)
        await super().join(at, alone=alone)

    async def renew(self, at: datetime) -> bool:
        await self._hours.pass_until(at, self._database)
        return await super().renew(at)

    async def living(self, at: datetime) -> tuple[Replica, ...]:
        await self._hours.pass_until(at, self._database)
        return await super().living(at)

    async def take(self, duty: Duty, at: datetime) -> bool:
        await self._hours.pass_until(at, self._database)
        return await super().take(duty, at)


class LateRecord(SqlRecord):
    """The real one, at whatever time a test says."""

    def __init__(self, store: Store, replica: Replica) -> None:
        super().__init__(store.database, ABOVE, replica)
        self._hours = store.hours

    async def first_seen(
        self, key: DeliveryKey, at: datetime, sent: Sent | None = None
    ) -> bool:
        await self._hours.pass_until(at, self._database)
        return await super().first_seen(key, at, sent)

    async def adopt(self, at: datetime, driven: Driven) -> tuple[Run, ...]:
        await self._hours.pass_until(at, self._database)
        return await super().adopt(at, driven)

    async def lose_sight(self, run: RunId, why: str, at: datetime) -> bool:
        if self._driven is None:  # whoever drives a run asks for no lease
            await self._hours.pass_until(at, self._database)
        return await super().lose_sight(run, why, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One replica, with the ports as it has them."""

    replica: Replica
    record: SqlRecord
    replicas: SqlReplicas
    store: Store

    @classmethod
    async def joined(
        cls, store: Store, name: str, *, engine: str = ENGINE, slots: int = 1000
    ) -> Self:
        """Return a replica that joined at the beginning."""
        replica = Replica(id=ReplicaId(name), engine=engine, host="h", slots=slots)
        party = cls(
            replica=replica,
            record=LateRecord(store, replica),
            replicas=LateReplicas(store, replica),
            store=store,
        )
        await party.replicas.join(later(0), alone=False)
        return party

    async def started(self, new: NewRun | None = None) -> Run:
        """Submit a run and start it on this replica."""
        run = await self.record.submit(new or a_new_run(), later(0))
        await self.record.promote(later(1))
        started = await self.record.start(run.id, later(2))
        assert started is not None
        return started

    async def performing(self, new: NewRun | None = None) -> Run:
        """Submit a run and have this replica perform it."""
        run = await self.started(new)
        performing = await self.record.advance(run.id, RunState.PERFORMING, later(3))
        assert performing is not None
        return performing

    async def adopted(self, seconds: float, *driven: RunId) -> list[int]:
        """Return the numbers of the runs that this replica adopts at some time."""
        adopted = await self.record.adopt(later(seconds), lambda: driven)
        return [run.id for run in adopted]
