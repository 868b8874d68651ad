"""What the record promises of runs that an outside CI performs."""

import pytest

from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition, StaleFence
from bot.domain.lock import LEASE
from bot.domain.people import HANDRAIL, api_actor
from bot.domain.run import RunId, RunState
from bot.domain.telling import Final, Header, Said, Waiting
from bot.ports import StopAnswer
from tests.contract.store.opened import FINISHED, LOST, Store
from tests.support.builders import (
    STACK,
    a_hold,
    a_new_run,
    an_actor,
    an_announced_run,
    later,
)

CI = api_actor("ci")
SILENCE = LEASE.total_seconds()


async def states(store: Store, run: RunId) -> list[RunState]:
    return [step.to_state for step in await store.archive.transitions(run)]


async def test_an_announced_run_is_never_started_by_handrail(store: Store) -> None:
    run = await store.record.submit(an_announced_run(), later(0))

    ready = await store.record.promote(later(1))

    assert [one.id for one in ready] == [run.id]
    assert await store.record.ready() == ()


async def test_a_ci_begins_its_run_once_it_is_its_turn(store: Store) -> None:
    run = await store.record.submit(an_announced_run(), later(0))
    await store.record.promote(later(1))
    await store.told()

    claim = await store.record.begin(run.id, later(2))

    deed = (await store.deeds())[-1]
    assert claim == (await store.archive.occupancy(STACK)).claim
    assert claim is not None
    assert (claim.run, claim.fence, claim.lease) == (run.id, 1, later(2) + LEASE)
    assert await states(store, run.id) == [
        RunState.QUEUED,
        RunState.READY,
        RunState.PREPARING,
        RunState.PERFORMING,
    ]
    assert (deed.verb, deed.actor) == (Verb.PERFORMED, CI)
    assert await store.told() == [Header(run=run.id)]


async def test_no_container_is_looked_for_of_what_a_ci_performs(store: Store) -> None:
    run, _ = await store.performing_outside()

    assert run.state is RunState.PERFORMING
    assert await store.archive.active_runs() == ()


async def test_a_run_is_begun_neither_early_nor_twice(store: Store) -> None:
    await store.run_in(RunState.PERFORMING)
    run = await store.record.submit(an_announced_run(), later(5))

    with pytest.raises(IllegalTransition):
        await store.record.begin(run.id, later(6))

    await store.record.end(RunId(1), FINISHED, later(7))
    await store.record.promote(later(8))
    await store.record.begin(run.id, later(9))
    with pytest.raises(IllegalTransition):
        await store.record.begin(run.id, later(10))


async def test_what_handrail_performs_is_not_begun_by_a_ci(store: Store) -> None:
    run = await store.run_in(RunState.READY)

    with pytest.raises(IllegalTransition):
        await store.record.begin(run.id, later(2))


async def test_a_hold_taken_meanwhile_sends_an_announced_run_back(
    store: Store,
) -> None:
    run = await store.run_in(RunState.READY, an_announced_run())
    await store.record.hold([a_hold(by="bob")])
    await store.told()

    assert await store.record.begin(run.id, later(2)) is None

    assert (await store.archive.run(run.id)).state is RunState.QUEUED
    assert (await store.archive.occupancy(STACK)).claim is None
    assert await store.told() == [Header(run=run.id), Waiting(run=run.id)]


async def test_a_heartbeat_renews_the_lease_of_the_claim(store: Store) -> None:
    run, claim = await store.performing_outside()

    heard = await store.record.heartbeat(run.id, claim.fence, later(50))

    renewed = (await store.archive.occupancy(STACK)).claim
    assert heard == run
    assert renewed is not None
    assert (renewed.fence, renewed.lease) == (claim.fence, later(50) + LEASE)


@pytest.mark.parametrize("fence", [0, 2, None])
async def test_a_heartbeat_with_another_fence_is_stale(
    store: Store, fence: int | None
) -> None:
    run, claim = await store.performing_outside()

    with pytest.raises(StaleFence):
        await store.record.heartbeat(run.id, fence, later(50))

    assert (await store.archive.occupancy(STACK)).claim == claim


async def test_a_heartbeat_of_a_run_that_waits_has_no_fence(store: Store) -> None:
    await store.run_in(RunState.PERFORMING)
    run = await store.record.submit(an_announced_run(), later(5))

    assert await store.record.heartbeat(run.id, None, later(50)) == run
    with pytest.raises(StaleFence):
        await store.record.heartbeat(run.id, 1, later(51))


