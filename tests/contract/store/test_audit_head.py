"""What a final message shows of the audit chain."""

from bot.domain.audit import AuditHead, Verb
from bot.domain.run import RunState
from bot.store import audit
from tests.contract.store.opened import UNPROVEN, Store
from tests.support.builders import an_actor, later


async def test_the_head_of_a_run_is_the_row_that_it_ended_with(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.end(run.id, UNPROVEN, later(9))
    await store.record.release_claim(run.id, an_actor(), "looked", later(10))

    head = await store.archive.head(run.id)

    rows = [row async for row in audit.read(store.database)]
    [ended] = [row for row in rows if row.deed.verb is Verb.ENDED]
    assert head == AuditHead(ordinal=ended.ordinal, hash=ended.hash)


async def test_a_run_that_goes_on_has_no_head(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)

    assert await store.archive.head(run.id) is None
