"""What the migrations leave behind."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, insert, text

from bot.domain.audit import GENESIS, Deed, Verb, sealed
from bot.domain.run import RunId
from bot.store import audit, migrations
from bot.store.archive import SqlArchive
from bot.store.audit import Verdict
from bot.store.database import Database
from bot.store.outbox import SqlOutbox
from bot.store.rows import actor_values
from bot.store.tables import audit as audit_table
from bot.store.tables import metadata
from tests.support.builders import NOON, an_actor


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def index_texts(connection: Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"
    return {
        name: " ".join(sql.split()) for name, sql in connection.execute(text(query))
    }


async def test_the_index_of_undelivered_letters_leaves_out_the_others(
    database: Database,
) -> None:
    async with database.read("compare") as db:
        indexes = await db.run_sync(index_texts)

    assert indexes["outbox_undelivered"].endswith("WHERE fate IS NULL")


async def test_a_database_can_be_opened_again(url: str) -> None:
    for _ in range(2):
        async with Database.open(url) as database, database.read("look") as db:
            version = await db.execute(text("SELECT version_num FROM alembic_version"))
            assert version.scalars().all() == ["0005"]


async def test_a_database_can_be_opened_twice_at_once(url: str) -> None:
    async with Database.open(url), Database.open(url) as b, b.read("compare") as db:
        assert await db.run_sync(differences) == []


RUN = """
    1, 'task', 'net-prod', 'ls', 0, 'person', 'U1', 'T1', 'ann', 1, '2026-01-01',
    'finished', '2026-01-01', NULL, 0, '', NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, 0
"""
OLD_ROWS = (
    ("threads", "1, 'C1', '1.1', NULL, 'net-prod'"),
    ("runs", RUN),
    ("output_chunks", "1, 0, 5, x'00'"),
    ("output_chunks", "1, 5, 7, x'00'"),
    ("outbox", """1, 1, 'final', '{"run": 1}', NULL, 0, NULL, '', NULL, NULL"""),
)


def first_record(url: str) -> None:
    """Make a database as the first version left it."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(url.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, values in OLD_ROWS:
            connection.execute(text(f"INSERT INTO {table} VALUES ({values})"))
        connection.execute(insert(audit_table).values(old_row()))
    engine.dispose()


def old_row() -> dict[str, object]:
    deed = Deed(verb=Verb.SUBMITTED, actor=an_actor(), at=NOON, detail="ls")
    row = sealed(deed, ordinal=1, previous=GENESIS)
    return {
        "ordinal": row.ordinal,
        "verb": deed.verb.value,
        **actor_values("actor", deed.actor),
        "at": deed.at,
        "stack": deed.stack,
        "detail": deed.detail,
        "previous": row.previous,
        "hash": row.hash,
    }


async def test_what_the_first_version_wrote_is_read_on(url: str) -> None:
    first_record(url)

    async with Database.open(url) as database:
        (letter,) = await SqlOutbox(database).due(NOON)
        assert letter.revision == 0
        assert await SqlArchive(database).output_position(RunId(1)) == 12
        assert await audit.verify(database) == Verdict(sound=1, broken=None)


async def test_databases_that_are_up_to_date_are_opened_at_the_same_time(
    tmp_path: Path,
) -> None:
    urls = [f"sqlite+aiosqlite:///{tmp_path}/{number}.db" for number in range(4)]
    for url in urls:
        async with Database.open(url):
            pass

    async with AsyncExitStack() as opened:
        many = [opened.enter_async_context(Database.open(url)) for url in urls]
        assert len(await asyncio.gather(*many)) == 4
