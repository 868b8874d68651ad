"""`store` is each kind of database in turn."""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.contract.store.opened import Store

#: how the address of a fresh database of each kind is made
URLS: Final[Mapping[str, Callable[[Path], str]]] = {
    "sqlite": lambda folder: f"sqlite+aiosqlite:///{folder}/handrail.db",
}


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return URLS[request.param](tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with Store.open(url) as opened:
        yield opened
