"""What is looked for in part of the text only is what is looked for in all of it."""

import random
from base64 import b64encode
from collections.abc import Collection

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.masking.interrupted import Interrupted
from runner.masking.masker import Masker
from runner.masking.patterns import Verbatim, View, Wrapped
from runner.masking.sieve import BLOCK, Sieve
from runner.masking.sifted import Digits, Sifted, views
from tests.unit.runner.masking.output import ordinary_lines
from tests.unit.runner.masking.reference import CODES, pieces


def exact(plain: Collection[bytes], encoded: Collection[bytes]) -> list[View]:
    """Look everywhere, for all of the patterns."""
    verbatim = [Verbatim(plain)] if plain else []
    wrapped = [Wrapped(encoded)] if encoded else []
    return [*verbatim, *map(Interrupted, verbatim), *wrapped]


def shown(found_by: Collection[View], writes: Collection[bytes]) -> bytes:
    masker = Masker(list(found_by))
    return b"".join(map(masker.feed, writes)) + masker.flush()


#: A machine that has other work says nothing of what is found.
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LETTERS = st.text("xyY0m", min_size=1, max_size=20).map(str.encode)
DIGITS = st.text("a1%", min_size=1, max_size=9).map(str.encode)
GAPS = st.sampled_from([b" ", b"\n", b"\r\n   ", b"\x1b", b"\x1b[3", *CODES])


@st.composite
def coloured(draw: st.DrawFn, words: Collection[bytes]) -> bytes:
    """Draw words of which some are cut by codes and blanks, and long lines."""
    word = st.sampled_from(sorted(words))
    cut = st.builds(lambda w, at, gap: w[:at] + gap + w[at:], word, AT, GAPS)
    line = st.integers(36, 60).map(lambda size: b"-" * size)
    return b"".join(draw(st.lists(word | cut | GAPS | LETTERS | line, max_size=9)))


AT = st.integers(1, 12)


@BUSY
@given(st.data())
def test_secrets_are_found_as_if_looked_for_everywhere(data: st.DataObject) -> None:
    plain = data.draw(st.sets(LETTERS | DIGITS, max_size=3))
    encoded = data.draw(st.sets(LETTERS | DIGITS, min_size=1, max_size=3))
    text = data.draw(coloured({*plain, *encoded}))
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6))

    sifted = shown(list(views(plain, encoded)), pieces(text, cuts))

    assert sifted == shown(exact(plain, encoded), [text])


@BUSY
@given(st.data())
def test_no_more_is_held_back_than_if_looked_for_everywhere(
    data: st.DataObject,
) -> None:
    plain = data.draw(st.sets(LETTERS | DIGITS, max_size=3))
    encoded = data.draw(st.sets(LETTERS | DIGITS, min_size=1, max_size=3))
    text = data.draw(coloured({*plain, *encoded}))

    live = min(view.live(text) for view in views(plain, encoded))

    assert live == min(view.live(text) for view in exact(plain, encoded))


def test_each_kind_of_pattern_is_looked_for_in_its_own_way() -> None:
    digits = b"68756e746572"

    found = list(views({b"hunter-two", b"20392817"}, {b"aHVudGVy", digits}))

    kinds = [type(view) for view in found]
    assert kinds == [Sifted, Digits, Verbatim, Interrupted]


@pytest.mark.parametrize("seed", range(30))
def test_secrets_in_long_output_are_found_as_if_looked_for_everywhere(
    seed: int,
) -> None:
    chance = random.Random(seed)
    plain = {b64encode(chance.randbytes(chance.randint(4, 30))) for _ in range(20)}
    plain |= {b"terraform-pw", b"2039281%d" % seed, b"state refresh\nin two lines"}
    encoded = {b64encode(each) for each in plain} | {
        each.hex().encode() for each in plain
    }
    text = b"".join(
        line + _broken(chance, chance.choice([*plain, *encoded]))
        for line in ordinary_lines(chance, 32_000)
    )
    cuts = [chance.randrange(len(text)) for _ in range(30)]

    sifted = shown(list(views(plain, encoded)), pieces(text, cuts))

    assert sifted.count(b"*****") > 10
    assert sifted == shown(exact(plain, encoded), [text])


def _broken(chance: random.Random, word: bytes) -> bytes:
    at = chance.randrange(len(word) + 1)
    gaps = [b"", b" ", b"\n", b"-" * 40, *CODES]
    return word[:at] + chance.choice(gaps) + word[at:] + chance.choice(gaps)


def test_a_line_end_closes_what_has_begun_unless_a_secret_goes_on_there() -> None:
    one, two = Sifted([b"first line"], []), Sifted([b"first\nline"], [])

    assert [view.live(b"the first\n") for view in (one, two)] == [10, 4]
    assert two.live(b"the fir\x1b[0mst\n") == 4
    assert two.live(b"at last\n") == 8


def test_a_part_of_a_secret_may_begin_with_a_line_end() -> None:
    view = Sifted([b"\nafter the end"], [])

    assert [view.live(text) for text in (b"\n", b"end\n", b"end")] == [0, 3, 3]


def test_ranges_hold_whole_matches_and_what_codes_stand_in_them() -> None:
    sieve = Sieve([b"9needle9"], b"9")
    text = b"." * 5000 + b"99need" + b"9" * 3000 + b"le9" + b"." * 5000

    ranges = sieve.ranges(text)

    assert len(ranges) == 1
    assert 4000 < ranges[0][0] <= 5000
    assert 8009 <= ranges[0][1] < 9000


WORDS = [b"9hunter-Two8", b"8f3adc9e1bd0", b"20392817"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("gap", [b"\n", b"\r\n ", b"\x1b[31m", b"\xe2\x80\x8b", b"\t"])
def test_what_has_begun_is_live_as_if_looked_for_everywhere(
    word: bytes, gap: bytes
) -> None:
    sifted = [list(views({word}, ())), list(views((), {word}))]
    everywhere = [exact({word}, ()), exact((), {word})]
    for at in range(1, len(word)):
        text = b"\n\x1b[1m-" + b"-" * 40 + word[:at] + gap + word[at:] + gap
        for end in range(30, len(text) + 1):
            for some, every in zip(sifted, everywhere, strict=True):
                live = min(view.live(text[:end]) for view in some)
                assert live == min(view.live(text[:end]) for view in every)


@pytest.mark.parametrize("size", range(BLOCK - 60, BLOCK + 260, 7))
def test_a_line_wraps_wherever_the_parts_of_a_text_are_cut(size: int) -> None:
    line = b"\n" + b"-" * 40
    text = b"-" * 8 + b"\n" * (size - 8) + line + b"9hunt\ner-Two8" + line * 9

    found = Sifted((), [b"9hunter-Two8"]).matches(text)

    assert found == [(size + 41, size + 54)]
