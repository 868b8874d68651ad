"""A running bot whose engine does what a test says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_running_bot


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with a_running_bot(tmp_path, ScriptedEngine()) as bot:
        yield bot