async def test_a_heartbeat_of_a_run_that_is_over_is_refused(store: Store) -> None:
    run, claim = await store.performing_outside()
    await store.record.end(run.id, FINISHED, later(9))

    with pytest.raises(IllegalTransition):
        await store.record.heartbeat(run.id, claim.fence, later(10))


async def test_what_handrail_performs_has_no_heartbeat(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)

    with pytest.raises(IllegalTransition):
        await store.record.heartbeat(run.id, 1, later(10))


async def test_a_ci_that_is_silent_for_a_lease_is_told_once_and_keeps_its_stack(
    store: Store,
) -> None:
    run, claim = await store.performing_outside()
    await store.told()

    early = await store.record.lapse(later(2 + SILENCE - 1))
    lapsed = await store.record.lapse(later(2 + SILENCE))
    again = await store.record.lapse(later(2 + 2 * SILENCE))

    deed = (await store.deeds())[-1]
    line, header = await store.told()
    assert (early, again) == ((), ())
    assert lapsed == (await store.archive.run(run.id),)
    assert (lapsed[0].state, lapsed[0].lost_since) == (RunState.PERFORMING, later(2))
    assert (await store.archive.occupancy(STACK)).claim == claim
    assert (deed.verb, deed.actor, deed.run) == (Verb.UNHEARD, HANDRAIL, run.id)
    assert isinstance(line, Said)
    assert "has not been heard of since 12:00 UTC" in line.text
    assert header == Header(run=run.id)


async def test_a_lost_ci_that_is_heard_again_is_told_once(store: Store) -> None:
    run, claim = await store.performing_outside()
    await store.record.lapse(later(200))
    await store.told()

    for seconds in (210, 220):
        heard = await store.record.heartbeat(run.id, claim.fence, later(seconds))

    assert heard == run
    assert (await store.deeds())[-1].verb is Verb.HEARD_AGAIN
    assert await store.told() == [
        Said(text="The CI that performs this run is heard of again."),
        Header(run=run.id),
    ]
    assert len(await store.record.lapse(later(220 + SILENCE))) == 1


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.READY])
async def test_an_announced_run_whose_ci_is_gone_while_it_waits_is_discarded(
    store: Store, state: RunState
) -> None:
    run = await store.run_in(state, an_announced_run())
    behind = await store.record.submit(a_new_run(), later(3))
    await store.told()

    (over,) = await store.record.lapse(later(SILENCE))

    assert over == await store.archive.run(run.id)
    assert (over.state, over.note) == (
        RunState.DISCARDED,
        "Its CI was not heard of any more while it waited.",
    )
    assert Final(run=run.id) in await store.told()
    assert [one.id for one in await store.record.promote(later(100))] == [behind.id]


async def test_a_ci_that_is_heard_of_while_it_waits_keeps_its_place(
    store: Store,
) -> None:
    run = await store.record.submit(an_announced_run(), later(0))
    await store.record.heartbeat(run.id, None, later(60))

    assert await store.record.lapse(later(SILENCE)) == ()


async def test_what_handrail_performs_never_lapses(store: Store) -> None:
    await store.run_in(RunState.PERFORMING)

    assert await store.record.lapse(later(10_000)) == ()


async def test_the_leases_of_what_a_process_drives_are_renewed(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    other = await store.run_in(RunState.READY, a_new_run(stack="other"))

    await store.record.renew([run.id], later(50))
    await store.record.renew([], later(60))

    claim = (await store.archive.occupancy(STACK)).claim
    theirs = (await store.archive.occupancy(other.stack)).claim
    assert claim is not None
    assert theirs is not None
    assert (claim.lease, theirs.lease) == (later(50) + LEASE, later(1) + LEASE)


async def test_a_waiting_announced_run_can_be_discarded_and_a_performing_one_not(
    store: Store,
) -> None:
    waiting = await store.run_in(RunState.READY, an_announced_run(stack="other"))
    performing, _ = await store.performing_outside()
    bob = an_actor("bob")

    first = await store.record.ask_stop(waiting.id, bob, later(5))
    second = await store.record.ask_stop(performing.id, bob, later(5))

    assert (first, second) == (StopAnswer.DISCARDED, StopAnswer.TOO_LATE)


async def test_a_lost_run_is_settled_by_its_end(store: Store) -> None:
    run, _ = await store.performing_outside()
    await store.record.lapse(later(200))

    over = await store.record.end(run.id, LOST, later(300))

    assert over.state is RunState.FAILED
    assert (await store.archive.occupancy(STACK)).claim is None
    assert await store.record.lapse(later(400)) == ()
