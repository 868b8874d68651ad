"""Fifty hands at once, in two processes: each verb is granted once, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import cycle
from typing import TypeVar

import pytest

from bot.domain.audit import Verb
from bot.domain.lock import EVERY, Hold
from bot.domain.run import RunId, RunState
from bot.domain.stack import StackName
from bot.store import audit
from tests.contract.store.opened import FINISHED, Store
from tests.support.builders import STACK, a_hold, a_new_run, an_actor, later

HANDS = 50
ADA = an_actor("ada")


@pytest.fixture
async def stores(url: str) -> AsyncIterator[list[Store]]:
    """Two stores over one database, as two processes have them."""
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(Store.open(url)) for _ in range(2)]


T = TypeVar("T")


async def at_once(
    stores: list[Store], verb: Callable[[Store, int], Coroutine[None, None, T]]
) -> list[T]:
    """Have fifty hands, in the two processes in turn, do *verb* at once."""
    hands = zip(range(HANDS), cycle(stores), strict=False)
    return await asyncio.gather(*(verb(store, hand) for hand, store in hands))


async def verbs(store: Store) -> list[Verb]:
    return [deed.verb for deed in await store.deeds()]


async def test_a_stack_is_claimed_for_one_run(stores: list[Store]) -> None:
    one, _ = stores
    for _ in range(HANDS):
        await one.record.submit(a_new_run(), later(0))

    promoted = await at_once(stores, lambda store, _: store.record.promote(later(1)))

    assert [run.id for runs in promoted for run in runs] == [1]
    assert len(await one.archive.queue(STACK)) == HANDS - 1


async def test_each_of_many_stacks_is_claimed_for_its_oldest_run(
    stores: list[Store],
) -> None:
    one, _ = stores
    for number in range(HANDS):
        await one.record.submit(a_new_run(stack=f"s{number % 10}"), later(0))

    promoted = await at_once(stores, lambda store, _: store.record.promote(later(1)))

    assert sorted(run.id for runs in promoted for run in runs) == list(range(1, 11))


async def test_runs_pass_through_many_stacks_one_at_a_time_and_in_order(
    stores: list[Store],
) -> None:
    one, _ = stores
    for number in range(20):
        await one.record.submit(a_new_run(stack=f"s{number % 5}"), later(0))
    begun: list[RunId] = []

    async def drive(store: Store, _: int) -> None:
        for run in await store.record.promote(later(1)):
            await see_through(store, run.id, begun)

    while any([await one.archive.queue(StackName(f"s{n}")) for n in range(5)]):
        await at_once(stores, drive)

    by_stack = [[run for run in begun if run % 5 == n] for n in range(5)]
    assert all(runs == sorted(runs) for runs in by_stack)
    assert sorted(begun) == list(range(1, 21))
    assert (await audit.verify(one.database)).broken is None


async def see_through(store: Store, run: RunId, begun: list[RunId]) -> None:
    assert await store.record.start(run, later(2))
    begun.append(run)
    await store.record.advance(run, RunState.PERFORMING, later(3))
    await store.record.end(run, FINISHED, later(4))


async def test_of_fifty_takers_one_holds(stores: list[Store]) -> None:
    async def take(store: Store, hand: int) -> bool:
        return (await store.record.hold([a_hold(by=f"w{hand}")])).taken

    taken = await at_once(stores, take)

    assert taken.count(True) == 1
    assert await verbs(stores[0]) == [Verb.HELD]


async def test_of_fifty_freezers_one_freezes(stores: list[Store]) -> None:
    async def freeze(store: Store, hand: int) -> bool:
        return (await store.record.freeze(a_hold(stack=EVERY, by=f"w{hand}"))).taken

    assert (await at_once(stores, freeze)).count(True) == 1


async def test_holds_in_opposite_orders_are_taken_all_or_none(
    stores: list[Store],
) -> None:
    names = [f"s{number}" for number in range(6)]

    async def take(store: Store, hand: int) -> bool:
        chosen = names if hand % 2 else names[::-1]
        shifted = chosen[hand % 3 :] if hand % 5 else chosen[hand % 6 :][:1]
        wanted = [a_hold(stack=name, by=f"w{hand}") for name in shifted]
        answer = await store.record.hold(wanted)
        holders = {hold.actor.name for hold in answer.holds}
        assert answer.taken is (holders == {f"w{hand}"})
        return answer.taken

    taken = await at_once(stores, take)

    holds = await stores[0].archive.holds()
    by = {hold.actor.name for hold in holds}
    assert taken.count(True) == len(by) == len(await stores[0].deeds())
    assert by == {f"w{hand}" for hand, is_taken in enumerate(taken) if is_taken}


async def test_holds_come_and_go_in_opposite_orders(stores: list[Store]) -> None:
    names = [f"s{number}" for number in range(4)]
    for name in names:
        await stores[0].record.submit(a_new_run(stack=name), later(0))

    async def take_and_release(store: Store, hand: int) -> bool:
        chosen = names if hand % 2 else names[::-1]
        wanted = [a_hold(stack=name, by=f"w{hand}") for name in chosen]
        if not (await store.record.hold(wanted)).taken:
            return False
        await store.record.promote(later(1))
        return await release(store, *wanted[::-1])

    taken = await at_once(stores, take_and_release)

    said = await verbs(stores[0])
    assert await stores[0].archive.holds() == ()
    assert sum(taken) == said.count(Verb.HELD) == said.count(Verb.RELEASED)
    assert (await audit.verify(stores[0].database)).broken is None


async def release(store: Store, *held: Hold) -> bool:
    return await store.record.release_holds(held, held[0].actor, "", later(5), None)


async def test_of_fifty_releases_one_releases(stores: list[Store]) -> None:
    wanted = [a_hold(stack="a"), a_hold(stack="b")]
    await stores[0].record.hold(wanted)

    released = await at_once(stores, lambda store, _: release(store, *wanted))

    assert released.count(True) == 1
    assert await verbs(stores[0]) == [Verb.HELD, Verb.RELEASED]


async def test_of_fifty_thieves_one_steals(stores: list[Store]) -> None:
    await stores[0].record.hold([a_hold()])

    async def steal(store: Store, hand: int) -> bool:
        return await store.record.steal(a_hold(), a_hold(by=f"w{hand}", since=later(5)))

    stolen = await at_once(stores, steal)

    (hold,) = await stores[0].archive.holds()
    assert stolen.count(True) == 1
    assert hold.actor.name == f"w{stolen.index(True)}"


async def test_a_hold_is_stolen_or_released_but_never_both(
    stores: list[Store],
) -> None:
    await stores[0].record.hold([a_hold()])
    wanted = a_hold(by="ada", since=later(5))

    async def steal_or_release(store: Store, hand: int) -> bool:
        if hand % 2:
            return await store.record.steal(a_hold(), wanted)
        return await release(store, a_hold())

    done = await at_once(stores, steal_or_release)

    is_stolen = await verbs(stores[0]) == [Verb.HELD, Verb.STOLEN]
    assert done.count(True) == 1
    assert await stores[0].archive.holds() == ((wanted,) if is_stolen else ())


async def test_of_fifty_sweeps_one_ends_a_hold(stores: list[Store]) -> None:
    ends = [replace(a_hold(stack=name), until=later(60)) for name in "abc"]
    await stores[0].record.hold(ends)

    swept = await at_once(stores, lambda store, _: store.record.expire(later(60)))

    assert [hold for holds in swept for hold in holds] == ends
    assert (await verbs(stores[0])).count(Verb.EXPIRED) == 3


async def test_of_fifty_reminders_one_is_sent(stores: list[Store]) -> None:
    await stores[0].record.hold([replace(a_hold(), until=later(3600))])
    before = later(1200) - later(0)

    sent = await at_once(
        stores, lambda store, _: store.record.remind(later(3000), before=before)
    )

    assert sum(sent) == 1


async def test_of_fifty_ends_one_ends_the_run(stores: list[Store]) -> None:
    run = await stores[0].run_in(RunState.READY)

    async def stop(store: Store, _: int) -> str:
        return await store.record.ask_stop(run.id, ADA, later(5))

    answers = await at_once(stores, stop)

    assert answers.count("discarded") == 1
    assert answers.count("over") == HANDS - 1
    assert (await verbs(stores[0])).count(Verb.ENDED) == 1
