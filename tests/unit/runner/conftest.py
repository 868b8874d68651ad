"""The driver in each shell that is installed here."""

from pathlib import Path

import pytest

from tests.unit.runner.drive import SHELLS, Drive


@pytest.fixture(params=SHELLS, ids=lambda words: words[0])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Drive:
    return Drive(request.param, tmp_path)
