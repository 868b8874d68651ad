"""`Record`: a run whose container cannot be asked for, and how it is settled."""

import pytest

from bot.domain.audit import Verb
from bot.domain.errors import Superseded
from bot.domain.run import Reason, Run, RunState
from bot.domain.telling import Said
from tests.contract.store.opened import FINISHED, Store
from tests.contract.store.party import Party
from tests.support.builders import STACK, a_new_run, an_actor, an_announced_run, later

WHY = "Its engine has not answered since 12:00 UTC."
ADA = an_actor("ada")


@pytest.fixture
async def a(store: Store) -> Party:
    return await Party.joined(store, "a")


@pytest.fixture
async def run(a: Party) -> Run:
    return await a.performing()


async def said(store: Store) -> list[str]:
    return [one.text for one in await store.told() if isinstance(one, Said)]


async def verbs(store: Store) -> list[Verb]:
    return [deed.verb for deed in await store.deeds()]


async def test_a_run_out_of_sight_is_told_once(
    store: Store, a: Party, run: Run
) -> None:
    fenced = a.record.fenced(run)

    first = await fenced.lose_sight(run.id, WHY, later(4))
    again = await fenced.lose_sight(run.id, WHY, later(5))

    assert (first, again) == (True, False)
    (line,) = await said(store)
    assert line.startswith(f"{WHY} {STACK} stays busy")
    assert "`release: reason`" in line
    assert (await store.archive.run(run.id)).lost_since == later(4)
    assert (await verbs(store)).count(Verb.OUT_OF_SIGHT) == 1
    occupancy = await store.archive.occupancy(STACK)
    assert occupancy.claim is not None


async def test_a_run_in_sight_again_is_told_once(
    store: Store, a: Party, run: Run
) -> None:
    await a.record.lose_sight(run.id, WHY, later(4))
    await store.told()

    await a.record.regain_sight(run.id, later(5))
    await a.record.regain_sight(run.id, later(6))

    assert await said(store) == ["The container of this run is followed again."]
    assert (await store.archive.run(run.id)).lost_since is None
    assert (await verbs(store)).count(Verb.IN_SIGHT_AGAIN) == 1


async def test_what_was_always_in_sight_is_not_told(
    store: Store, a: Party, run: Run
) -> None:
    await a.record.regain_sight(run.id, later(4))

    assert await said(store) == []


async def test_another_replica_tells_it_of_a_run_that_nobody_drives(
    a: Party, run: Run
) -> None:
    b = await Party.joined(a.store, "b", engine="ENGINE-2")

    driven = await b.record.lose_sight(run.id, WHY, later(4))
    await a.replicas.leave(later(5))
    orphan = await b.record.lose_sight(run.id, WHY, later(5))

    assert (driven, orphan) == (False, True)


async def test_a_run_whose_engine_another_replica_reaches_is_not_out_of_sight(
    a: Party, run: Run
) -> None:
    near = await Party.joined(a.store, "b")
    far = await Party.joined(a.store, "c", engine="ENGINE-2")
    await a.replicas.leave(later(5))
    for party in (near, far):
        await party.replicas.renew(later(10))
    await far.replicas.renew(later(29))

    adoptable = await far.record.lose_sight(run.id, WHY, later(29))
    unreached = await far.record.lose_sight(run.id, WHY, later(30))

    assert (adoptable, unreached) == (False, True)


async def test_who_could_not_be_heard_either_does_not_say_that_others_are_away(
    a: Party, run: Run
) -> None:
    far = await Party.joined(a.store, "b", engine="ENGINE-2")
    await far.replicas.renew(later(100))

    returned = await far.record.lose_sight(run.id, WHY, later(101))
    for seconds in (110, 119):
        await far.replicas.renew(later(seconds))
    patient = await far.record.lose_sight(run.id, WHY, later(120))

    assert (returned, patient) == (False, True)


async def test_an_admin_settles_a_run_that_is_out_of_sight(
    store: Store, a: Party, run: Run
) -> None:
    fenced = a.record.fenced(run)
    await fenced.lose_sight(run.id, WHY, later(4))

    assert await store.record.settle(run.id, ADA, "the host burned down", later(5))

    over = await store.archive.run(run.id)
    assert (over.state, over.reason) == (RunState.FAILED, Reason.LOST)
    assert (over.owner, over.lost_since, over.keeps_claim) == (None, None, False)
    assert over.note == "Its container could not be asked for; settled by ada."
    assert (await store.archive.occupancy(STACK)).claim is None
    assert "ada released net-prod: the host burned down" in await said(store)
    with pytest.raises(Superseded):
        await fenced.end(run.id, FINISHED, later(6))


async def test_a_run_that_is_in_sight_is_not_settled(
    store: Store, a: Party, run: Run
) -> None:
    assert not await store.record.settle(run.id, ADA, "-", later(4))
    await a.record.lose_sight(run.id, WHY, later(4))
    await a.record.regain_sight(run.id, later(5))
    assert not await store.record.settle(run.id, ADA, "-", later(6))

    assert (await store.archive.run(run.id)).state is RunState.PERFORMING


async def test_neither_waiting_nor_ended_nor_outside_runs_get_out_of_sight(
    store: Store, a: Party
) -> None:
    runs = [
        await store.run_in(RunState.READY, a_new_run(stack="a")),
        await store.finished(a_new_run(stack="b")),
        (await store.performing_outside(an_announced_run(stack="c")))[0],
    ]

    seen = [await a.record.lose_sight(run.id, WHY, later(9)) for run in runs]

    assert seen == [False, False, False]


async def test_an_adopted_run_is_settled_only_until_its_owner_follows_it(
    store: Store, a: Party, run: Run
) -> None:
    b = await Party.joined(store, "b")
    await a.record.lose_sight(run.id, WHY, later(4))
    await a.replicas.leave(later(5))
    adopted = await b.record.adopt(later(5), tuple)
    unseen = [one.lost_since for one in adopted]
    await b.record.regain_sight(run.id, later(6))

    assert unseen == [later(4)]
    assert not await store.record.settle(run.id, ADA, "-", later(7))
    assert (await store.archive.run(run.id)).owner == "b"
