"""A run moves only from the state that the database has."""

import pytest

from bot.domain.errors import IllegalTransition
from bot.domain.run import RunState
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.moves import move
from bot.store.record import SqlRecord
from tests.support.builders import a_new_run, later


async def test_a_run_that_another_hand_moved_is_not_moved(database: Database) -> None:
    record = SqlRecord(database)
    stale = await record.submit(a_new_run(), later(0))
    (ready,) = await record.promote(later(1))

    with pytest.raises(IllegalTransition, match="no longer queued"):
        async with database.write("move") as db:
            await move(db, stale, RunState.DISCARDED, later(2))

    archive = SqlArchive(database)
    assert await archive.run(stale.id) == ready
    assert len(await archive.transitions(stale.id)) == 2
