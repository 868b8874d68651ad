"""What the record promises of tracked runs: a plan, a person's yes, that plan."""

import asyncio

import pytest

from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition
from bot.domain.lock import EVERY
from bot.domain.people import HANDRAIL
from bot.domain.run import RunState, RunType
from bot.domain.telling import Confirmed, Final, Header, Planned, Said
from bot.ports import Ended, StopAnswer
from tests.contract.store.opened import FINISHED, PLAN, Store
from tests.support.builders import (
    STACK,
    a_deploy,
    a_hold,
    a_new_run,
    an_actor,
    later,
)

BOB = an_actor("bob")


async def test_a_tracked_run_is_kept_with_what_would_apply_it(store: Store) -> None:
    run = await store.record.submit(a_deploy(), later(0))

    assert (run.type, run.command, run.apply, run.outside) == (
        RunType.TRACKED,
        "terraform plan",
        "terraform apply",
        False,
    )
    assert await store.archive.run(run.id) == run


async def test_a_plan_waits_unconfirmed_and_is_told(store: Store) -> None:
    run = await store.run_in(RunState.INITIALIZING, a_deploy())
    await store.record.advance(run.id, RunState.PLANNING, later(4))
    await store.told()

    planned = await store.record.planned(run.id, PLAN, later(5))

    deed = (await store.deeds())[-1]
    assert planned == await store.archive.run(run.id)
    assert (planned.state, planned.summary, planned.plan_digest) == (
        RunState.UNCONFIRMED,
        PLAN.summary,
        PLAN.digest,
    )
    assert (deed.verb, deed.actor, deed.detail) == (
        Verb.PLANNED,
        HANDRAIL,
        f"plan {PLAN.digest}",
    )
    assert await store.told() == [Header(run=run.id), Planned(run=run.id)]


async def test_a_plan_keeps_its_stack_until_it_ends(store: Store) -> None:
    run = await store.unconfirmed()
    task = await store.record.submit(a_new_run(), later(6))

    assert await store.record.promote(later(7)) == ()

    await store.record.ask_stop(run.id, BOB, later(8))
    assert [ready.id for ready in await store.record.promote(later(9))] == [task.id]


async def test_a_plan_nobody_has_confirmed_is_not_applied(store: Store) -> None:
    run = await store.unconfirmed()

    with pytest.raises(IllegalTransition):
        await store.record.apply(run.id, later(6))

    assert await store.record.ready() == ()
    assert await store.archive.run(run.id) == run


async def test_whoever_confirms_a_plan_is_recorded(store: Store) -> None:
    run = await store.unconfirmed()
    await store.told()

    confirmed = await store.record.confirm(run.id, BOB, later(6))

    deed = (await store.deeds())[-1]
    assert (confirmed.state, confirmed.confirmed_by) == (RunState.UNCONFIRMED, BOB)
    assert (deed.verb, deed.actor) == (Verb.CONFIRMED, BOB)
    assert await store.record.ready() == (confirmed,)
    assert await store.told() == [Confirmed(actor=BOB), Header(run=run.id)]


async def test_of_fifty_confirms_at_once_one_counts(store: Store) -> None:
    run = await store.unconfirmed()
    people = [an_actor(f"w{i}") for i in range(50)]

    answers = await asyncio.gather(
        *(store.record.confirm(run.id, by, later(6)) for by in people),
        return_exceptions=True,
    )

    refused = [one for one in answers if isinstance(one, IllegalTransition)]
    deeds = [deed for deed in await store.deeds() if deed.verb is Verb.CONFIRMED]
    assert len(refused) == 49
    assert [deed.actor for deed in deeds] == [
        (await store.archive.run(run.id)).confirmed_by
    ]


@pytest.mark.parametrize("state", [RunState.READY, RunState.PERFORMING])
async def test_only_a_plan_that_waits_can_be_confirmed(
    store: Store, state: RunState
) -> None:
    run = await store.run_in(state)

    with pytest.raises(IllegalTransition):
        await store.record.confirm(run.id, BOB, later(9))

    assert await store.archive.run(run.id) == run


async def test_a_plan_that_was_discarded_cannot_be_confirmed(store: Store) -> None:
    run = await store.unconfirmed()
    await store.told()

    answer = await store.record.ask_stop(run.id, BOB, later(6))

    assert answer is StopAnswer.DISCARDED
    assert (await store.archive.run(run.id)).state is RunState.DISCARDED
    assert (await store.archive.occupancy(STACK)).claim is None
    assert await store.told() == [Header(run=run.id), Final(run=run.id)]
    with pytest.raises(IllegalTransition):
        await store.record.confirm(run.id, BOB, later(7))


