"""What grows with the years is asked for by its keys."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Connection, Engine, event

from bot.domain.lock import EVERY, Hold
from bot.domain.policy import Ruling
from bot.domain.run import RunId
from bot.store.approvals import SqlApprovals
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.history import AuditQuery, audit_rows
from bot.store.record import SqlRecord
from bot.store.retention import SqlPerishables
from bot.store.words import SqlWords
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.support.builders import a_hold, a_new_run, an_actor, later

HIDE = Masks((Secret("redacted", b"hunter22"),))
HOLD, FREEZE = a_hold(), a_hold(stack=EVERY, by="ada")


async def plans(
    database: Database, table: str, action: Callable[[], Awaitable[object]]
) -> list[str]:
    """Return how each statement of *action* looks for rows of *table*."""
    executed: list[tuple[str, tuple[object, ...]]] = []

    def note(
        _connection: Connection,
        _cursor: object,
        statement: str,
        parameters: tuple[object, ...],
        *_: object,
    ) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            executed.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await action()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return [
        step
        for statement, parameters in executed
        for step in await explained(database, statement, parameters)
        if f" {table} " in f"{step} "
    ]


async def explained(
    database: Database, statement: str, parameters: tuple[object, ...]
) -> list[str]:
    async with database.read("explain") as db:
        query = f"EXPLAIN QUERY PLAN {statement}"
        return [
            str(row.detail) for row in (await db.exec_driver_sql(query, parameters))
        ]


async def test_output_from_a_place_on_is_found_by_the_place(database: Database) -> None:
    record, archive = SqlRecord(database), SqlArchive(database)
    run = await record.submit(a_new_run(), later(0))
    await record.append_output(run.id, b"0123456789", position=10, limit=99)

    async def read_on() -> None:
        assert [piece async for piece in archive.output_from(run.id, 4)]

    found = await plans(database, "output_chunks", read_on)

    assert found
    assert [step for step in found if "(run=? AND start>?)" not in step] == []


async def test_what_waits_for_people_is_found_among_queued_runs_alone(
    database: Database,
) -> None:
    approvals = SqlApprovals(database)

    async def look() -> None:
        await approvals.pending()
        await approvals.expire(later(9))

    found = await plans(database, "runs", look)

    assert found
    assert [step for step in found if "runs_by_state (state=?)" not in step] == []


async def test_reviews_are_found_by_their_run(database: Database) -> None:
    approvals = SqlApprovals(database)

    found = await plans(database, "reviews", lambda: approvals.reviews(RunId(1)))

    assert found
    assert [step for step in found if "reviews_by_run (run=?)" not in step] == []


async def test_samples_are_found_by_their_policy(database: Database) -> None:
    approvals = SqlApprovals(database)

    async def keep() -> None:
        await approvals.keep_sample("a", {}, Ruling(policy="a"), later(0))
        await approvals.samples("a")

    found = await plans(database, "policy_samples", keep)

    assert found
    assert [step for step in found if "policy_samples_by_policy" not in step] == []


@pytest.mark.parametrize("hold", [HOLD, FREEZE])
async def test_who_is_told_of_a_hold_is_found_among_unfinished_runs_alone(
    database: Database, hold: Hold
) -> None:
    record = SqlRecord(database)

    found = await plans(database, "runs", lambda: record.hold([hold]))

    assert found
    assert [step for step in found if "state=?" not in step] == []


async def test_letters_that_tell_of_holds_are_found_by_their_kind(
    database: Database,
) -> None:
    record = SqlRecord(database)
    run = await record.submit(a_new_run(), later(0))
    await record.hold([a_hold(reason="hunter22")])

    found = await plans(
        database,
        "outbox",
        lambda: record.redact(run.id, HIDE, an_actor(), later(9), why="-"),
    )

    assert found
    assert [step for step in found if step.startswith("SCAN")] == []
    assert [step for step in found if "outbox_by_kind (kind=?)" in step]


async def test_the_audit_rows_of_a_run_are_found_by_the_run(database: Database) -> None:
    record, archive = SqlRecord(database), SqlArchive(database)
    run = await record.submit(a_new_run(), later(0))

    found = await plans(database, "audit", lambda: archive.head(run.id))

    assert found
    assert [step for step in found if "audit_by_run (run=?)" not in step] == []


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (AuditQuery(run=1, actor="a", stack="s", verb="v"), "audit_by_run (run=?"),
        (AuditQuery(actor="a", verb="v"), "audit_by_actor (actor_id=?"),
        (AuditQuery(verb="v"), "audit_by_verb (verb=?"),
    ],
)
async def test_audit_rows_are_found_by_what_narrows_most(
    database: Database, query: AuditQuery, index: str
) -> None:
    async def read_all() -> None:
        assert not [row async for row in audit_rows(database, query)]

    found = await plans(database, "audit", read_all)

    assert any(index in step for step in found)
    others = [step for step in found if index not in step]
    assert [step for step in others if "audit_of_several" not in step] == []


async def test_audit_rows_of_a_stack_are_never_looked_for_by_verb(
    database: Database,
) -> None:
    async def read_all() -> None:
        query = AuditQuery(stack="s", verb="v")
        assert not [row async for row in audit_rows(database, query)]

    found = await plans(database, "audit", read_all)

    assert sum("audit_by_stack (stack=?" in step for step in found) == 2
    assert sum("audit_of_several" in step for step in found) == 1
    assert not [step for step in found if "audit_by_verb" in step]


async def test_open_threads_are_found_by_what_keeps_them_open(
    database: Database,
) -> None:
    words = SqlWords(database)

    found = [
        await plans(database, table, lambda: words.open_threads(later(0)))
        for table in ("threads", "runs")
    ]

    assert all(found)
    assert [step for steps in found for step in steps if "SCAN" in step] == []


async def test_runs_with_old_output_are_looked_for_from_the_last_one_on(
    database: Database,
) -> None:
    perishables = SqlPerishables(database)

    found = await plans(
        database, "runs", lambda: perishables.overdue(later(0), 9, RunId(5))
    )

    assert found == ["SEARCH runs USING INTEGER PRIMARY KEY (rowid>?)"]
