"""`Record`: what Slack delivered is acted on once, though who heard it may die."""

import pytest

from bot.domain.audit import Verb
from bot.domain.errors import Superseded
from bot.domain.people import UserId
from bot.domain.replica import REPLICA_LEASE
from bot.domain.telling import Notice, NoticeKind
from bot.ports import DeliveryKey, Sent
from bot.store.words import SqlWords
from tests.contract.store.opened import Store
from tests.contract.store.party import Party
from tests.support.builders import a_hold, a_new_run, later

SLASH = DeliveryKey("slash:1.2.abc")
SENT = Sent(by=UserId("U0ANN"), command="/task")
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


async def test_a_command_that_died_with_its_hearer_is_told_and_not_acted_on(
    a: Party, b: Party
) -> None:
    words = SqlWords(a.store.database)
    await a.record.first_seen(SLASH, later(0), SENT)
    await a.record.first_seen(WORD, later(1))
    while_alive = await words.give_up(later(HALF))
    await b.replicas.renew(later(OVER))

    given_up = [await words.give_up(later(OVER)) for _ in range(2)]

    assert (while_alive, given_up) == (0, [1, 0])
    said = "`/task` of 2026-11-20 12:00 UTC"
    notice = Notice(kind=NoticeKind.UNDONE, stack="", reason=said)
    assert await a.store.told() == [notice]
    (deed,) = await a.store.deeds()
    assert (deed.verb, deed.actor.id) == (Verb.REFUSED, SENT.by)
    assert (deed.at, deed.detail) == (later(0), "unavailable: /task")
    assert not await b.record.first_seen(SLASH, later(OVER), SENT)
    assert await b.record.first_seen(WORD, later(OVER))
    with a.record.answering(SLASH), pytest.raises(Superseded):
        await a.record.submit(a_new_run(), later(OVER))


async def test_a_command_that_was_answered_is_not_given_up(a: Party, b: Party) -> None:
    keys = [DeliveryKey(f"slash:{name}") for name in ("read", "run", "refused")]
    for key in keys:
        await a.record.first_seen(key, later(0), SENT)

    await a.record.answered(keys[0])
    with a.record.answering(keys[1]):
        await a.record.submit(a_new_run(), later(1))
    with a.record.answering(keys[2]):
        await a.record.hold([a_hold(stack="db-prod")])
    await b.replicas.renew(later(OVER))

    assert await SqlWords(a.store.database).give_up(later(OVER)) == 0