async def test_a_confirm_and_a_discard_never_both_win(store: Store) -> None:
    runs = [await store.unconfirmed(a_deploy(stack=f"stack-{i}")) for i in range(5)]

    for run in runs:
        await store.record.confirm(run.id, BOB, later(6))
        applied, answer = await asyncio.gather(
            store.record.apply(run.id, later(7)),
            store.record.ask_stop(run.id, BOB, later(7)),
            return_exceptions=True,
        )

        was_discarded = answer is StopAnswer.DISCARDED
        assert was_discarded == isinstance(applied, IllegalTransition)
        assert was_discarded or answer is StopAnswer.TOO_LATE


async def test_what_was_confirmed_is_applied_behind_the_plans_output(
    store: Store,
) -> None:
    run = await store.run_in(RunState.INITIALIZING, a_deploy())
    await store.record.append_output(run.id, b"plan\n", position=70, limit=100)
    await store.record.advance(run.id, RunState.PLANNING, later(4))
    await store.record.planned(run.id, PLAN, later(5))
    await store.record.confirm(run.id, BOB, later(6))
    await store.told()

    applying = await store.record.apply(run.id, later(7))

    assert applying == await store.archive.run(run.id)
    assert applying is not None
    assert (applying.state, applying.applied_from) == (RunState.APPLYING, 70)
    assert applying.applied_at is None
    assert (await store.deeds())[-1].verb is Verb.STARTED
    assert await store.record.ready() == ()
    assert await store.told() == [Header(run=run.id)]


async def test_when_a_plan_begins_to_be_applied_is_recorded_once(
    store: Store,
) -> None:
    run = await store.unconfirmed()
    await store.record.confirm(run.id, BOB, later(6))
    await store.record.apply(run.id, later(7))

    for seconds in (8, 9):
        await store.record.begin_applying(run.id, later(seconds))

    deeds = [deed for deed in await store.deeds() if deed.verb is Verb.PERFORMED]
    assert (await store.archive.run(run.id)).applied_at == later(8)
    assert [deed.at for deed in deeds] == [later(8)]


async def test_only_what_is_confirmed_begins_to_be_applied(store: Store) -> None:
    run = await store.unconfirmed()

    with pytest.raises(IllegalTransition):
        await store.record.begin_applying(run.id, later(8))


@pytest.mark.parametrize("stack", [STACK, EVERY])
async def test_a_hold_taken_before_a_plan_is_applied_leaves_it_unconfirmed(
    store: Store, stack: str
) -> None:
    run = await store.unconfirmed()
    await store.record.confirm(run.id, BOB, later(6))
    hold = a_hold(stack=stack, by="cat")
    await (store.record.freeze(hold) if stack == EVERY else store.record.hold([hold]))
    await store.told()

    assert await store.record.apply(run.id, later(7)) is None

    now = await store.archive.run(run.id)
    told = await store.told()
    assert (now.state, now.confirmed_by) == (RunState.UNCONFIRMED, None)
    assert isinstance(told[0], Said)
    assert told[0].text.startswith("cat took a hold on ")
    assert await store.record.ready() == ()
    assert (await store.archive.occupancy(STACK)).claim is not None


async def test_a_hold_of_the_confirmers_own_lets_the_plan_be_applied(
    store: Store,
) -> None:
    run = await store.unconfirmed()
    await store.record.confirm(run.id, BOB, later(6))
    await store.record.hold([a_hold(by="bob")])

    assert await store.record.apply(run.id, later(7)) is not None


async def test_a_stop_that_came_while_the_plan_was_made_ends_the_run(
    store: Store,
) -> None:
    run = await store.run_in(RunState.INITIALIZING, a_deploy())
    await store.record.advance(run.id, RunState.PLANNING, later(4))
    assert await store.record.ask_stop(run.id, BOB, later(5)) is StopAnswer.ASKED

    over = await store.record.planned(run.id, PLAN, later(6))

    assert over.state is RunState.STOPPED
    assert (await store.archive.occupancy(STACK)).claim is None


async def test_what_is_being_applied_cannot_be_stopped(store: Store) -> None:
    run = await store.unconfirmed()
    await store.record.confirm(run.id, BOB, later(6))
    applying = await store.record.apply(run.id, later(7))

    answer = await store.record.ask_stop(run.id, BOB, later(8))

    assert answer is StopAnswer.TOO_LATE
    assert await store.archive.run(run.id) == applying


async def test_an_end_releases_the_stack_from_planning_and_applying(
    store: Store,
) -> None:
    planning = await store.run_in(RunState.INITIALIZING, a_deploy())
    await store.record.advance(planning.id, RunState.PLANNING, later(4))
    await store.record.end(planning.id, FINISHED, later(5))
    applying = await store.unconfirmed()
    await store.record.confirm(applying.id, BOB, later(6))
    await store.record.apply(applying.id, later(7))

    failed = Ended(state=RunState.FAILED, actor=HANDRAIL, exit_code=1)
    over = await store.record.end(applying.id, failed, later(8))

    assert (over.state, over.confirmed_by) == (RunState.FAILED, BOB)
    assert (await store.archive.occupancy(STACK)).claim is None
