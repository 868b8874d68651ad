"""What the record promises of claims and holds."""

import asyncio

import pytest

from bot.domain.audit import Verb
from bot.domain.lock import Hold
from bot.domain.run import RunState
from bot.domain.telling import Card, Header, Held, Released, Said
from tests.contract.store.opened import FINISHED, UNPROVEN, Store
from tests.support.builders import CHANNEL, STACK, a_hold, a_new_run, an_actor, later


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


async def test_fifty_hands_at_once_claim_a_stack_for_one_run(store: Store) -> None:
    for _ in range(50):
        await store.record.submit(a_new_run(), later(0))

    promoted = await asyncio.gather(
        *(store.record.promote(later(1)) for _ in range(50))
    )

    assert [run.id for runs in promoted for run in runs] == [1]
    assert len(await store.archive.queue(STACK)) == 49


async def test_two_processes_claim_a_stack_for_one_run(url: str) -> None:
    async with Store.open(url) as one, Store.open(url) as other:
        for _ in range(20):
            await one.record.submit(a_new_run(), later(0))

        promoted = await asyncio.gather(
            *(each.record.promote(later(1)) for each in (one, other) * 10)
        )

    assert [run.id for runs in promoted for run in runs] == [1]


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


async def test_a_hold_on_a_free_stack_is_taken_and_told(store: Store) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    await store.told()
    wanted = a_hold(reason="migration")

    in_force = await store.record.hold(wanted, card.id)

    deed = (await store.deeds())[-1]
    assert in_force == wanted
    assert (await store.archive.occupancy(STACK)).hold == wanted
    assert (deed.verb, deed.actor, deed.stack, deed.detail) == (
        Verb.HELD,
        wanted.actor,
        STACK,
        "migration",
    )
    assert await store.told() == [Held(hold=wanted), Card(stack=STACK)]


async def test_a_hold_in_a_runs_thread_refreshes_its_header(store: Store) -> None:
    run = await store.finished()
    await store.told()

    await store.record.hold(a_hold(), run.thread)

    assert await store.told() == [Held(hold=a_hold()), Header(run=run.id)]


@pytest.mark.parametrize("by", ["ann", "bob"])
async def test_a_second_hold_returns_the_first_and_changes_nothing(
    store: Store, by: str
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    first = await store.record.hold(a_hold(reason="mine"), card.id)
    await store.told()
    deeds = await store.deeds()

    in_force = await store.record.hold(a_hold(by=by, since=later(9)), card.id)

    assert in_force == first == (await store.archive.occupancy(STACK)).hold
    assert await store.told() == []
    assert await store.deeds() == deeds


async def test_of_fifty_takers_at_once_one_holds(store: Store) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    wishes = [a_hold(by=f"w{i}") for i in range(50)]

    answers = await asyncio.gather(
        *(store.record.hold(wish, card.id) for wish in wishes)
    )

    assert len(set(answers)) == 1
    assert [deed.verb for deed in await store.deeds()] == [Verb.HELD]


async def test_a_stack_can_be_held_while_another_persons_run_performs(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING, a_new_run(by="bob"))

    await store.record.hold(a_hold(by="ann"), run.thread)

    occupancy = await store.archive.occupancy(STACK)
    assert occupancy.hold == a_hold(by="ann")
    assert occupancy.claim is not None


async def test_a_hold_keeps_the_runs_of_others_queued(store: Store) -> None:
    theirs = await store.record.submit(a_new_run(by="bob"), later(0))
    own = await store.record.submit(a_new_run(by="ann"), later(1))
    await store.record.hold(a_hold(by="ann"), own.thread)

    ready = await store.record.promote(later(2))

    assert [run.id for run in ready] == [own.id]
    assert [run.id for run in await store.archive.queue(STACK)] == [theirs.id]


async def test_a_hold_survives_runs_and_restarts(url: str) -> None:
    async with Store.open(url) as store:
        run = await store.finished()
        await store.record.hold(a_hold(), run.thread)
        await store.finished()

    async with Store.open(url) as store:
        assert (await store.archive.occupancy(STACK)).hold == a_hold()


async def test_a_released_hold_is_told_and_lets_others_start(store: Store) -> None:
    run = await store.record.submit(a_new_run(by="bob"), later(0))
    await store.record.hold(a_hold(by="ann"), run.thread)
    await store.told()

    released = await store.record.release_hold(
        a_hold(by="ann"), an_actor("ann"), "done", later(5), run.thread
    )

    deed = (await store.deeds())[-1]
    assert released
    assert (deed.verb, deed.actor, deed.detail) == (
        Verb.RELEASED,
        an_actor("ann"),
        "done",
    )
    assert await store.told() == [
        Released(hold=a_hold(by="ann"), actor=an_actor("ann"), reason="done"),
        Header(run=run.id),
    ]
    assert len(await store.record.promote(later(6))) == 1


async def test_who_releases_anothers_hold_is_audited_with_the_holder(
    store: Store,
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    await store.record.hold(a_hold(by="ann"), card.id)

    await store.record.release_hold(
        a_hold(by="ann"), an_actor("eve"), "left", later(5), card.id
    )

    deed = (await store.deeds())[-1]
    assert (deed.actor, deed.detail) == (an_actor("eve"), "the hold of U0ANN: left")


@pytest.mark.parametrize(
    "other", [a_hold(by="bob"), a_hold(since=later(1)), a_hold(stack="db-prod")]
)
async def test_another_hold_than_the_one_in_force_is_not_released(
    store: Store, other: Hold
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    await store.record.hold(a_hold(), card.id)
    await store.told()

    released = await store.record.release_hold(other, an_actor(), "", later(5), card.id)

    assert not released
    assert (await store.archive.occupancy(STACK)).hold == a_hold()
    assert await store.told() == []


async def test_of_fifty_releases_at_once_one_releases(store: Store) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    await store.record.hold(a_hold(), card.id)
    release = store.record.release_hold

    released = await asyncio.gather(
        *(release(a_hold(), an_actor(), "", later(5), card.id) for _ in range(50))
    )

    assert released.count(True) == 1
