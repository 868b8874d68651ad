"""How a run is called in AWS."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.credentials.aws import session_name, tag_value
from tests.support.builders import a_run

#: as AWS's STS reference has it
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


@pytest.mark.parametrize("number", [1, 10**15])
def test_a_session_has_a_name_that_sts_takes(number: int) -> None:
    assert SESSION_NAME.fullmatch(session_name(a_run(number=number)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("U0ANN", "U0ANN"),
        ("api::deploy key", "api::deploy key"),
        ("Zoë Ångström 2", "Zoë Ångström 2"),
        ("a&b<c>\n", "a_b_c__"),
        ("😀", "_"),
        ("", ""),
        ("x" * 300, "x" * 256),
    ],
)
def test_a_tag_keeps_what_it_can_hold(text: str, value: str) -> None:
    assert tag_value(text) == value


@given(st.text(max_size=400))
def test_whatever_somebody_is_called_fits_a_tag(text: str) -> None:
    value = tag_value(text)

    # \w and \s are wider than AWS's classes, but no sign of ASCII is in them.
    assert re.fullmatch(r"[\w\s.:/=+@-]{0,256}", value) or not value.isascii()
    assert len(value) == min(len(text), 256)
