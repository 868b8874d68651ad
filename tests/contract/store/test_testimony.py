"""The runs are held against what the audit rows testify of them."""

import pytest
from sqlalchemy import text

from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, RunState
from bot.ports import Ended
from bot.store.testimony import disagreements
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import UNPROVEN, Store
from tests.support.builders import a_deploy, a_new_run, an_actor, later


async def found(store: Store) -> list[tuple[int, str]]:
    """Return what is wrong, by the runs; two runs are read at once."""
    return [(it.run, it.what) async for it in disagreements(store.database, batch=2)]


async def forge(store: Store, statement: str) -> None:
    async with store.database.write("forge") as db:
        await db.execute(text(statement))


async def test_what_handrail_writes_agrees(store: Store) -> None:
    await store.finished()
    await store.finished(a_new_run("make", stack="b", skip_init=True))
    await store.unconfirmed(a_deploy(stack="c"))
    lost = await store.run_in(RunState.PERFORMING, a_new_run(stack="d"))
    await store.record.end(lost.id, UNPROVEN, later(9))
    await store.record.release_claim(lost.id, an_actor(), "looked", later(10))
    failed = Ended(
        state=RunState.FAILED, actor=HANDRAIL, reason=Reason.EXIT_CODE, exit_code=3
    )
    other = await store.run_in(RunState.PERFORMING, a_new_run(stack="e"))
    await store.record.end(other.id, failed, later(9))
    queued = await store.record.submit(a_new_run("say hunter22"), later(9))
    await store.record.ask_stop(queued.id, an_actor(), later(10))
    hide = Masks((Secret("redacted", b"hunter22"),))
    await store.record.redact(queued.id, hide, an_actor(), later(11), why="-")

    assert await found(store) == []


@pytest.mark.parametrize(
    ("forged", "what"),
    [
        (
            "UPDATE runs SET command = 'true' WHERE id = 2",
            "has another command or init flag than was submitted",
        ),
        (
            "UPDATE runs SET skip_init = (1 = 1) WHERE id = 2",
            "has another command or init flag than was submitted",
        ),
        (
            "UPDATE runs SET actor_id = 'U0EVE' WHERE id = 2",
            "is by U0EVE, and was submitted by U0ANN",
        ),
        (
            "UPDATE runs SET stack = 'x' WHERE id = 2",
            "is of x, and was submitted for net-prod",
        ),
        (
            "UPDATE runs SET exit_code = 1 WHERE id = 2",
            "is finished, exit code 1, and its audit row says finished, exit code 0",
        ),
        (
            "UPDATE runs SET state = 'performing' WHERE id = 2",
            "is performing, and an audit row says that it ended",
        ),
    ],
)
async def test_a_run_that_was_edited_is_named(
    store: Store, forged: str, what: str
) -> None:
    for _ in range(3):
        await store.finished()

    await forge(store, forged)

    assert await found(store) == [(2, what)]


async def test_a_run_whose_last_audit_rows_were_cut_off_is_named(store: Store) -> None:
    for _ in range(3):
        await store.finished()
    async with store.database.write("forge") as db:
        if db.dialect.name == "sqlite":
            await db.execute(text("DROP TRIGGER audit_refuses_delete"))
        else:
            await db.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        await db.execute(text("DELETE FROM audit WHERE run = 3"))

    assert await found(store) == [
        (3, "has no audit row that says who submitted it"),
        (3, "is finished, and no audit row says that it ended"),
    ]


async def test_a_run_that_was_removed_is_named(store: Store) -> None:
    run = await store.finished()
    for table in ("outbox", "transitions"):
        await forge(store, f"DELETE FROM {table}")
    await forge(store, "UPDATE claims SET run = NULL")
    await forge(store, f"DELETE FROM runs WHERE id = {run.id}")

    assert await found(store) == [
        (run.id, "is in the audit, and no longer among the runs")
    ]
