"""Where a stream stands, and that resuming loses and doubles nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.place import Place


def told(pieces: list[tuple[int, bytes]], start: Place) -> tuple[list[str], str]:
    """Return the ids and the text that a stream from *start* on tells."""
    ids, texts, place = [], [], start
    for end, data in pieces:
        if end > start.offset:
            place, text = place.after(end, data)
            texts.append(text)
            ids.append(str(place) if text else "")
    return ids, "".join(texts) + place.rest()


def cut(data: bytes, at: list[int]) -> list[tuple[int, bytes]]:
    """Return *data* in pieces, each with where the next begins."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [(end, data[start:end]) for start, end in pairwise(edges)]


@given(st.text() | st.binary(), st.lists(st.integers(0, 500)))
def test_the_text_is_the_same_wherever_the_output_is_cut(
    output: str | bytes, at: list[int]
) -> None:
    data = output if isinstance(output, bytes) else output.encode()

    _, text = told(cut(data, at), Place())

    assert text == data.decode("utf-8", "replace")


@given(st.text(min_size=1), st.lists(st.integers(0, 500)))
def test_whoever_comes_back_with_an_id_gets_exactly_the_rest(
    output: str, at: list[int]
) -> None:
    pieces = cut(output.encode(), at)
    ids, _ = told(pieces, Place())

    for count, seen in enumerate(ids, start=1):
        if seen:
            before = "".join(_texts(pieces[:count]))
            place = Place.parse(seen)
            assert place is not None
            assert before + told(pieces, place)[1] == output


def _texts(pieces: list[tuple[int, bytes]]) -> list[str]:
    place, texts = Place(), []
    for end, data in pieces:
        place, text = place.after(end, data)
        texts.append(text)
    return texts


def test_a_redaction_that_changes_lengths_changes_no_place() -> None:
    place, text = Place().after(100, b"*****\xe2")

    assert (str(place), text) == ("100.e2", "*****")
    assert place.after(110, b"\x82\xac!") == (Place(offset=110), "€!")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "1.",
        "1.zz",
        "1.e2e2e2e2",
        "1 ",
        "\u0663",
        "9223372036854775808",
        "1" * 20,
        "1.2.3",
    ],
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert Place.parse(text) is None


def test_an_offset_is_as_large_as_a_database_keeps_it() -> None:
    assert Place.parse("10000000000") == Place(offset=10**10)
    assert Place.parse("8" + "9" * 18 + ".e2") is not None
