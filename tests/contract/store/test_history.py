"""Runs and audit rows are found by what is known of them."""

from datetime import datetime

import pytest

from bot.domain.audit import Deed, Verb
from bot.domain.run import RunId
from bot.domain.stack import StackName
from bot.ports import RunQuery
from bot.store import audit
from bot.store.history import AuditQuery, audit_rows
from tests.contract.store.opened import Store
from tests.support.builders import a_new_run, an_actor, later

DEEDS = (
    (Verb.SUBMITTED, "ann", "a", 1),
    (Verb.HELD, "bob", "a, b", None),
    (Verb.FROZEN, "ada", "*", None),
    (Verb.SUBMITTED, "bob", "b", 2),
    (Verb.ENDED, "ann", "a", 1),
    (Verb.HELD, "ann", "ab, c", None),
)


async def write(store: Store) -> None:
    async with store.database.write("write") as db:
        for seconds, (verb, by, stack, run) in enumerate(DEEDS, start=1):
            deed = Deed(
                verb=verb,
                actor=an_actor(by),
                at=later(seconds),
                stack=stack,
                run=None if run is None else RunId(run),
            )
            await audit.append(db, deed)


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AuditQuery(), [1, 2, 3, 4, 5, 6]),
        (AuditQuery(stack="a"), [1, 2, 3, 5]),
        (AuditQuery(stack="b"), [2, 3, 4]),
        (AuditQuery(stack="%"), [3]),
        (AuditQuery(actor="U0ANN"), [1, 5, 6]),
        (AuditQuery(verb="held"), [2, 6]),
        (AuditQuery(run=1), [1, 5]),
        (AuditQuery(since=later(3)), [3, 4, 5, 6]),
        (AuditQuery(until=later(3)), [1, 2]),
        (AuditQuery(since=later(2), until=later(4)), [2, 3]),
        (AuditQuery(since=later(9)), []),
        (AuditQuery(until=later(0)), []),
        (AuditQuery(stack="a", actor="U0ANN", verb="ended", run=1), [5]),
    ],
)
async def test_audit_rows_are_found_in_order(
    store: Store, query: AuditQuery, found: list[int], batch: int
) -> None:
    await write(store)

    rows = [row async for row in audit_rows(store.database, query, batch=batch)]

    assert [row["ordinal"] for row in rows] == found


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (None, None, [3, 2, 1]),
        (later(2), None, [3, 2]),
        (None, later(2), [1]),
        (later(2), later(3), [2]),
        (later(9), None, []),
        (None, later(0), []),
    ],
)
async def test_runs_are_found_by_when_they_were_submitted(
    store: Store, since: datetime | None, until: datetime | None, found: list[int]
) -> None:
    for seconds in (1, 2, 3):
        await store.record.submit(a_new_run(), later(seconds))

    runs = await store.archive.runs(RunQuery(since=since, until=until))

    assert [run.id for run in runs] == found


async def test_runs_of_clocks_that_differ_are_all_found(store: Store) -> None:
    for seconds in (5, 3, 4):
        await store.record.submit(a_new_run(), later(seconds))

    since = await store.archive.runs(RunQuery(since=later(4)))
    until = await store.archive.runs(RunQuery(until=later(5)))

    assert [run.id for run in since] == [3, 1]
    assert [run.id for run in until] == [3, 2]


async def test_the_next_page_begins_behind_the_last_run(store: Store) -> None:
    for _ in range(5):
        await store.record.submit(a_new_run(), later(1))
    of_stack = frozenset({StackName("net-prod")})

    page = RunQuery(stacks=of_stack, before=RunId(4), limit=2)

    assert [run.id for run in await store.archive.runs(page)] == [3, 2]
