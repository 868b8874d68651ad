"""What the record promises of holds that were taken outside any thread."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bot.domain.people import api_actor
from bot.domain.run import Run
from bot.domain.stack import StackName
from bot.domain.telling import Expired, Header, Held, Released, Stolen, Telling
from tests.contract.store.opened import Store
from tests.support.builders import (
    CHANNEL,
    STACK,
    a_hold,
    a_new_run,
    an_actor,
    later,
)

KEY = api_actor("ci")
HELD = replace(a_hold(until=later(600)), actor=KEY)
WANTED = a_hold(by="ada", reason="why", since=later(20))


async def take(store: Store) -> object:
    return await store.record.hold([replace(HELD, reason="deploy")])


async def extend(store: Store) -> object:
    return await store.record.extend(HELD, later(900), later(20))


async def release(store: Store) -> object:
    return await store.record.release_holds([HELD], KEY, "", later(20), None)


async def steal(store: Store) -> object:
    return await store.record.steal(HELD, WANTED)


async def expire(store: Store) -> object:
    return await store.record.expire(later(600))


@pytest.mark.parametrize(
    ("act", "line"),
    [
        (take, Held(holds=(replace(HELD, reason="deploy"),))),
        (extend, Held(holds=(replace(HELD, until=later(900)),))),
        (release, Released(holds=(HELD,), actor=KEY)),
        (steal, Stolen(held=HELD, wanted=WANTED)),
        (expire, Expired(hold=HELD)),
    ],
)
async def test_it_is_told_in_the_newest_thread_of_the_stack(
    store: Store, act: Callable[[Store], Awaitable[object]], line: Telling
) -> None:
    newest = await held(store)

    await act(store)

    assert await told_in(store, newest) == [line, Header(run=newest.id)]


async def held(store: Store) -> Run:
    """Hold a stack that has threads of each kind, and return the run of its newest."""
    await store.record.open_card(STACK, CHANNEL)
    newest = await store.finished()
    await store.record.notify_when_free(STACK, an_actor("bob"), later(10))
    await store.finished(a_new_run(stack="db-prod"))
    await store.record.hold([HELD])
    await store.told()
    return newest


async def told_in(store: Store, run: Run) -> list[Telling]:
    """Deliver every letter, and return what was told in the thread of *run*."""
    told = []
    while letters := await store.outbox.due(later(3600)):
        for letter in letters:
            if letter.thread.id == run.thread:
                told.append(letter.telling)
            await store.outbox.delivered(letter, f"{letter.id}.5")
    return told


async def test_it_is_told_in_the_newest_thread_of_any_of_its_stacks(
    store: Store,
) -> None:
    run = await store.finished()
    await store.told()
    holds = (replace(HELD, stack=StackName("a-first")), HELD)

    await store.record.hold(holds)

    assert await told_in(store, run) == [Held(holds=holds), Header(run=run.id)]


async def test_it_is_told_nowhere_where_the_stack_has_no_thread(store: Store) -> None:
    await store.record.hold([HELD])

    assert await store.told() == []


async def test_who_has_another_name_by_now_releases_a_hold_of_their_own(
    store: Store,
) -> None:
    hold = a_hold()
    await store.record.hold([hold])
    renamed = replace(hold.actor, name="ann.doe")

    await store.record.release_holds([hold], renamed, "done", later(5), None)

    assert (await store.deeds())[-1].detail == "done"
