"""What the record promises of runs whose CI is lost and that an admin settles."""

import asyncio

import pytest

from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition
from bot.domain.run import Reason, RunState
from bot.domain.telling import Final, Header, Said
from tests.contract.store.opened import FINISHED, Store
from tests.support.builders import STACK, a_new_run, an_actor, an_announced_run, later

ADA = an_actor("ada")


async def test_a_lost_run_is_settled_with_its_reason_in_one_step(store: Store) -> None:
    run, _ = await store.performing_outside()
    await store.record.lapse(later(200))
    await store.told()

    assert await store.record.settle(run.id, ADA, "it burnt", later(300))

    over = await store.archive.run(run.id)
    ended, released = (await store.deeds())[-2:]
    told = await store.told()
    assert (over.state, over.reason) == (RunState.FAILED, Reason.LOST)
    assert over.note == "Its CI was not heard of any more; settled by ada."
    assert not over.keeps_claim
    assert (await store.archive.occupancy(STACK)).claim is None
    assert (ended.verb, ended.actor) == (Verb.ENDED, ADA)
    assert (released.verb, released.actor) == (Verb.CLAIM_RELEASED, ADA)
    assert released.detail == "it burnt"
    assert Said(text=f"ada released {STACK}: it burnt") in told
    assert {Header(run=run.id), Final(run=run.id)} <= set(told)


async def test_a_ci_that_is_heard_of_in_between_keeps_its_run(store: Store) -> None:
    run, claim = await store.performing_outside()
    await store.record.lapse(later(200))
    await store.record.heartbeat(run.id, claim.fence, later(201))
    deeds = await store.deeds()
    await store.told()

    assert not await store.record.settle(run.id, ADA, "it burnt", later(202))

    kept = (await store.archive.occupancy(STACK)).claim
    assert (await store.archive.run(run.id)).state is RunState.PERFORMING
    assert kept is not None
    assert (kept.run, kept.fence) == (run.id, claim.fence)
    assert (await store.deeds(), await store.told()) == (deeds, [])


async def test_of_a_heartbeat_and_an_admin_at_once_one_wins(url: str) -> None:
    async with Store.open(url) as store, Store.open(url) as elsewhere:
        run, claim = await store.performing_outside()
        await store.record.lapse(later(200))

        settled, heard = await asyncio.gather(
            store.record.settle(run.id, ADA, "it burnt", later(201)),
            elsewhere.record.heartbeat(run.id, claim.fence, later(201)),
            return_exceptions=True,
        )

        after = (await store.archive.occupancy(STACK)).claim
    assert settled is isinstance(heard, IllegalTransition)
    assert settled is (after is None)


async def test_only_a_lost_run_that_performs_outside_is_settled(store: Store) -> None:
    over, _ = await store.performing_outside()
    await store.record.lapse(later(200))
    await store.record.end(over.id, FINISHED, later(201))
    waits = await store.run_in(RunState.READY, an_announced_run())
    task = await store.run_in(RunState.PERFORMING, a_new_run(stack="other"))

    for run in (over, waits, task):
        before = await store.archive.run(run.id)
        assert not await store.record.settle(run.id, ADA, "it burnt", later(300))
        assert await store.archive.run(run.id) == before


async def test_a_run_that_does_not_exist_is_not_settled(store: Store) -> None:
    run, _ = await store.performing_outside()

    with pytest.raises(LookupError):
        await store.record.settle(type(run.id)(9), ADA, "it burnt", later(300))
