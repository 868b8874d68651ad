"""What is promised of a fresh database, of either kind."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StoreUnavailable
from bot.store.tables import metadata
from tests.contract.store.opened import Store


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def indexes(connection: Connection) -> dict[str, list[str | None]]:
    of_outbox = inspect(connection).get_indexes("outbox")
    return {str(index["name"]): index["column_names"] for index in of_outbox}


async def test_the_migrated_tables_are_those_that_the_queries_know(
    store: Store,
) -> None:
    async with store.database.read("compare") as db:
        assert await db.run_sync(differences) == []
        names = await db.run_sync(lambda sync: inspect(sync).get_table_names())
        assert set(names) == {*metadata.tables, "alembic_version"}


async def test_undelivered_letters_have_an_index(store: Store) -> None:
    async with store.database.read("compare") as db:
        assert "outbox_undelivered" in await db.run_sync(indexes)


@pytest.mark.parametrize(
    "slip",
    [
        "UPDATE audit SET detail = 'rm'",
        "UPDATE audit SET detail = 'rm', salt = NULL",
        "UPDATE audit SET actor_id = 'U0EVE', salt = 'new'",
        "UPDATE audit SET run = NULL, salt = 'new'",
        "DELETE FROM audit",
    ],
)
async def test_a_slip_of_the_hand_changes_no_audit_row(store: Store, slip: str) -> None:
    await store.finished()
    before = await store.deeds()

    with pytest.raises((StoreUnavailable, DBAPIError), match="never changed"):
        async with store.database.write("slip") as db:
            await db.execute(text(slip))

    assert await store.deeds() == before
