"""Audit rows as other programs read them: JSON lines or CSV, the same fields."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from io import StringIO
from typing import Any, Final

#: a row as the table has it, by its columns
Row = Mapping[str, Any]

COLUMNS: Final = (
    "ordinal",
    "at",
    "verb",
    "actor_kind",
    "actor_id",
    "actor_team",
    "actor_name",
    "stack",
    "run",
    "detail",
    "previous",
    "hash",
    "salt",
)
#: what a spreadsheet takes for the beginning of a formula
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    """How rows are written."""

    JSONL = "jsonl"
    CSV = "csv"


def heading(form: Format) -> str:
    """Return what stands above the rows."""
    return _csv(COLUMNS) if form is Format.CSV else ""


def written(row: Row, form: Format) -> str:
    """Return *row* with its end of line. Times are in UTC."""
    fields = [_plain(row[name]) for name in COLUMNS]
    if form is Format.CSV:
        return _csv([_as_text(field) for field in fields])
    named = dict(zip(COLUMNS, fields, strict=True))
    return json.dumps(named, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def _as_text(field: object) -> object:
    # What people typed must be no formula to a spreadsheet; JSON lines are exact.
    is_formula = isinstance(field, str) and field.startswith(_FORMULAS)
    return f"'{field}" if is_formula else field


def _csv(fields: Sequence[object]) -> str:
    line = StringIO()
    csv.writer(line).writerow(fields)
    return line.getvalue()
