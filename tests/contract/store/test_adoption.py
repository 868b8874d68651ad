"""`Record`: a run has one owner, and a dead one's runs are taken over."""

import asyncio

import pytest

from bot.domain.audit import Verb
from bot.domain.replica import REPLICA_LEASE
from bot.domain.run import Run, RunState
from tests.contract.store.opened import FINISHED, LOST, PLAN, Store
from tests.contract.store.party import Party
from tests.support.builders import (
    a_deploy,
    a_new_run,
    an_actor,
    an_announced_run,
    later,
)

OVER = REPLICA_LEASE.total_seconds()
#: as far from the end of a lease as a slow machine may need
HALF = OVER / 2


@pytest.fixture
async def a(store: Store) -> Party:
    return await Party.joined(store, "a")


@pytest.fixture
async def b(store: Store) -> Party:
    return await Party.joined(store, "b")


async def test_a_started_run_is_owned_on_the_engine_of_its_replica(a: Party) -> None:
    run = await a.started()

    stored = await a.store.archive.run(run.id)

    assert (stored.owner, stored.epoch, stored.engine) == ("a", 1, "ENGINE-1")
    assert stored == run


async def test_a_run_is_adopted_once_the_lease_of_its_owner_is_over(
    a: Party, b: Party
) -> None:
    run = await a.performing()
    await b.replicas.renew(later(HALF))

    before = await b.adopted(HALF)
    after = await b.adopted(OVER)

    assert (before, after) == ([], [run.id])
    adopted = await a.store.archive.run(run.id)
    assert (adopted.owner, adopted.epoch) == ("b", 2)


async def test_an_owner_that_is_heard_of_keeps_its_runs(a: Party, b: Party) -> None:
    await a.performing()
    assert await a.replicas.renew(later(HALF))

    assert await b.adopted(OVER + 5) == []


async def test_who_could_not_be_heard_either_gives_others_a_lease_to_come_back(
    a: Party, b: Party
) -> None:
    run = await a.performing()

    cut_off = await b.adopted(99)
    await b.replicas.renew(later(100))
    returned = await b.adopted(100)
    await b.replicas.renew(later(110))
    patient = await b.adopted(100 + OVER)

    assert (cut_off, returned, patient) == ([], [], [run.id])


async def test_an_adopted_run_is_not_adopted_again(a: Party, b: Party) -> None:
    run = await a.performing()
    c = await Party.joined(a.store, "c")
    for party in (b, c):
        await party.replicas.renew(later(HALF))
    await b.adopted(OVER)

    assert await c.adopted(OVER) == []
    assert await b.adopted(OVER, run.id) == []


async def test_what_left_or_never_joined_has_no_runs(a: Party, b: Party) -> None:
    first = await a.performing()
    second = await b.performing(a_new_run(stack="db-prod"))
    await a.replicas.leave(later(4))
    await b.replicas.join(later(4), alone=False)
    c = await Party.joined(a.store, "c")
    await c.replicas.join(later(4), alone=True)

    assert await c.adopted(4) == [first.id, second.id]


async def test_a_replica_that_hands_over_is_adopted_from_at_once(
    a: Party, b: Party
) -> None:
    run = await a.performing()

    await a.record.hand_over(later(4))

    assert (await a.store.archive.run(run.id)).owner is None
    assert await b.adopted(4) == [run.id]


async def test_only_runs_of_the_own_engine_are_adopted(a: Party) -> None:
    run = await a.performing()
    elsewhere = await Party.joined(a.store, "c", engine="ENGINE-2")
    await a.replicas.leave(later(4))

    assert await elsewhere.adopted(5) == []
    assert await (await Party.joined(a.store, "d")).adopted(5) == [run.id]


async def test_neither_waiting_nor_ended_nor_outside_runs_are_adopted(
    store: Store, a: Party
) -> None:
    await store.finished(a_new_run(stack="a"))
    await store.run_in(RunState.READY, a_new_run(stack="b"))
    await store.run_in(RunState.QUEUED, a_new_run(stack="b"))
    await store.performing_outside(an_announced_run(stack="c"))
    await store.unconfirmed(a_deploy(stack="d"))

    assert await a.adopted(99) == []


