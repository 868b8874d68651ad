"""What fuzzing found once stays right."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import CORPUS
from tests.fuzz.check import check

CASES = sorted(CORPUS.iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_that_fuzzing_found_is_right(case: Path) -> None:
    check(case.read_bytes())


def test_the_corpus_is_small() -> None:
    assert 20 < len(CASES) < 100
    assert sum(case.stat().st_size for case in CASES) < 100_000


@settings(deadline=None)
@given(st.sampled_from(CASES), st.binary(max_size=4), st.data())
def test_a_case_with_other_bytes_in_it_is_right(
    case: Path, others: bytes, data: st.DataObject
) -> None:
    known = case.read_bytes()
    at = data.draw(st.integers(0, len(known)))

    check(known[:at] + others + known[at + len(others) :])
