"""Exported rows are read by other programs, and run by none."""

import csv
import json
from io import StringIO

import pytest

from bot.cli.export import COLUMNS, Format, written


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(sign: str) -> None:
    typed = f"{sign}cmd|' /C calc'!A0"
    row = {**dict.fromkeys(COLUMNS), "ordinal": 3, "detail": typed}

    (cells,) = csv.reader(StringIO(written(row, Format.CSV), newline=""))
    exact = json.loads(written(row, Format.JSONL))

    assert dict(zip(COLUMNS, cells, strict=True))["detail"] == f"'{typed}"
    assert exact["detail"] == typed
    assert exact["ordinal"] == 3
