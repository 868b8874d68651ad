"""What the record promises of holds that are to last longer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.audit import Verb
from bot.domain.lock import Hold
from bot.domain.run import RunState
from bot.domain.stack import StackName
from bot.domain.telling import Card, Header, Held, Waiting
from tests.contract.store.opened import Store
from tests.support.builders import (
    CHANNEL,
    STACK,
    a_hold,
    a_new_run,
    an_actor,
    later,
)

HELD = a_hold(reason="migration", until=later(600))
A_MINUTE, A_DAY = timedelta(minutes=1), timedelta(hours=24)


async def test_a_hold_is_extended_as_it_is_and_told_in_its_thread(
    store: Store,
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    hold = replace(HELD, thread=card.id)
    await store.record.hold([hold])
    await store.told()

    assert await store.record.extend(hold, later(7200), later(300))

    extended = replace(hold, until=later(7200))
    deed = (await store.deeds())[-1]
    assert (await store.archive.occupancy(STACK)).hold == extended
    assert (deed.verb, deed.actor, deed.at, deed.stack, deed.detail) == (
        Verb.HELD,
        hold.actor,
        later(300),
        STACK,
        "until 2026-11-20 14:00 UTC: migration",
    )
    assert await store.told() == [Held(holds=(extended,)), Card(stack=STACK)]


async def test_who_waits_for_a_hold_is_told_its_new_end(store: Store) -> None:
    await store.record.hold([HELD])
    run = await store.run_in(RunState.QUEUED, a_new_run(by="bob"))
    await store.told()

    await store.record.extend(HELD, later(7200), later(300))

    assert {Header(run=run.id), Waiting(run=run.id)} <= {*await store.told()}


@pytest.mark.parametrize(
    "other",
    [
        replace(HELD, since=later(-1)),
        replace(HELD, actor=an_actor("bob")),
        replace(HELD, stack=StackName("db-prod")),
    ],
)
async def test_another_hold_than_the_one_in_force_is_not_extended(
    store: Store, other: Hold
) -> None:
    await store.record.hold([HELD])
    deeds = await store.deeds()

    assert not await store.record.extend(other, later(7200), later(300))

    assert (await store.archive.occupancy(STACK)).hold == HELD
    assert await store.deeds() == deeds


async def test_a_hold_that_is_over_is_not_taken_anew(store: Store) -> None:
    await store.record.hold([HELD])
    await store.record.expire(later(600))

    assert not await store.record.extend(HELD, later(7200), later(601))

    assert await store.archive.holds() == ()


async def test_who_extended_a_hold_is_reminded_of_its_new_end(store: Store) -> None:
    await store.record.hold([HELD])
    assert await store.record.remind(later(590), before=A_MINUTE) == 1

    await store.record.extend(HELD, later(7200), later(595))

    assert await store.record.remind(later(7190), before=A_MINUTE) == 1


async def test_who_keeps_a_hold_without_an_end_is_asked_a_day_later(
    store: Store,
) -> None:
    hold = replace(HELD, until=None)
    await store.record.hold([hold])
    a_day = A_DAY.total_seconds()
    assert await store.record.ask_holders(later(a_day), after=A_DAY) == 1

    await store.record.extend(hold, None, later(a_day + 60))

    ask = store.record.ask_holders
    assert await ask(later(2 * a_day), after=A_DAY) == 0
    assert await ask(later(2 * a_day + 60), after=A_DAY) == 1
