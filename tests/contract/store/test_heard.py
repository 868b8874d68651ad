"""`Record`: what Slack delivered is acted on once, though who heard it may die."""

import pytest

from bot.domain.errors import Superseded
from bot.domain.replica import REPLICA_LEASE
from bot.ports import DeliveryKey
from tests.contract.store.opened import Store
from tests.contract.store.party import Party
from tests.support.builders import a_hold, a_new_run, later

WORD = DeliveryKey("message:C1:1.5")
OVER = REPLICA_LEASE.total_seconds()
#: as far from the end of a lease as a slow machine may need
HALF = OVER / 2


@pytest.fixture
async def a(store: Store) -> Party:
    return await Party.joined(store, "a")


@pytest.fixture
async def b(store: Store) -> Party:
    return await Party.joined(store, "b")


async def test_what_nobody_acted_on_is_heard_anew_once_its_hearer_is_dead(
    a: Party, b: Party
) -> None:
    first = await a.record.first_seen(WORD, later(0))
    while_alive = await b.record.first_seen(WORD, later(HALF))
    when_dead = await b.record.first_seen(WORD, later(OVER))
    again = await b.record.first_seen(WORD, later(OVER))

    assert (first, while_alive, when_dead, again) == (True, False, True, False)


async def test_what_was_acted_on_is_never_heard_anew(a: Party, b: Party) -> None:
    await a.record.first_seen(WORD, later(0))
    with a.record.answering(WORD):
        await a.record.hold([a_hold()])

    assert not await b.record.first_seen(WORD, later(OVER))


async def test_what_is_changed_outside_of_an_answer_acts_on_nothing(
    a: Party, b: Party
) -> None:
    await a.record.first_seen(WORD, later(0))
    with a.record.answering(WORD):
        pass
    await a.record.hold([a_hold()])

    assert await b.record.first_seen(WORD, later(OVER))


async def test_a_hearer_that_was_believed_dead_changes_nothing_any_more(
    a: Party, b: Party
) -> None:
    await a.record.first_seen(WORD, later(0))
    await b.record.first_seen(WORD, later(OVER))

    with a.record.answering(WORD), pytest.raises(Superseded):
        await a.record.submit(a_new_run(), later(OVER))
    with b.record.answering(WORD):
        run = await b.record.submit(a_new_run(), later(OVER))

    assert [each.id for each in await b.store.archive.last_runs(None, 9)] == [run.id]
