"""Finding patterns, whole ones and beginnings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.masking.patterns import Verbatim, Wrapped
from tests.unit.runner.masking import reference

SOME_PATTERNS = st.sets(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=6)
LINE = b"0123456789" * 5


@given(SOME_PATTERNS, st.text("abc", max_size=20))
def test_what_is_live_is_the_longest_end_that_begins_a_longer_pattern(
    patterns: set[str], text: str
) -> None:
    live = Verbatim(map(str.encode, patterns)).live(text.encode())

    begun = (
        start
        for start in range(len(text))
        if any(p.startswith(text[start:]) and p != text[start:] for p in patterns)
    )
    assert live == next(begun, len(text))


WORDS = st.text("abc", max_size=9).map(str.encode)
LINES = st.integers(30, 90).map(lambda size: b"abcba" * (size // 5))
GAPS = st.integers(1, 50).map(lambda size: b"\n" + b" " * (size - 1))


@given(
    st.sets(WORDS.filter(bool), min_size=1, max_size=3),
    st.lists(WORDS | LINES | GAPS, max_size=8).map(b"".join),
)
def test_what_is_live_may_be_wrapped(patterns: set[bytes], text: bytes) -> None:
    assert Wrapped(patterns).live(text) == reference.live(text, patterns)


def test_a_match_that_may_still_grow_is_live() -> None:
    assert Verbatim([b"secret", b"secret-2"]).live(b"a secret") == 2


def test_matches_that_overlap_are_all_found() -> None:
    found = Verbatim([b"abcd", b"bc", b"cdef"]).matches(b"abcdef")

    assert sorted(found) == [(0, 4), (1, 3), (2, 6)]


@pytest.mark.parametrize("gap", [b"\n", b"\r\n", b"\n      ", b" \r\n\t"])
def test_a_wrapped_pattern_is_found(gap: bytes) -> None:
    text = b"> " + LINE + b"hun" + gap + b"ter22"

    found = Wrapped([b"hunter22"]).matches(text)

    assert found == [(52, 60 + len(gap))]


def test_a_pattern_wrapped_twice_is_found() -> None:
    text = b"hunt" + LINE + b"\n" + LINE + b"\ner22"

    found = Wrapped([b"hunt" + LINE + LINE + b"er22"]).matches(text)

    assert found == [(0, len(text))]


@pytest.mark.parametrize(
    "text",
    [
        b"a hun\nter22",
        LINE + b" hun\nter22",
        LINE + b"hu\nnter2\n2",
        LINE + b"hun" + b" " * 41 + b"ter22",
        LINE + b"hun" + b" " * 99 + b"ter22",
    ],
)
def test_words_that_only_stand_side_by_side_are_not_a_wrapped_pattern(
    text: bytes,
) -> None:
    patterns = Wrapped([b"hunter22"])

    assert patterns.matches(text) == []
    assert patterns.live(text[:-1]) == len(text) - 1


def test_the_end_of_an_ordinary_line_is_not_live() -> None:
    assert Wrapped([b"hunter22"]).live(b"all done, huh\n") == 14


def test_the_end_of_a_wrapped_line_is_live() -> None:
    assert Wrapped([b"hunter22"]).live(LINE + b"hu\n   ") == 50
