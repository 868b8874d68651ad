"""What a key sees of runs, and how much is read for it."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.control.sight import Sight
from bot.domain.keys import ApiKey
from bot.domain.people import Role
from bot.domain.run import Run
from bot.domain.stack import StackName
from bot.ports import RunQuery
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.record import SqlRecord
from tests.support.bot import a_stack
from tests.support.builders import NOON, a_new_run, an_actor
from tests.unit.control.stand_ins import a_catalog

NET, DB = StackName("net-prod"), StackName("db-prod")
KEY = ApiKey(
    name="ci",
    id="0123456789abcdef",
    digest="",
    role=Role.READER,
    stacks=None,
    made_by=an_actor("ada"),
    made_at=NOON,
)


class Counted(SqlArchive):
    """The real archive, and how often each queue was read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.read: Counter[StackName] = Counter()

    async def queue(self, stack: StackName) -> tuple[Run, ...]:
        self.read[stack] += 1
        return await super().queue(stack)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'record.db'}"
    async with Database.open(url) as database:
        yield database


async def test_a_queue_is_read_once_however_many_of_its_runs_are_told(
    database: Database,
) -> None:
    archive = Counted(database)
    sight = Sight(catalog=a_catalog(a_stack(NET), a_stack(DB)), archive=archive)
    for stack in [NET, NET, DB, NET]:
        await SqlRecord(database).submit(a_new_run(stack=stack), NOON)

    found = await sight.runs(KEY, RunQuery(limit=10), None)

    places = [(seen.run.stack, seen.place) for seen in found]
    assert places == [(NET, 3), (DB, 1), (NET, 2), (NET, 1)]
    assert archive.read == {NET: 1, DB: 1}


async def test_a_later_answer_tells_the_queue_as_it_is_then(
    database: Database,
) -> None:
    archive = Counted(database)
    sight = Sight(catalog=a_catalog(a_stack(NET)), archive=archive)
    record = SqlRecord(database)
    await record.submit(a_new_run(stack=NET), NOON)
    last = await record.submit(a_new_run(stack=NET), NOON)
    before = await sight.run(KEY, last.id)

    await record.promote(NOON)
    after = await sight.run(KEY, last.id)

    assert (before.place, after.place) == (2, 1)
