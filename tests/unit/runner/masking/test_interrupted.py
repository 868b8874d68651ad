"""Secrets that are interrupted by what cannot be seen."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.masking.interrupted import Interrupted
from runner.masking.masker import Masker, Masks
from runner.masking.patterns import Verbatim
from runner.masking.secrets import Secret
from tests.unit.runner.masking.reference import CODES, masked_between_codes, pieces

RED, PLAIN = b"\x1b[1;31m", b"\x1b[0m"
GAPS = [
    RED,
    PLAIN,
    b"\x1b[01;31m\x1b[K",
    b"\x1b[38;2;255;128;0m",
    b"\x1b(B\x1b[m",
    b"\r",
    *(each.encode() for each in "\u200b\u200c\u200d\u200e\u2060\ufeff\u00ad"),
]


def a_masker(*patterns: bytes) -> Masker:
    verbatim = Verbatim(patterns)
    return Masker([verbatim, Interrupted(verbatim)])


def run(masker: Masker, writes: list[bytes]) -> bytes:
    return b"".join(map(masker.feed, writes)) + masker.flush()


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize(
    "value", [b"hunter22", b"20392817", b"p\xc3\xa4 \xe2\x82\xac 9"]
)
def test_codes_within_a_secret_do_not_hide_it_at_any_cut(
    gap: bytes, value: bytes
) -> None:
    masks = Masks([Secret("S", value)])
    letters = [letter.encode() for letter in value.decode()]
    once = value[:1] + gap + value[1:]
    text = b"a %b b %b c" % (once, gap.join(letters))

    for cut in range(len(text) + 1):
        assert run(masks.stream(), [text[:cut], text[cut:]]) == b"a ***** b ***** c"
    ones = [text[at : at + 1] for at in range(len(text))]
    assert run(masks.stream(), ones) == b"a ***** b ***** c"


TEXT = st.lists(
    st.text("ab0m", min_size=1, max_size=5).map(str.encode)
    | st.sampled_from([*CODES, b"\x1b", b"\x1b[0;!", PLAIN * 16, PLAIN * 17]),
    max_size=12,
).map(b"".join)
PATTERNS = st.sets(
    st.text("ab0m", min_size=1, max_size=7).map(str.encode), min_size=1, max_size=4
)


@given(PATTERNS, TEXT, st.data())
def test_any_cut_gives_what_the_whole_text_gives(
    patterns: set[bytes], text: bytes, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6))

    shown = run(a_masker(*patterns), pieces(text, cuts))

    assert shown == masked_between_codes(text, patterns)


@pytest.mark.parametrize("seed", range(20))
def test_a_secret_is_found_in_long_coloured_text(seed: int) -> None:
    chance = random.Random(seed)
    patterns = {bytes(chance.choices(b"abcd", k=9)) for _ in range(4)}
    words = [*patterns, *CODES, b"a", b"0;1", b"x" * 300, b"9" * 700]
    text = b"".join(_broken(chance, chance.choice(words)) for _ in range(100))

    shown = run(a_masker(*patterns), [text])

    assert shown.count(b"*****") > 10
    assert shown == masked_between_codes(text, patterns)


def _broken(chance: random.Random, word: bytes) -> bytes:
    at = chance.randrange(len(word) + 1)
    return word if word in CODES else word[:at] + chance.choice(CODES) + word[at:]


def test_more_than_a_gap_ends_a_secret_and_is_not_held_back() -> None:
    masker = a_masker(b"hunter22")

    held = masker.feed(b"hunt" + PLAIN * 16)
    shown = masker.feed(PLAIN)

    assert (held, shown) == (b"", b"hunt" + PLAIN * 17)


def test_an_unfinished_code_is_held_back_only_behind_a_beginning() -> None:
    masker = a_masker(b"hunter22")

    assert masker.feed(b"ready\x1b[3") == b"ready\x1b[3"
    assert masker.feed(b"2m hunt\x1b[3") == b"2m "
    assert masker.feed(b"2mer2") == b""
    assert masker.feed(b"2!") == b"*****!"


def test_what_is_held_back_is_bounded() -> None:
    secret = b"ab" * 30
    masker = a_masker(secret)

    for _ in range(3):
        for at in range(len(secret)):
            masker.feed(secret[at : at + 1] + PLAIN * 16)
            assert len(masker._kept) <= 65 * len(secret) + 64


def test_the_rest_of_a_code_that_was_shown_begins_no_secret() -> None:
    masker = a_masker(b"1mhunter22")
    shown_first = b"x\x1b[31mhunt" + PLAIN * 8 + b"\r\r"

    assert run(masker, [shown_first, b"er22"]) == shown_first + b"er22"


def test_colours_beside_a_secret_stay() -> None:
    masks = Masks([Secret("S", b"hunter22")])

    assert masks.data(RED + b"hunter22" + PLAIN) == RED + b"*****" + PLAIN


def test_a_secret_that_has_codes_itself_is_hidden_with_and_without_them() -> None:
    masks = Masks([Secret("S", RED + b"hunter" + PLAIN + b"22")])

    assert masks.data(b"a %bhunter%b22 b" % (RED, PLAIN)) == b"a ***** b"
    assert masks.data(b"a hunter22 b") == b"a ***** b"
