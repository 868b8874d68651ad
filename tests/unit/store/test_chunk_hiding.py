"""Texts are hidden in chunks as they are in one piece."""

from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store.chunk_hiding import ChunkHiding, Hidden
from bot.store.output import Chunk
from runner.masking.masker import Masks
from runner.masking.secrets import Secret

HIDE = Masks((Secret("redacted", b"abacab"),))
PIECES = st.lists(
    st.sampled_from(
        [b"", b"a", b"b", b"ab", b"aba", b"cab", b"abacab", b"x", b"\n", b"x" * 200]
    ),
    max_size=30,
)


def hidden(pieces: list[bytes], *, at_once: int = 1) -> list[Hidden]:
    ends = list(accumulate(map(len, pieces)))
    chunks = [
        Chunk(start=end - len(piece), end=end, data=piece)
        for piece, end in zip(pieces, ends, strict=True)
    ]
    hiding = ChunkHiding(HIDE.stream())
    done = []
    for first in range(0, len(chunks), at_once):
        done += hiding.feed(chunks[first : first + at_once])
    return done + hiding.flush()


@settings(deadline=None)
@given(PIECES, st.integers(min_value=1, max_value=9))
def test_the_chunks_together_are_what_the_whole_would_be(
    pieces: list[bytes], at_once: int
) -> None:
    done = hidden(pieces, at_once=at_once)

    assert [each.chunk.data for each in done] == pieces
    assert b"".join(each.data for each in done) == HIDE.data(b"".join(pieces))


@settings(deadline=None)
@given(PIECES)
def test_where_nothing_is_hidden_no_chunk_changes(pieces: list[bytes]) -> None:
    harmless = [piece.replace(b"c", b"x") for piece in pieces]

    assert [each.data for each in hidden(harmless)] == harmless


def test_a_text_stays_in_the_chunk_that_it_begins_in() -> None:
    pieces = [b"one aba", b"ca", b"", b"b two", b" three"]

    assert [each.data for each in hidden(pieces)] == [
        b"one *****",
        b"",
        b"",
        b" two",
        b" three",
    ]


def test_a_chunk_is_done_as_soon_as_nothing_in_it_may_change() -> None:
    hiding = ChunkHiding(HIDE.stream())

    first = hiding.feed([Chunk(start=0, end=1, data=b"x")])
    second = hiding.feed([Chunk(start=1, end=4, data=b"aba")])
    third = hiding.feed([Chunk(start=4, end=5, data=b"x")])

    assert [len(done) for done in (first, second, third)] == [1, 0, 2]
    assert hiding.flush() == []
