"""What the migrations leave behind."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from bot.store.database import Database
from bot.store.tables import metadata


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def index_texts(connection: Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"
    return {
        name: " ".join(sql.split()) for name, sql in connection.execute(text(query))
    }


async def test_the_migrated_tables_are_those_that_the_queries_know(
    database: Database,
) -> None:
    async with database.read("compare") as db:
        assert await db.run_sync(differences) == []


async def test_the_index_of_undelivered_letters_leaves_out_the_others(
    database: Database,
) -> None:
    async with database.read("compare") as db:
        indexes = await db.run_sync(index_texts)

    assert indexes["outbox_undelivered"].endswith("WHERE fate IS NULL")


async def test_every_table_is_there(database: Database) -> None:
    async with database.read("inspect") as db:
        names = await db.run_sync(
            lambda connection: inspect(connection).get_table_names()
        )

    assert set(names) == {*metadata.tables, "alembic_version"}


async def test_a_database_can_be_opened_again(url: str) -> None:
    for _ in range(2):
        async with Database.open(url) as database, database.read("look") as db:
            version = await db.execute(text("SELECT version_num FROM alembic_version"))
            assert version.scalars().all() == ["0002"]


async def test_a_database_can_be_opened_twice_at_once(url: str) -> None:
    async with Database.open(url), Database.open(url) as b, b.read("compare") as db:
        assert await db.run_sync(differences) == []
