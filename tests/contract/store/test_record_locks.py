"""What the record promises of claims."""

from bot.domain.audit import Verb
from bot.domain.lock import LEASE
from bot.domain.run import RunState
from bot.domain.stack import StackName
from bot.domain.telling import Header, Said, Waiting
from tests.contract.store.opened import FINISHED, UNPROVEN, Store
from tests.support.builders import STACK, a_new_run, an_actor, later


async def test_the_oldest_run_of_a_free_stack_becomes_ready(store: Store) -> None:
    first = await store.record.submit(a_new_run(), later(0))
    await store.record.submit(a_new_run(), later(1))

    (ready,) = await store.record.promote(later(2))

    occupancy = await store.archive.occupancy(STACK)
    assert (ready.id, ready.state, ready.started_at) == (
        first.id,
        RunState.READY,
        later(2),
    )
    assert await store.record.ready() == (ready,)
    assert occupancy.claim is not None
    assert (occupancy.claim.run, occupancy.claim.since) == (first.id, later(2))
    assert occupancy.claim.lease == later(2) + LEASE


async def test_a_claimed_stack_makes_nothing_ready(store: Store) -> None:
    await store.run_in(RunState.READY)
    await store.record.submit(a_new_run(), later(2))

    assert await store.record.promote(later(3)) == ()


async def test_every_free_stack_gets_its_run_oldest_first(store: Store) -> None:
    for stack in ("b", "a", "b", "c"):
        await store.record.submit(a_new_run(stack=stack), later(0))

    ready = await store.record.promote(later(1))

    assert [run.stack for run in ready] == ["b", "a", "c"]
    assert await store.record.ready() == ready


async def test_an_end_releases_the_claim(store: Store) -> None:
    await store.finished()

    assert (await store.archive.occupancy(STACK)).claim is None


async def test_an_end_releases_no_other_runs_claim(store: Store) -> None:
    claiming = await store.run_in(RunState.PREPARING)
    queued = await store.record.submit(a_new_run(), later(3))

    await store.record.ask_stop(queued.id, an_actor(), later(4))

    claim = (await store.archive.occupancy(STACK)).claim
    assert claim is not None
    assert claim.run == claiming.id


async def test_the_fence_grows_with_each_claim_of_a_stack(store: Store) -> None:
    fences = []
    for _ in range(3):
        run = await store.run_in(RunState.PERFORMING)
        claim = (await store.archive.occupancy(STACK)).claim
        fences.append(claim and claim.fence)
        await store.record.end(run.id, FINISHED, later(9))

    assert fences == [1, 2, 3]


async def test_a_claim_whose_container_may_live_is_kept(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.submit(a_new_run(), later(8))

    over = await store.record.end(run.id, UNPROVEN, later(9))

    assert over.keeps_claim
    assert await store.record.promote(later(10)) == ()
    assert "the stack stays claimed" in (await store.deeds())[-1].detail


async def test_a_queued_run_that_fails_has_no_claim_to_keep(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))

    over = await store.record.end(run.id, UNPROVEN, later(1))

    assert not over.keeps_claim


async def test_a_kept_claim_is_released_once_by_a_named_person(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.end(run.id, UNPROVEN, later(9))
    await store.told()

    released = [
        await store.record.release_claim(run.id, an_actor("eve"), "gone", later(10 + i))
        for i in range(2)
    ]

    deed = (await store.deeds())[-1]
    assert released == [True, False]
    assert (deed.verb, deed.actor, deed.detail) == (
        Verb.CLAIM_RELEASED,
        an_actor("eve"),
        "gone",
    )
    assert not (await store.archive.run(run.id)).keeps_claim
    assert (await store.archive.occupancy(STACK)).claim is None
    assert await store.told() == [
        Said(text="eve released net-prod: gone"),
        Header(run=run.id),
    ]


async def test_the_claim_of_a_running_run_is_not_released(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)

    assert not await store.record.release_claim(run.id, an_actor(), "why", later(9))
    assert (await store.archive.occupancy(STACK)).claim is not None


async def test_a_run_that_waits_is_told_again_whenever_its_stack_changes_hands(
    store: Store,
) -> None:
    first = await store.run_in(RunState.PERFORMING)
    waiting = await store.record.submit(a_new_run(), later(8))
    elsewhere = await store.record.submit(a_new_run(stack="db-prod"), later(8))
    await store.told()

    await store.record.end(first.id, FINISHED, later(9))

    told = await store.told()
    assert told.count(Waiting(run=waiting.id)) == 1
    assert Waiting(run=elsewhere.id) not in told


async def test_a_run_that_waits_is_told_when_one_before_it_is_discarded(
    store: Store,
) -> None:
    await store.run_in(RunState.PERFORMING)
    before = await store.record.submit(a_new_run(), later(8))
    waiting = await store.record.submit(a_new_run(), later(8))
    await store.told()

    await store.record.ask_stop(before.id, an_actor(), later(9))

    assert Waiting(run=waiting.id) in await store.told()


async def test_a_lease_is_renewed_for_the_named_runs_alone(store: Store) -> None:
    ours = await store.run_in(RunState.PERFORMING)
    await store.run_in(RunState.PERFORMING, a_new_run(stack="db-prod"))
    before = await store.archive.occupancy(StackName("db-prod"))

    await store.record.renew([ours.id], later(60))

    renewed = (await store.archive.occupancy(STACK)).claim
    assert renewed is not None
    assert renewed.lease == later(60) + LEASE
    assert await store.archive.occupancy(StackName("db-prod")) == before


async def test_a_lease_that_is_over_releases_nothing(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.submit(a_new_run(), later(8))

    lapsed = await store.record.lapse(later(10**6))

    claim = (await store.archive.occupancy(STACK)).claim
    assert lapsed == ()
    assert claim is not None
    assert claim.run == run.id
    assert await store.record.promote(later(10**6)) == ()
