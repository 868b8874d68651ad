"""`Record.fenced`: what an earlier owner of a run writes is void."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from bot.domain.errors import IllegalTransition, Superseded
from bot.domain.people import HANDRAIL
from bot.domain.run import Run, RunState
from bot.domain.telling import Said
from bot.ports import Progress
from bot.store.record import SqlRecord
from bot.store.tables import metadata
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import FINISHED, PLAN, Store
from tests.contract.store.party import Party
from tests.support.builders import a_deploy, a_new_run, later

HIDE = Masks((Secret("state", b"state list"),))

Verb = Callable[[SqlRecord, Run], Awaitable[object]]

VERBS: dict[str, Verb] = {
    "advance": lambda r, run: r.advance(run.id, RunState.PERFORMING, later(5)),
    "append_output": lambda r, run: r.append_output(run.id, b"x", position=1, limit=99),
    "begin_applying": lambda r, run: r.begin_applying(run.id, later(5)),
    "conclude": lambda r, run: r.conclude(run.id, FINISHED),
    "end": lambda r, run: r.end(run.id, FINISHED, later(5)),
    "lose_sight": lambda r, run: r.lose_sight(run.id, "It is away.", later(5)),
    "note_progress": lambda r, run: r.note_progress(run.id, Progress(container="c")),
    "planned": lambda r, run: r.planned(run.id, PLAN, later(5)),
    "redact": lambda r, run: r.redact(run.id, HIDE, HANDRAIL, later(5), why="-"),
    "regain_sight": lambda r, run: r.regain_sight(run.id, later(5)),
    "tell": lambda r, run: r.tell(run.thread, [Said(text="x")]),
}


async def everything(store: Store) -> list[str]:
    async with store.database.read("look") as db:
        tables = [await db.execute(select(table)) for table in metadata.sorted_tables]
        return [str(row) for rows in tables for row in rows.all()]


@pytest.fixture
async def a(store: Store) -> Party:
    return await Party.joined(store, "a")


@pytest.fixture
async def b(store: Store) -> Party:
    return await Party.joined(store, "b")


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
async def test_nothing_that_an_earlier_owner_writes_changes_anything(
    store: Store, a: Party, b: Party, verb: Verb
) -> None:
    run = await a.started()
    fenced = a.record.fenced(run)
    await a.record.hand_over(later(4))
    await b.adopted(4)
    before = await everything(store)

    with pytest.raises(Superseded):
        await verb(fenced, run)

    assert await everything(store) == before


async def test_the_owner_writes_until_another_has_the_run(a: Party, b: Party) -> None:
    run = await a.started()
    fenced = a.record.fenced(run)
    await fenced.advance(run.id, RunState.INITIALIZING, later(3))
    await fenced.append_output(run.id, b"one ", position=4, limit=99)

    await a.replicas.leave(later(4))
    with pytest.raises(Superseded):
        await fenced.append_output(run.id, b"lost", position=8, limit=99)
    (adopted,) = await b.record.adopt(later(5), tuple)
    await b.record.fenced(adopted).append_output(run.id, b"two", position=7, limit=99)

    assert await a.store.archive.tail(run.id, 99) == b"one two"


async def test_who_takes_a_run_again_does_not_write_as_before(
    a: Party, b: Party
) -> None:
    run = await a.performing()
    early = a.record.fenced(run)
    await a.record.hand_over(later(4))
    await b.adopted(4)
    await b.record.hand_over(later(5))
    (again,) = await a.record.adopt(later(6), tuple)

    with pytest.raises(Superseded):
        await early.end(run.id, FINISHED, later(7))
    over = await a.record.fenced(again).end(run.id, FINISHED, later(7))

    assert (over.state, again.epoch) == (RunState.FINISHED, 3)


async def test_an_end_that_comes_again_is_superseded_and_told_once(
    store: Store, a: Party
) -> None:
    run = await a.performing()
    fenced = a.record.fenced(run)
    await fenced.end(run.id, FINISHED, later(4))
    told = len(await store.told())

    with pytest.raises(Superseded):
        await fenced.end(run.id, FINISHED, later(5))

    assert told
    assert await store.told() == []


async def test_a_plan_that_comes_again_is_superseded(a: Party) -> None:
    run = await a.started(a_deploy())
    fenced = a.record.fenced(run)
    await fenced.advance(run.id, RunState.PLANNING, later(3))
    await fenced.planned(run.id, PLAN, later(4))

    with pytest.raises(Superseded):
        await fenced.planned(run.id, PLAN, later(5))


async def test_a_step_may_be_said_again_by_the_owner_alone(a: Party) -> None:
    run = await a.started()
    fenced = a.record.fenced(run)
    once = await fenced.advance(run.id, RunState.PERFORMING, later(3))

    assert await fenced.advance(run.id, RunState.PERFORMING, later(4)) == once
    with pytest.raises(IllegalTransition):
        await a.record.advance(run.id, RunState.PERFORMING, later(4))


async def test_output_that_comes_again_is_kept_once(a: Party) -> None:
    run = await a.started()
    fenced = a.record.fenced(run)
    big = bytes(range(256)) * 1024
    for data, position in ((b"one ", 4), (b"two ", 8), (big, 8 + len(big))):
        assert await fenced.append_output(
            run.id, data, position=position, limit=1 << 20
        )
        assert await fenced.append_output(
            run.id, data, position=position, limit=1 << 20
        )

    assert await a.store.archive.tail(run.id, 1 << 20) == b"one two " + big


async def test_output_that_passes_the_limit_is_cut_once(a: Party) -> None:
    run = await a.started()
    fenced = a.record.fenced(run)
    for _ in range(2):
        assert not await fenced.append_output(run.id, b"one two", position=7, limit=5)

    assert await a.store.archive.tail(run.id, 99) == b"one t"


async def test_others_may_stop_a_run_that_is_driven(a: Party, b: Party) -> None:
    first = await a.started()
    second = await a.started(a_new_run(stack="db-prod"))

    await b.record.ask_stop(first.id, first.actor, later(3))

    asked = await a.store.archive.stops_asked((first.id, second.id))
    assert asked == {first.id}
