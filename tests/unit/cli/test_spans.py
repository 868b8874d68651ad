"""Lengths of time in options."""

from datetime import timedelta

import pytest
import typer

from bot.cli.spans import span


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("0", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("30d", timedelta(days=30)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_a_span_is_numbers_with_their_units(written: str, length: timedelta) -> None:
    assert span(written) == length


@pytest.mark.parametrize(
    "written",
    ["", "soon", "1", "-1h", "1h 30m", "30m1h", "1.5h", "\u0661h", "99999d"],
)
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(typer.BadParameter):
        span(written)
