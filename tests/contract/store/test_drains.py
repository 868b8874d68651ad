"""`Drains`, and what the installation is called."""

import asyncio

from bot.domain.audit import Verb
from bot.domain.run import RunState
from bot.ports import Drained
from bot.store.drains import SqlDrains, installation_name
from tests.contract.store.opened import FINISHED, PLAN, Store
from tests.support.builders import a_deploy, a_new_run, an_actor, later


async def test_nothing_is_drained_unless_somebody_says_so(store: Store) -> None:
    drains = SqlDrains(store.database)

    assert await drains.drained() is None
    assert not await drains.end_drain("root", later(1))


async def test_a_drain_keeps_who_wanted_it_first(store: Store) -> None:
    drains = SqlDrains(store.database)
    await drains.drain("root on h", later(0))
    await drains.drain("somebody else", later(1))

    assert await drains.drained() == Drained(since=later(0), by="root on h")


async def test_nothing_starts_until_a_drain_is_over(store: Store) -> None:
    drains = SqlDrains(store.database)
    planned = await store.unconfirmed(a_deploy(stack="db-prod"))
    await store.record.confirm(planned.id, an_actor(), later(6))
    run = await store.run_in(RunState.READY)
    await drains.drain("root", later(7))

    assert await store.record.ready() == ()
    assert await store.record.start(run.id, later(8)) is None
    assert await store.record.apply(planned.id, later(8)) is None
    assert (await store.archive.run(run.id)).state is RunState.READY
    confirmed = await store.archive.run(planned.id)
    assert confirmed.state is RunState.UNCONFIRMED
    assert confirmed.confirmed_by == an_actor()

    assert await drains.end_drain("root", later(9))
    assert len(await store.record.ready()) == 2
    assert await store.record.start(run.id, later(10))
    assert await store.record.apply(planned.id, later(10))


async def test_what_goes_on_goes_on_while_drained(store: Store) -> None:
    drains = SqlDrains(store.database)
    run = await store.run_in(RunState.INITIALIZING)
    deploy = await store.run_in(RunState.INITIALIZING, a_deploy(stack="db-prod"))
    await drains.drain("root", later(5))

    await store.record.advance(run.id, RunState.PERFORMING, later(6))
    await store.record.end(run.id, FINISHED, later(7))
    await store.record.advance(deploy.id, RunState.PLANNING, later(6))
    planned = await store.record.planned(deploy.id, PLAN, later(7))

    assert planned.state is RunState.UNCONFIRMED


async def test_a_drain_is_over_once_a_bot_starts_and_nothing_is_active(
    store: Store,
) -> None:
    drains = SqlDrains(store.database)
    run = await store.run_in(RunState.PERFORMING)
    await drains.drain("root", later(5))

    assert not await drains.end_if_done(later(6))
    await store.record.end(run.id, FINISHED, later(7))
    assert await drains.end_if_done(later(8))
    assert await drains.end_if_done(later(9))
    assert await drains.drained() is None


async def test_a_drain_and_its_end_have_one_audit_row_each(store: Store) -> None:
    drains = SqlDrains(store.database)
    await drains.drain("root on h", later(0))
    await drains.drain("root on h", later(1))
    await drains.end_drain("ops on h", later(2))
    await drains.end_drain("ops on h", later(3))

    deeds = [(deed.verb, deed.at, deed.detail) for deed in await store.deeds()]

    assert deeds == [
        (Verb.DRAINED, later(0), "root on h"),
        (Verb.DRAIN_ENDED, later(2), "ops on h"),
    ]


async def test_who_sends_a_command_while_drained_is_told_that_it_waits(
    store: Store,
) -> None:
    await SqlDrains(store.database).drain("root on h", later(0))

    await store.record.submit(a_new_run(), later(1))

    said = [str(telling) for telling in await store.told()]
    assert any("drained (by root on h)" in text for text in said)


async def test_the_first_name_of_an_installation_stays(url: str) -> None:
    async with Store.open(url) as one, Store.open(url) as other:
        proposals = [(one, "abc"), (other, "def"), (one, "ghi")]
        names = await asyncio.gather(
            *(installation_name(store.database, name) for store, name in proposals)
        )

        assert len(set(names)) == 1
        assert names[0] in {"abc", "def", "ghi"}
        assert await installation_name(other.database, "xyz") == names[0]


async def test_a_drain_before_its_first_name_does_not_name_an_installation(
    store: Store,
) -> None:
    await SqlDrains(store.database).drain("root", later(0))

    assert await installation_name(store.database, "abc") == "abc"
    assert await SqlDrains(store.database).drained() is not None
