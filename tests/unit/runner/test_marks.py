from hypothesis import given
from hypothesis import strategies as st

from runner.driver import Mark, Marks, mark
from tests.unit.runner.drive import NONCE

PIECES = st.sampled_from(
    [b"", b"x", b"\n", b"\x1e", b"\x1ehandrail", b"\x1ehandrail 4f1d ", b"gate\x1f"]
    + [mark(NONCE, word) + b"\n" for word in Mark]
    + [mark("other", Mark.GATE) + b"\n", mark(NONCE, Mark.GATE)[:-1]]
)


def together(items: list[bytes | Mark]) -> list[bytes | Mark]:
    joined: list[bytes | Mark] = []
    for item in items:
        if joined and isinstance(item, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += item
        else:
            joined.append(item)
    return [item for item in joined if item != b""]


def split(stream: bytes, size: int) -> list[bytes | Mark]:
    marks, found = Marks(NONCE), list[bytes | Mark]()
    for at in range(0, len(stream), size):
        found.extend(marks.feed(stream[at : at + size]))
    return together([*found, marks.flush()])


@given(st.lists(PIECES, max_size=12).map(b"".join), st.integers(1, 40))
def test_marks_do_not_depend_on_how_the_stream_is_cut(stream: bytes, size: int) -> None:
    assert split(stream, size) == split(stream, len(stream) + 1)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_output_around_a_mark_stays_as_it_was(before: bytes, after: bytes) -> None:
    stream = before + mark(NONCE, Mark.GATE) + b"\n" + after

    assert split(stream, 7) == together([before, Mark.GATE, after])


def test_a_mark_counts_before_its_newline_has_come() -> None:
    marks = Marks(NONCE)

    assert list(marks.feed(mark(NONCE, Mark.GATE))) == [Mark.GATE]
    assert list(marks.feed(b"\nnext")) == [b"next"]


def test_a_mark_of_another_run_is_output() -> None:
    other = mark("other", Mark.GATE) + b"\n"

    assert split(other, 100) == [other]
