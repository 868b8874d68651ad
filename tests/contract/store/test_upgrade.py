"""Every released version's database is brought up to date, whatever comes between."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import pytest
from sqlalchemy import text

from bot.domain.people import HANDRAIL
from bot.domain.run import RunId, RunState
from bot.domain.stack import StackName
from bot.ports import DeliveryKey, Ended
from bot.store import audit
from tests.contract.store.opened import Store
from tests.contract.store.released import OUTPUT, VERSIONS, left_by
from tests.contract.store.test_tables import differences
from tests.support.builders import STACK, a_new_run, later
from tests.support.postgres import Postgres

ROOT = Path(__file__).parents[3]
DONE = Ended(state=RunState.FINISHED, actor=HANDRAIL, exit_code=0)


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Return the address of a database of each kind that has no table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/handrail.db"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    async with server.empty_database() as address:
        yield address


async def opening(url: str, *points: str) -> asyncio.subprocess.Process:
    """Open the database in another process, to be killed at one of *points*."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.open_record", url, *points),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )


async def version(url: str) -> str:
    async with Store.open(url) as store, store.database.read("look") as db:
        found = await db.execute(text("SELECT version_num FROM alembic_version"))
        return str(found.scalar_one())


async def is_as_it_was_and_goes_on(store: Store) -> None:
    """See what the released version had kept, and have it come to its end."""
    runs = await store.archive.last_runs(None, 9)
    assert [(run.id, run.state) for run in runs] == [
        (3, RunState.QUEUED),
        (2, RunState.PERFORMING),
        (1, RunState.FINISHED),
    ]
    assert [piece async for piece in store.archive.output(RunId(1))] == [OUTPUT]
    (hold,) = await store.archive.holds()
    assert (hold.stack, hold.actor.name, hold.reason) == ("db-prod", "bob", "audit")
    assert not await store.record.first_seen(DeliveryKey("trigger:1"), later(1))
    assert len(await store.told()) >= 2
    await store.record.end(RunId(2), DONE, later(9))
    (ready,) = await store.record.promote(later(10))
    claim = (await store.archive.occupancy(StackName(STACK))).claim
    assert claim is not None
    assert (ready.id, claim.fence) == (3, 8)
    assert (await store.record.submit(a_new_run(stack="new"), later(11))).id == 4
    verdict = await audit.verify(store.database)
    assert (verdict.broken, verdict.rows > 3) == (None, True)


@pytest.mark.parametrize("released", VERSIONS)
async def test_what_a_released_version_left_is_read_on_and_goes_on(
    url: str, released: str
) -> None:
    await left_by(released, url)

    async with Store.open(url) as store:
        async with store.database.read("compare") as db:
            assert await db.run_sync(differences) == []
        await is_as_it_was_and_goes_on(store)


async def test_two_processes_that_start_at_once_bring_it_up_to_date_once(
    url: str,
) -> None:
    await left_by("0001", url)

    both = [await opening(url) for _ in range(2)]
    said = [await process.communicate() for process in both]

    assert [out for out, _ in said] == [b"open\n", b"open\n"]
    async with Store.open(url) as store:
        await is_as_it_was_and_goes_on(store)


@pytest.mark.parametrize("point", ["1", "2", "20", "60", "commit"])
async def test_an_upgrade_that_is_killed_is_done_by_the_next_start(
    url: str, point: str
) -> None:
    await left_by("0001", url)
    killed = await opening(url, point)
    assert await killed.wait() == -SIGKILL

    async with Store.open(url) as store:
        await is_as_it_was_and_goes_on(store)
