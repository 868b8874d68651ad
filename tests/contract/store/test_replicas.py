"""`Replicas`: who is alive, and who alone does what."""

import asyncio

import pytest

from bot.domain.replica import REPLICA_LEASE
from bot.ports import Duty
from tests.contract.store.opened import Store
from tests.contract.store.party import Party
from tests.support.builders import later

OVER = REPLICA_LEASE.total_seconds()
#: as far from the end of a lease as a slow machine may need
HALF = OVER / 2
DELIVER = Duty.DELIVER


@pytest.fixture
async def a(store: Store) -> Party:
    return await Party.joined(store, "a")


@pytest.fixture
async def b(store: Store) -> Party:
    return await Party.joined(store, "b", engine="ENGINE-2")


async def living(party: Party, seconds: float) -> list[str]:
    return [replica.id for replica in await party.replicas.living(later(seconds))]


async def test_who_joined_lives_for_a_lease(a: Party, b: Party) -> None:
    await b.replicas.renew(later(HALF))

    assert await living(a, HALF) == ["a", "b"]
    assert await living(a, OVER) == ["b"]
    found = await a.replicas.living(later(1))
    assert [replica.engine for replica in found] == ["ENGINE-1", "ENGINE-2"]


async def test_who_renews_too_late_hears_that_it_was_believed_dead(a: Party) -> None:
    assert await a.replicas.renew(later(HALF))
    assert not await a.replicas.renew(later(3 * OVER))
    assert await a.replicas.renew(later(3 * OVER + 1))


async def test_who_left_is_believed_dead_at_once(a: Party, b: Party) -> None:
    await a.replicas.leave(later(1))

    assert await living(b, 1) == ["b"]
    assert not await a.replicas.renew(later(2))
    assert await living(b, 2) == ["a", "b"]


async def test_who_is_alone_forgets_all_others(a: Party, b: Party) -> None:
    await a.replicas.take(DELIVER, later(1))

    await b.replicas.join(later(2), alone=True)

    assert await living(b, 2) == ["b"]
    assert await b.replicas.take(DELIVER, later(2))


async def test_the_dead_are_forgotten_in_time(a: Party, b: Party) -> None:
    await b.replicas.join(later(2 * 86400), alone=False)

    assert await living(b, 0) == ["b"]


async def test_a_duty_is_that_of_one_replica_until_its_lease_is_over(
    a: Party, b: Party
) -> None:
    assert await a.replicas.take(DELIVER, later(0))
    assert not await b.replicas.take(DELIVER, later(1))
    assert await a.replicas.take(DELIVER, later(HALF))
    assert not await b.replicas.take(DELIVER, later(OVER))
    assert await b.replicas.take(DELIVER, later(OVER + HALF))
    assert not await a.replicas.take(DELIVER, later(OVER + HALF))


async def test_a_duty_is_free_once_its_replica_has_left(a: Party, b: Party) -> None:
    await a.replicas.take(DELIVER, later(0))

    await a.replicas.leave(later(1))

    assert await b.replicas.take(DELIVER, later(1))
    assert not await a.replicas.take(DELIVER, later(2))


async def test_a_duty_that_another_had_meanwhile_is_taken_anew(
    a: Party, b: Party
) -> None:
    assert await a.replicas.take(DELIVER, later(0))
    assert await b.replicas.take(DELIVER, later(OVER))
    await b.replicas.leave(later(OVER + 1))

    assert not await a.replicas.take(DELIVER, later(OVER + 2))
    assert await a.replicas.take(DELIVER, later(OVER + 3))


async def test_of_many_one_takes_a_free_duty(store: Store) -> None:
    parties = [await Party.joined(store, name) for name in "abcdef"]

    taken = await asyncio.gather(
        *(party.replicas.take(DELIVER, later(1)) for party in parties)
    )

    assert sum(taken) == 1
