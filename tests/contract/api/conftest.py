"""A running bot whose API is asked, and whose engine does what a test says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.scripted import ScriptedEngine
from tests.contract.api.asking import Api, a_running_api


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def api(tmp_path: Path, engine: ScriptedEngine) -> AsyncIterator[Api]:
    async with a_running_api(tmp_path, engine) as api:
        yield api
