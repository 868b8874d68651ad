"""What is kept for a time only: it goes when its time has come, and nothing else."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Table, func, select

from bot.control.retention import Retention
from bot.domain.audit import Verb
from bot.domain.people import HANDRAIL
from bot.domain.run import Run, RunId, RunState
from bot.domain.stack import KeptFor
from bot.ports import DeliveryKey, Idempotency
from bot.store import audit
from bot.store.retention import SqlPerishables
from bot.store.tables import deliveries, idempotency, outbox
from bot.store.tellings import TAIL
from tests.contract.store.opened import FINISHED, Store
from tests.support.builders import NOON, a_new_run, later

PLENTY = 10_000_000
A_DAY = timedelta(days=1)
#: chunks that are dropped in one go
STEP = 50


async def sweep(store: Store, at: datetime, kept_for: KeptFor | None = None) -> int:
    retention = Retention(
        perishables=SqlPerishables(store.database),
        kept_for=kept_for or KeptFor(output=A_DAY),
        clock=lambda: at,
    )
    return await retention.sweep()


async def printed(store: Store, run: RunId) -> bytes:
    return b"".join([piece async for piece in store.archive.output(run)])


async def ended_with(store: Store, output: bytes, *, stack: str = "net-prod") -> Run:
    run = await store.run_in(RunState.PERFORMING, a_new_run(stack=stack))
    await store.record.append_output(run.id, output, position=0, limit=PLENTY)
    await store.record.end(run.id, FINISHED, later(9))
    await store.told()
    return await store.archive.run(run.id)


async def count(store: Store, table: Table) -> int:
    async with store.database.read("count") as db:
        counted = select(func.count()).select_from(table)
        return (await db.execute(counted)).scalar_one()


async def test_output_goes_once_its_time_has_come_and_the_run_stays(
    store: Store,
) -> None:
    old = await ended_with(store, b"old")
    await sweep(store, later(9) + A_DAY)
    assert await printed(store, old.id) == b"old"

    at = later(10) + A_DAY
    assert await sweep(store, at) == 1

    assert await printed(store, old.id) == b""
    run = await store.archive.run(old.id)
    assert run.output_dropped_at == at
    assert (run.state, run.command) == (RunState.FINISHED, old.command)
    deed = (await store.deeds())[-1]
    assert (deed.verb, deed.run, deed.actor) == (
        Verb.OUTPUT_DROPPED,
        old.id,
        HANDRAIL,
    )
    assert (await audit.verify(store.database)).broken is None


async def test_output_is_kept_of_runs_that_go_on_or_have_still_to_be_told(
    store: Store,
) -> None:
    performing = await store.run_in(RunState.PERFORMING, a_new_run(stack="a"))
    await store.record.append_output(performing.id, b"x", position=0, limit=PLENTY)
    untold = await store.run_in(RunState.PERFORMING, a_new_run(stack="b"))
    await store.record.append_output(untold.id, b"y", position=0, limit=PLENTY)
    await store.record.end(untold.id, FINISHED, later(9))

    assert await sweep(store, NOON + 900 * A_DAY) == 0

    assert await printed(store, performing.id) == b"x"
    assert await printed(store, untold.id) == b"y"


async def test_a_run_that_printed_nothing_is_not_said_to_have_lost_its_output(
    store: Store,
) -> None:
    run = await store.finished()
    await store.told()

    assert await sweep(store, NOON + 900 * A_DAY) == 0

    assert (await store.archive.run(run.id)).output_dropped_at is None


async def test_output_that_is_kept_for_ever_is_kept(store: Store) -> None:
    run = await ended_with(store, b"old")

    assert await sweep(store, NOON + 9000 * A_DAY, KeptFor(output=None)) == 0

    assert await printed(store, run.id) == b"old"


async def test_what_a_crash_left_of_dropped_output_goes_with_the_next_sweep(
    store: Store,
) -> None:
    run = await ended_with(store, b"x" * 64 * 1024 * (STEP + 3))
    assert await SqlPerishables(store.database).drop_output(run.id, later(99))
    assert await store.archive.output_size(run.id) > 0
    assert (await store.archive.run(run.id)).output_dropped_at == later(99)

    assert await sweep(store, later(100)) == 1

    assert await store.archive.output_size(run.id) == 0
    told = [deed for deed in await store.deeds() if deed.verb is Verb.OUTPUT_DROPPED]
    assert len(told) == 1


async def tails(store: Store) -> int:
    async with store.database.read("count") as db:
        of_kind = select(func.count()).where(outbox.c.kind == TAIL)
        return (await db.execute(of_kind)).scalar_one()


async def test_of_what_was_told_in_place_the_last_letter_stays(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    for _ in range(5):
        await store.record.append_output(run.id, b"x", position=0, limit=PLENTY)
        await store.told()
    await store.record.end(run.id, FINISHED, later(9))
    await store.told()
    assert await tails(store) > 1
    others = await count(store, outbox) - await tails(store)

    await sweep(store, NOON + 9 * A_DAY)

    assert await tails(store) == 1
    assert await count(store, outbox) - await tails(store) <= others
    assert await store.told() == []


async def test_deliveries_and_requests_are_forgotten_each_in_its_time(
    store: Store,
) -> None:
    asked = Idempotency(key="k", digest="d")
    await store.record.submit(replace(a_new_run(), idempotency=asked), NOON)
    for key in ("trigger:1", "message:C1:1.5"):
        await store.record.first_seen(DeliveryKey(key), NOON)

    await sweep(store, NOON + timedelta(hours=24))
    assert await count(store, deliveries) == 2
    await sweep(store, NOON + timedelta(hours=26))
    assert await count(store, deliveries) == 1
    assert await count(store, idempotency) == 1
    await sweep(store, NOON + timedelta(days=31))

    assert await count(store, deliveries) == 0
    assert await count(store, idempotency) == 0
