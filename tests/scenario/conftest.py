"""A running bot whose engine does what a test says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.scripted import ScriptedEngine
from tests.support.bot import Bot, a_bot


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with a_bot(tmp_path, ScriptedEngine()) as bot, bot.start() as running:
        bot.handrail = running
        yield bot
