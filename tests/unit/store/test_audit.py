"""The audit table cannot be changed unseen."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.domain.audit import GENESIS, Deed, Verb
from bot.store import audit
from bot.store.audit import Verdict
from bot.store.database import Database
from tests.support.builders import STACK, an_actor, later


async def five_deeds(database: Database) -> list[Deed]:
    deeds = [
        Deed(
            verb=Verb.REFUSED,
            actor=an_actor(),
            at=later(i),
            stack=STACK,
            detail=f"reason {i}",
        )
        for i in range(5)
    ]
    async with database.write("append") as db:
        for deed in deeds:
            await audit.append(db, deed)
    return deeds


async def tamper(database: Database, *statements: str) -> None:
    """Change audit rows as somebody who owns the file can."""
    async with database.write("tamper") as db:
        await db.execute(text("DROP TRIGGER audit_refuses_update"))
        await db.execute(text("DROP TRIGGER audit_refuses_delete"))
        for statement in statements:
            await db.execute(text(statement))


async def test_rows_are_read_in_order_whatever_the_batch(database: Database) -> None:
    deeds = await five_deeds(database)

    rows = [row async for row in audit.read(database, batch=2)]

    assert [row.deed for row in rows] == deeds
    assert [row.ordinal for row in rows] == [1, 2, 3, 4, 5]
    assert [row.previous for row in rows] == [GENESIS, *(r.hash for r in rows[:-1])]


async def test_rows_can_be_read_from_an_ordinal_on(database: Database) -> None:
    await five_deeds(database)

    assert [row.ordinal async for row in audit.read(database, after=3)] == [4, 5]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET detail = 'x'", "DELETE FROM audit"]
)
async def test_audit_rows_are_never_changed(database: Database, statement: str) -> None:
    await five_deeds(database)

    with pytest.raises(IntegrityError, match="audit rows are never changed"):
        async with database.write("tamper") as db:
            await db.execute(text(statement))

    assert await audit.verify(database) == Verdict(sound=5, broken=None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET detail = 'x', salt = NULL",
        "UPDATE audit SET detail = 'x', salt = salt",
        "UPDATE audit SET detail = 'x', salt = 'new', actor_name = 'eve'",
        "UPDATE audit SET detail = 'x', salt = 'new', run = 7",
        "UPDATE audit SET detail = 'x', salt = 'new', hash = 'x'",
    ],
)
async def test_only_a_redaction_gets_through_to_a_row(
    database: Database, statement: str
) -> None:
    await five_deeds(database)

    with pytest.raises(IntegrityError, match="audit rows are never changed"):
        async with database.write("tamper") as db:
            await db.execute(text(statement))


async def test_every_row_has_a_salt_of_its_own(database: Database) -> None:
    await five_deeds(database)

    salts = {row.salt async for row in audit.read(database)}

    assert len(salts) == 5
    assert all(salt is not None and len(salt) == 32 for salt in salts)


async def test_a_redaction_that_no_row_vouches_for_is_found(database: Database) -> None:
    await five_deeds(database)
    async with database.write("redact") as db:
        await db.execute(
            text("UPDATE audit SET detail = 'x', salt = 'new' WHERE ordinal = 3")
        )

    assert await audit.verify(database) == Verdict(sound=2, broken=3)


async def test_an_empty_chain_is_sound(database: Database) -> None:
    assert await audit.verify(database) == Verdict(sound=0, broken=None)


@pytest.mark.parametrize("batch", [1, 2, 5, 500])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET detail = 'x' WHERE ordinal = 3",
        "UPDATE audit SET actor_name = 'eve' WHERE ordinal = 3",
        "UPDATE audit SET hash = 'x' WHERE ordinal = 3",
        "UPDATE audit SET verb = 'dreamt' WHERE ordinal = 3",
        "UPDATE audit SET actor_kind = 'ghost' WHERE ordinal = 3",
        "UPDATE audit SET at = 'soon' WHERE ordinal = 3",
        "UPDATE audit SET run = 'x' WHERE ordinal = 3",
        "DELETE FROM audit WHERE ordinal = 3",
        "UPDATE audit SET ordinal = 9 WHERE ordinal = 3",
    ],
)
async def test_a_change_behind_its_back_is_found_where_it_is(
    database: Database, statement: str, batch: int
) -> None:
    await five_deeds(database)

    await tamper(database, statement)

    assert await audit.verify(database, batch=batch) == Verdict(sound=2, broken=3)


async def test_a_missing_first_row_is_found(database: Database) -> None:
    await five_deeds(database)

    await tamper(database, "DELETE FROM audit WHERE ordinal = 1")

    assert await audit.verify(database) == Verdict(sound=0, broken=1)


async def test_rows_that_changed_places_are_found(database: Database) -> None:
    await five_deeds(database)

    await tamper(
        database,
        "UPDATE audit SET ordinal = 99 WHERE ordinal = 2",
        "UPDATE audit SET ordinal = 2 WHERE ordinal = 4",
        "UPDATE audit SET ordinal = 4 WHERE ordinal = 99",
    )

    assert await audit.verify(database) == Verdict(sound=1, broken=2)
