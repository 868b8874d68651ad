"""Values that a command asks to have hidden."""

from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.masking.announced import (
    LONGEST_LEAD,
    LONGEST_VALUE,
    Announced,
    Announcements,
)
from tests.unit.runner.masking.reference import pieces


def taken(writes: Iterable[bytes]) -> list[bytes | Announced]:
    """Return what is shown and announced, what is shown in one piece where it can."""
    stream = Announcements()
    given = [each for write in writes for each in stream.feed(write)]
    joined: list[bytes | Announced] = []
    for each in (*given, *stream.flush()):
        if isinstance(each, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += each
        else:
            joined.append(each)
    return joined


def shown(writes: Iterable[bytes]) -> bytes:
    return b"".join(each for each in taken(writes) if isinstance(each, bytes))


def values(writes: Iterable[bytes]) -> list[bytes]:
    return [each.value for each in taken(writes) if isinstance(each, Announced)]


def one_by_one(text: bytes) -> list[bytes]:
    return [text[at : at + 1] for at in range(len(text))]


LINES = {
    "alone": (b"::add-mask::hunter22\n", b"hunter22"),
    "indented": (b" \t ::add-mask::hunter22\n", b"hunter22"),
    "coloured": (b"\x1b[1;31m \x1b(B::add-mask::hunter22\x1b[0m\n", b"hunter22"),
    "on a drawn line": (b"\r\x1b[K::add-mask::hunter22\n", b"hunter22"),
    "of a terminal": (b"::add-mask::hunter22\r\n", b"hunter22"),
    "without a line end": (b"::add-mask::hunter22", b"hunter22"),
    "in capitals": (b"::Add-Mask::hunter22\n", b"hunter22"),
    "blanks around the value": (b"::add-mask:: \thunter 22\t \n", b"hunter 22"),
    "several lines": (b"::add-mask::one%0Atwo%0D%0Athree\n", b"one\ntwo\r\nthree"),
    "a percent sign": (b"::add-mask::50%25 of %250A and %0a\n", b"50% of %0A and %0a"),
    "the prefix in the value": (b"::add-mask::a::add-mask::b\n", b"a::add-mask::b"),
    "no text": (b"::add-mask::\xff\x00\xfe\n", b"\xff\x00\xfe"),
}


@pytest.mark.parametrize("kind", LINES)
def test_a_line_that_announces_a_value_is_taken_out_at_every_cut(kind: str) -> None:
    line, value = LINES[kind]
    whole = b"before\n" + (line + b"after\n" if line.endswith(b"\n") else b"") + line
    expected = [b"before\n", Announced(value)]
    if line.endswith(b"\n"):
        expected += [b"after\n", Announced(value)]

    assert taken([whole]) == expected
    assert taken(one_by_one(whole)) == expected
    for cut in range(len(whole) + 1):
        assert taken(pieces(whole, [cut])) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"a ::add-mask::hunter22\n",
        b"+ echo ::add-mask::hunter22\n",
        b":::add-mask::hunter22\n",
        b"::add-mask:hunter22\n",
        b"::add-mas\n",
        b"::add-mask",
        b" \t\r\x1b[3",
        b"\x1b[3x::add-mask::hunter22\n",
        b"\x1b::add-mask::hunter22\n",
        b" " * (LONGEST_LEAD + 1) + b"::add-mask::hunter22\n",
        b"x" * 70_000 + b"::add-mask::hunter22\n",
    ],
)
def test_other_output_stays_as_it_is_at_every_cut(text: bytes) -> None:
    assert shown([text]) == text
    assert shown(one_by_one(text)) == text
    assert values([text]) == []


@pytest.mark.parametrize("line", [b"::add-mask::\n", b"::add-mask:: \r\n"])
def test_a_line_without_a_value_is_taken_out_and_announces_nothing(line: bytes) -> None:
    assert taken([b"a\n", line, b"b\n"]) == [b"a\nb\n"]


def test_announcing_lines_may_follow_each_other_behind_any_cut() -> None:
    text = b"x\n::add-mask::one\n::add-mask::two\ny"

    for cut in range(len(text)):
        assert values(pieces(text, [cut])) == [b"one", b"two"]


def test_a_lead_that_is_too_long_is_not_held_back() -> None:
    stream = Announcements()

    assert list(stream.feed(b" " * LONGEST_LEAD)) == []
    assert list(stream.feed(b" ")) == [b" " * (LONGEST_LEAD + 1)]
    assert values([b" " * LONGEST_LEAD + b"::add-mask::hunter22"]) == [b"hunter22"]


def test_only_what_may_become_such_a_line_is_held_back() -> None:
    stream = Announcements()

    assert list(stream.feed(b"Apply complete! ::add")) == [b"Apply complete! ::add"]
    assert list(stream.feed(b"-mask::x\n ::ad")) == [b"-mask::x\n"]
    assert list(stream.feed(b"!")) == [b" ::ad!"]
    assert list(stream.feed(b"::add-mask::x")) == [b"::add-mask::x"]
    assert list(stream.feed(b"\n\x1b[")) == [b"\n"]
    assert list(stream.feed(b"A\n")) == [b"\x1b[A\n"]


def test_what_comes_before_a_line_is_given_before_its_value() -> None:
    stream = Announcements()

    given = list(stream.feed(b"a\n::add-mask::one\n::add-mask::two\nb\n::add-mask::th"))

    assert given == [b"a\n", Announced(b"one"), Announced(b"two"), b"b\n"]
    assert list(stream.flush()) == [Announced(b"th")]
    assert list(stream.flush()) == []


def test_a_line_is_swallowed_whole_however_long_and_its_value_is_bounded() -> None:
    stream = Announcements()
    list(stream.feed(b"::add-mask::"))

    for _ in range(100):
        assert list(stream.feed(b"s" * 10_000)) == []
        assert len(stream._value) <= LONGEST_VALUE
    given = list(stream.feed(b"\nafter"))

    assert given == [Announced(b"s" * LONGEST_VALUE), b"after"]


@pytest.mark.parametrize("filler", [b" ", b"\x1b[m", b"::add-mask::", b"%0A", b"\r"])
def test_a_hostile_line_takes_no_long_time(filler: bytes) -> None:
    text = b"x" + filler * 100_000 + b"\n::add-mask::x" + filler * 100_000 + b"y\nend"

    assert shown([text]).endswith(b"\nend")
    assert len(values([text])) == 1


def test_a_value_is_not_shown_by_its_name() -> None:
    assert repr(Announced(b"hunter22")) == "Announced()"


WORDS = st.sampled_from(
    [b"::add-mask::", b"::", b"add-mask", b"\n", b"\r", b" ", b"\x1b[0m", b"\x1b["]
) | st.binary(max_size=3)


@given(st.lists(WORDS, max_size=14).map(b"".join), st.data())
@example(b"\n::add-mask::a\n", None)
def test_any_cut_gives_what_the_whole_text_gives(
    text: bytes, data: st.DataObject | None
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6)) if data else [3]

    assert taken(pieces(text, cuts)) == taken([text])


@given(st.binary(max_size=300).filter(lambda text: b"mask" not in text.lower()))
def test_output_without_announcements_is_untouched(text: bytes) -> None:
    assert shown(one_by_one(text)) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x1b"), max_size=40))
def test_what_is_announced_is_what_was_meant(value: str) -> None:
    meant = value.encode().strip()
    written = meant.replace(b"%", b"%25").replace(b"\r", b"%0D").replace(b"\n", b"%0A")

    assert values([b"::add-mask::" + written + b"\n"]) == ([meant] if meant else [])
