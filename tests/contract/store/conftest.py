"""`store` is each kind of database in turn."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.store.opened import Store
from tests.support import postgres
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres.serving() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Return the address of a fresh database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/handrail.db"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    async with server.database() as address:
        yield address


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with Store.open(url) as opened:
        yield opened
