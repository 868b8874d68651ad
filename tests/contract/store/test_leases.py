"""`Replicas` on PostgreSQL: hosts whose clocks are apart agree on who is alive."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import pytest
from sqlalchemy import text

from bot.domain.replica import Replica, ReplicaId
from bot.domain.run import RunState
from bot.ports import Duty
from bot.store.record import SqlRecord
from bot.store.replicas import SqlReplicas
from tests.contract.store.opened import ABOVE, Store
from tests.support.builders import a_new_run, later
from tests.support.postgres import Postgres

AHEAD = datetime.now(UTC) + timedelta(hours=1)
BEHIND = AHEAD - timedelta(hours=2)


@pytest.fixture
async def url(postgres_server: Postgres) -> AsyncIterator[str]:
    async with postgres_server.database() as address:
        yield address


@dataclass
class Host:
    """A replica whose clock stands at some time."""

    clock: datetime
    replicas: SqlReplicas
    record: SqlRecord

    @classmethod
    async def joined(cls, store: Store, name: str, clock: datetime) -> Self:
        replica = Replica(id=ReplicaId(name), engine="ENGINE-1")
        replicas = SqlReplicas(store.database, replica)
        await replicas.join(clock, alone=False)
        return cls(clock, replicas, SqlRecord(store.database, ABOVE, replica))

    async def living(self) -> list[str]:
        return [one.id for one in await self.replicas.living(self.clock)]


@pytest.fixture
async def behind(store: Store) -> Host:
    return await Host.joined(store, "behind", BEHIND)


@pytest.fixture
async def ahead(store: Store) -> Host:
    return await Host.joined(store, "ahead", AHEAD)


async def test_replicas_see_each_other_alive(behind: Host, ahead: Host) -> None:
    assert await ahead.living() == await behind.living() == ["ahead", "behind"]
    assert await behind.replicas.renew(BEHIND)
    assert await ahead.replicas.renew(AHEAD + timedelta(minutes=1))


async def test_no_duty_is_taken_from_who_is_alive(behind: Host, ahead: Host) -> None:
    assert await behind.replicas.take(Duty.DELIVER, BEHIND)

    assert not await ahead.replicas.take(Duty.DELIVER, AHEAD)
    assert await behind.replicas.take(Duty.DELIVER, BEHIND)


async def test_no_run_is_taken_from_who_is_alive(
    store: Store, behind: Host, ahead: Host
) -> None:
    run = await store.run_in(RunState.READY, a_new_run())
    assert await behind.record.start(run.id, later(2))
    long_since = text("UPDATE replicas SET since = since - CAST('1 m' AS interval)")
    async with store.database.write("let time pass") as db:
        await db.execute(long_since)

    assert await ahead.record.adopt(AHEAD, tuple) == ()
    assert not await ahead.record.lose_sight(run.id, "It is away.", AHEAD)
