"""What is shown of any output: readable, short, and what matters of it."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack.output import WHOLE, Excerpt, last_lines, readable
from runner.masking.masker import Masks
from runner.masking.secrets import Secret


def excerpt_of(*pieces: bytes) -> Excerpt:
    excerpt = Excerpt()
    for piece in pieces:
        excerpt.feed(piece)
    return excerpt


def numbered(lines: int, *, width: int = 60) -> bytes:
    return b"".join(b"%05d ".ljust(width, b".") % n + b"\n" for n in range(lines))


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"\x1b[1m\x1b[31mError\x1b[0m: no", "Error: no"),
        (b"\x1b(B\x1b[m\x1b[Kplain\x1b[2K", "plain"),
        (b"\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "\ufffdlink\ufffd"),
        (b"a\x1b[?25lb\x1bMc", "a\ufffdb\ufffdc"),
        (b"a\x1b[?25l\x1b[1A\x1b[mb", "a\ufffdb"),
        (b"a" + b"\x1b[31m" * 12 + b"b", "ab"),
        (b"a" + b"\x1b[31m" * 13 + b"b", "a\ufffdb"),
        (b"10%\x1b[?25l\r20%\x1b[K\r\n", "\ufffd20%"),
        (b"10%\x1b[?25h\r\n", "10%\ufffd"),
        (b"10%\r20%\r100%\n", "100%"),
        (b"10%\r20%\r", "20%"),
        (b"one\r\ntwo\r\r\n", "one\ntwo"),
        (b"a\tb", "a\tb"),
        (b"\xff\x00\x07", "\ufffd\ufffd\ufffd"),
        ("na\u00efve \u2603".encode(), "na\u00efve \u2603"),
        (b"last\n\n\n", "last"),
        (b"", ""),
    ],
)
def test_output_reads_as_a_terminal_leaves_it(data: bytes, shown: str) -> None:
    assert readable(data) == shown


@given(st.binary())
def test_any_bytes_become_text_without_controls(data: bytes) -> None:
    shown = readable(data)

    assert all(sign in "\t\n" or sign >= " " for sign in shown)
    shown.encode()


_CODE = st.sampled_from(
    [
        b"\x1b[0m",
        b"\x1b[K",
        b"\x1b(B",
        b"\r",
        b"\b",
        "\u200b".encode(),
        b"\x1b[?25l",
        b"\x1b[1A",
        b"\x1bM",
        b"\x1b]0;a title\x07",
        b"\x1b]8;;http://x\x1b\\",
        b"\x1b[" + b"0;" * 13 + b"m",
        b"\x1b[31m" * 13,
        b"\r" * 65,
    ]
)
_ODD = st.text(alphabet="\x1b\x07\r\b\0[]()0;:?BKMm\\", max_size=8).map(str.encode)


def interrupted(secret: bytes, codes: list[tuple[int, list[bytes]]]) -> bytes:
    """Return *secret* with *codes* before some of its letters, counted from 0."""
    letters = [secret[at : at + 1] for at in range(len(secret))]
    for at, inside in codes:
        letters[at % len(letters)] = b"".join(inside) + letters[at % len(letters)]
    return b"".join(letters)


def is_shown(secret: bytes, output: bytes) -> bool:
    """Tell whether *secret* can be read in what is shown of masked *output*."""
    masked = Masks((Secret("it", secret),)).data(output)
    tail = last_lines(masked, lines=9, length=900)
    shown = (readable(masked), excerpt_of(masked).text(), tail)
    return any(secret.decode() in text for text in shown)


@given(
    secret=st.sampled_from([b"hunter2-the-3rd-Zq9", b"mmKKBB\\mMBKm"]),
    codes=st.lists(st.tuples(st.integers(0, 20), st.lists(_CODE | _ODD, max_size=3))),
)
@example(secret=b"hunter2-the-3rd", codes=[(8, [b"\x1b[?25l"])])
@example(secret=b"hunter2-the-3rd", codes=[(8, [b"\x1b[31m" * 13])])
def test_no_secret_that_codes_interrupt_is_put_together_again(
    secret: bytes, codes: list[tuple[int, list[bytes]]]
) -> None:
    assert not is_shown(secret, b"begin " + interrupted(secret, codes) + b" end")


@given(codes=st.lists(st.tuples(st.integers(0, 10), st.lists(_CODE, max_size=3))))
@example(codes=[(3, [b"\x1b[1A", b"\r"])])
@example(codes=[(2, [b"\r" * 65])])
@example(codes=[(3, [b"\r" * 65])])
@example(codes=[(3, [b"\b\r"])])
def test_no_secret_of_short_lines_is_put_together_again(
    codes: list[tuple[int, list[bytes]]],
) -> None:
    secret = b"a1\nb2\nc3\nd4"

    assert not is_shown(secret, b"begin " + interrupted(secret, codes) + b" end")


def test_last_lines_are_the_newest_and_fit() -> None:
    shown = last_lines(numbered(100, width=1_000), lines=30, length=3_000)

    assert len(shown) == 3_000
    assert "00099" in shown
    assert "00080" not in shown


def test_short_output_is_shown_whole() -> None:
    excerpt = excerpt_of(b"one\n", b"two\n")

    assert excerpt.is_whole
    assert excerpt.text() == "one\ntwo"


@pytest.mark.parametrize("length", [WHOLE - 1, WHOLE, WHOLE + 1])
def test_output_is_whole_iff_it_is_short(length: int) -> None:
    excerpt = excerpt_of(b"x" * length)

    assert excerpt.is_whole is (length <= WHOLE)
    assert (excerpt.text() == "x" * length) is excerpt.is_whole


def test_what_is_overwritten_does_not_count_as_shown() -> None:
    progress = b"".join(b"%d%%\r" % percent for percent in range(100)) * 30

    assert excerpt_of(progress + b"done\n").text() == "done"


def test_head_error_lines_and_tail_are_kept() -> None:
    lines = numbered(1_000).splitlines(keepends=True)
    lines[500] = b"Error: the state is locked\n"

    shown = excerpt_of(b"".join(lines)).text()

    assert shown.startswith("00000 ")
    assert "00999 " in shown.split("\n")[-1]
    assert "Error: the state is locked" in shown
    assert "lines are left out here" in shown
    assert len(shown) <= WHOLE + 100


@pytest.mark.parametrize(
    "line",
    [
        b"Error: x",
        b"\x1b[31mError\x1b[0m: x",
        b"\xe2\x95\xb7 Error: x",
        b"access DENIED",
        b"panic: x",
        b"fatal: x",
        b"the build failed",
    ],
)
def test_an_error_is_known_by_its_word(line: bytes) -> None:
    data = numbered(600) + line + b"\n" + numbered(600)

    assert readable(line) in excerpt_of(data).text()


def test_no_error_is_seen_in_part_of_a_word() -> None:
    data = numbered(600) + b"terrors and mirrors\n" + numbered(600)

    assert "terrors" not in excerpt_of(data).text()


def test_the_same_error_is_shown_once_and_eight_at_most() -> None:
    errors = b"".join(b"error %d\nerror 0\n" % number for number in range(20))

    shown = excerpt_of(numbered(600) + errors + numbered(600)).text()

    assert shown.count("error 0") == 1
    assert shown.count("error ") == 8


@pytest.mark.parametrize("width", [20, 110, 299])
@pytest.mark.parametrize("lines", [38, 60, 100, 250, 300, 500, 2_000])
def test_no_line_is_shown_twice_and_the_number_left_out_is_true(
    lines: int, width: int
) -> None:
    excerpt = excerpt_of(numbered(lines, width=width))

    shown = excerpt.text().split("\n")

    numbers = [int(line[:5]) for line in shown if line[:5].isdecimal()]
    assert numbers == sorted(set(numbers))
    left_out = [line.split()[1] for line in shown if "left out" in line]
    said = sum(int(number.replace(",", "")) for number in left_out)
    assert said == lines - len(numbers)


def test_where_nothing_is_left_out_nothing_is_said_of_it() -> None:
    shown = excerpt_of(b"x" * 5_000 + b"\nend").text()

    assert "left out" not in shown
    assert shown.endswith("\nend")


def test_one_endless_line_shows_its_beginning_and_its_end() -> None:
    excerpt = excerpt_of(b"begin ", *(b"x" * 1_000_000 for _ in range(10)), b" end\n")

    shown = excerpt.text()

    first, between, last = shown.split("\n")
    assert first.startswith("begin ")
    assert between == "…"
    assert last.endswith(" end")
    assert len(shown) <= WHOLE + 100
    assert excerpt.size == 10_000_011


def test_memory_stays_bounded_whatever_passes() -> None:
    excerpt = Excerpt()
    tracemalloc.start()
    try:
        for _ in range(500):
            excerpt.feed(b"error " + b"x" * 65_000)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 1 << 20


_LINE = st.one_of(
    st.sampled_from([b"Error: no such thing", b"\x1b[31mfailed\x1b[0m", b"50%\r60%"]),
    st.binary(max_size=80),
    st.integers(min_value=100, max_value=9_000).map(lambda length: b"y" * length),
)
_OUTPUT = st.lists(_LINE, max_size=60).map(b"\n".join)


@given(data=_OUTPUT, cuts=st.lists(st.integers(min_value=0, max_value=40_000)))
@example(data=numbered(400) + b"an error\n" + numbered(400), cuts=[24_805])
@example(data=numbered(400) + b"y" * 4_096 + b"error\n" + numbered(400), cuts=[28_899])
def test_any_cut_into_pieces_gives_the_same_excerpt(
    data: bytes, cuts: list[int]
) -> None:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]

    in_pieces = excerpt_of(*(data[a:b] for a, b in pairwise(edges)))

    at_once = excerpt_of(data)
    assert in_pieces.text() == at_once.text()
    assert (in_pieces.size, in_pieces.lines) == (at_once.size, at_once.lines)
    assert len(at_once.text()) <= WHOLE + 100