async def test_a_start_that_its_own_replica_did_not_hear_of_is_taken_up(
    a: Party,
) -> None:
    driven = await a.performing()
    unheard = await a.started(a_new_run(stack="db-prod"))

    assert await a.adopted(4, driven.id) == [unheard.id]
    assert (await a.store.archive.run(unheard.id)).epoch == 2


async def test_a_run_that_starts_before_its_replica_may_write_is_not_taken_anew(
    a: Party,
) -> None:
    run = await a.started()
    drives = [[], [run.id]]  # as it is asked before and after it has its turn

    assert await a.record.adopt(later(4), lambda: drives.pop(0)) == ()
    assert (await a.store.archive.run(run.id)).epoch == 1


async def test_an_adoption_has_its_audit_row(a: Party, b: Party) -> None:
    run = await a.performing()
    await a.replicas.leave(later(4))
    await b.adopted(4)

    deed = (await a.store.deeds())[-1]

    assert (deed.verb, deed.run) == (Verb.ADOPTED, run.id)
    assert deed.detail == "by b, from nobody"


async def test_two_replicas_start_a_ready_run_once(store: Store) -> None:
    parties = [await Party.joined(store, name) for name in "abcdef"]
    runs = [await store.run_in(RunState.READY, a_new_run(stack=s)) for s in "uvwxyz"]

    async def start(party: Party, run: Run) -> Run | None:
        return await party.record.start(run.id, later(3))

    outcomes = await asyncio.gather(
        *(start(party, run) for run in runs for party in parties),
        return_exceptions=True,
    )

    started = [one for one in outcomes if isinstance(one, Run)]
    assert sorted(run.id for run in started) == [run.id for run in runs]
    for run in started:
        assert await store.archive.run(run.id) == run


async def test_two_replicas_adopt_a_run_once(store: Store, a: Party) -> None:
    run = await a.performing()
    await a.replicas.leave(later(4))
    parties = [await Party.joined(store, name) for name in "bcdef"]

    adopted = await asyncio.gather(*(party.adopted(5) for party in parties))

    assert sorted(adopted) == [[], [], [], [], [run.id]]
    assert (await store.archive.run(run.id)).epoch == 2


async def test_an_engine_has_no_more_active_runs_than_slots(store: Store) -> None:
    a = await Party.joined(store, "a", slots=2)
    b = await Party.joined(store, "b", slots=2)
    elsewhere = await Party.joined(store, "c", engine="ENGINE-2", slots=2)
    runs = [await store.run_in(RunState.READY, a_new_run(stack=s)) for s in "uvwx"]

    assert [run.id for run in await a.record.ready()] == [1, 2]
    assert await a.record.start(runs[0].id, later(3))
    assert await b.record.start(runs[1].id, later(3))
    assert await a.record.ready() == ()
    assert await a.record.start(runs[2].id, later(4)) is None
    assert (await store.archive.run(runs[2].id)).state is RunState.READY
    assert await elsewhere.record.start(runs[2].id, later(5))
    await a.record.end(runs[0].id, LOST, later(6))
    assert await a.record.start(runs[3].id, later(7))


async def test_a_plan_is_applied_on_the_engine_that_made_it(
    store: Store, a: Party
) -> None:
    elsewhere = await Party.joined(store, "c", engine="ENGINE-2")
    run = await a.started(a_deploy())
    await a.record.advance(run.id, RunState.PLANNING, later(3))
    await a.record.planned(run.id, PLAN, later(4))
    await a.record.confirm(run.id, an_actor(), later(5))

    assert await elsewhere.record.ready() == ()
    assert await elsewhere.record.apply(run.id, later(6)) is None
    assert [ready.id for ready in await a.record.ready()] == [run.id]
    applying = await a.record.apply(run.id, later(7))
    assert applying is not None
    assert (applying.owner, applying.epoch) == ("a", 2)


async def test_who_waits_or_is_over_has_no_owner(store: Store, a: Party) -> None:
    planned = await a.started(a_deploy())
    await a.record.advance(planned.id, RunState.PLANNING, later(3))
    ended = await a.performing(a_new_run(stack="db-prod"))

    waits = await a.record.planned(planned.id, PLAN, later(4))
    over = await a.record.end(ended.id, FINISHED, later(4))

    assert (waits.owner, over.owner) == (None, None)
