"""What becomes known of a run while it prepares, and when it is stored."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.control.recorder import Recorder
from bot.domain.run import Run
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.record import SqlRecord
from runner.events import ContainerCreated, ImageResolved, Outcome
from runner.masking.masker import Masks
from tests.support.builders import NOON, a_new_run

DIGEST = "terraform@sha256:1234"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/record.db"
    async with Database.open(url) as database:
        yield database


async def a_started_run(record: SqlRecord) -> Run:
    run = await record.submit(a_new_run(), NOON)
    await record.promote(NOON)
    started = await record.start(run.id, NOON)
    assert started is not None
    return started


def a_recorder(record: SqlRecord, run: Run) -> Recorder:
    return Recorder(
        run,
        record,
        lambda: NOON,
        asyncio.Event(),
        conclude=_not_concluded,
        masks=Masks(),
        limit=1 << 20,
    )


async def _not_concluded(outcome: Outcome) -> None:
    raise AssertionError(f"not concluded here: {outcome}")


async def test_the_image_is_stored_with_the_container_made_of_it(
    database: Database,
) -> None:
    record = SqlRecord(database)
    run = await a_started_run(record)

    async with a_recorder(record, run) as recorder:
        await recorder.tell(ImageResolved(digest=DIGEST))
        await recorder.tell(ContainerCreated(container="c1"))

    stored = await SqlArchive(database).run(run.id)
    assert (stored.image_digest, stored.container) == (DIGEST, "c1")


async def test_the_image_is_stored_where_no_container_could_be_made(
    database: Database,
) -> None:
    record = SqlRecord(database)
    run = await a_started_run(record)

    async with a_recorder(record, run) as recorder:
        await recorder.tell(ImageResolved(digest=DIGEST))
        await recorder.flush()

    stored = await SqlArchive(database).run(run.id)
    assert (stored.image_digest, stored.container) == (DIGEST, None)
