"""Masking streams and whole values."""

import json
import random
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.masking.masker import Masker, Masks
from runner.masking.patterns import CONTEXT, Verbatim, View, Wrapped
from runner.masking.secrets import Secret, encodings, forms
from tests.unit.runner.masking.keys import PEM
from tests.unit.runner.masking.output import ordinary_lines
from tests.unit.runner.masking.reference import masked, pieces

SOME_PATTERNS = st.sets(
    st.text("ab*", min_size=1, max_size=8).map(str.encode), min_size=1, max_size=6
)


def a_masker(plain: Iterable[bytes], wrapped: Iterable[bytes] = ()) -> Masker:
    views: list[View] = [Verbatim(plain)] if plain else []
    return Masker([*views, Wrapped(wrapped)] if wrapped else views)


def masks_of(*values: bytes) -> Masks:
    return Masks(Secret(f"S{nth}", value) for nth, value in enumerate(values))


def run(masker: Masker, writes: Iterable[bytes]) -> bytes:
    return b"".join(map(masker.feed, writes)) + masker.flush()


def one_by_one(text: bytes) -> list[bytes]:
    return [text[at : at + 1] for at in range(len(text))]


CASES = {
    "nothing is secret": ([], b"all of this", b"all of this"),
    "nothing is said": ([b"secret"], b"", b""),
    "one secret": ([b"secret"], b"a secret b", b"a ***** b"),
    "only a secret": ([b"secret"], b"secret", b"*****"),
    "a half secret": ([b"secret"], b"a secre", b"a secre"),
    "a false start": ([b"aab"], b"aaab", b"a*****"),
    "a false start inside": ([b"ababac"], b"abababac", b"ab*****"),
    "touching secrets": ([b"abcd", b"efgh"], b"abcdefgh", b"**********"),
    "overlapping secrets": ([b"abcd", b"cdef"], b"abcdef", b"*****"),
    "a chain of overlaps": ([b"abc", b"cde", b"efg"], b"abcdefgh", b"*****h"),
    "a secret in a secret": ([b"abcdef", b"cd"], b"abcdef cd", b"***** *****"),
    "a longer secret that fails": ([b"abcdef", b"cd"], b"abcdeg", b"ab*****eg"),
    "a secret overlapping itself": ([b"aaaa"], b"aaaaaaab", b"*****b"),
    "the replacement in the text": ([b"secret"], b"*****secret*", b"***********"),
    "the replacement as a secret": ([b"*****"], b"a ***** b", b"a ***** b"),
    "bytes that are no text": ([b"\xff\x00\xfe"], b"\xfe\xff\x00\xfe", b"\xfe*****"),
}


@pytest.mark.parametrize("cut", [lambda text: [text], one_by_one])
@pytest.mark.parametrize("case", CASES)
def test_secrets_are_replaced(case: str, cut: Callable[[bytes], list[bytes]]) -> None:
    patterns, text, expected = CASES[case]

    assert run(a_masker(patterns), cut(text)) == expected


def test_a_secret_begun_in_one_write_is_replaced_when_it_ends_in_the_next() -> None:
    masker = a_masker([b"aab"])

    shown = [masker.feed(b"aa"), masker.feed(b"ab"), masker.flush()]

    assert shown == [b"", b"a*****", b""]


def test_a_false_start_is_shown_as_soon_as_it_is_known_to_be_one() -> None:
    masker = a_masker([b"ababac"])

    shown = [masker.feed(b"abab"), masker.feed(b"abac"), masker.feed(b"!")]

    assert shown == [b"", b"ab*****", b"!"]


def test_nothing_that_cannot_become_a_secret_is_held_back() -> None:
    masker = masks_of(b"hunter22", PEM).stream()

    assert masker.feed(b"Apply complete! hu\n") == b"Apply complete! hu\n"
    assert masker.feed(b"password: hun") == b"password: "
    assert masker.feed(b"t\n") == b"hunt\n"


def test_a_masker_can_be_used_again_after_its_end() -> None:
    masker = a_masker([b"secret"])

    run(masker, [b"secr"])

    assert run(masker, [b"et secret"]) == b"et *****"


@given(SOME_PATTERNS, st.lists(st.text("ab*", max_size=12).map(str.encode)))
def test_any_writes_give_what_the_whole_text_gives(
    patterns: set[bytes], writes: list[bytes]
) -> None:
    assert run(a_masker(patterns), writes) == masked(b"".join(writes), patterns)


@given(st.data())
def test_wrapped_secrets_are_replaced_however_the_text_is_cut(
    data: st.DataObject,
) -> None:
    long_run = st.integers(30, 90).map(lambda size: b"abcba" * (size // 5))
    letters = st.text("abc \n", max_size=9).map(str.encode)
    gap = st.sampled_from([b"\n", b"\r\n", b"\n    ", b"\n" * 41])
    text = b"".join(data.draw(st.lists(long_run | letters | gap, max_size=8)))
    pattern = st.text("abc", min_size=1, max_size=9).map(str.encode)
    wrapped = data.draw(st.sets(pattern, min_size=1, max_size=3))
    plain = data.draw(st.sets(letters.filter(bool), max_size=2))
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6))

    shown = run(a_masker(plain, wrapped), pieces(text, cuts))

    assert shown == masked(text, plain, wrapped)


WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda value: b"key: " + value + b" end\n",
    "indented": lambda value: value.replace(b"\n", b"\n      + ") + b"\n",
    "carriage returns": lambda value: value.replace(b"\n", b"\r\n") + b"\r\n",
    "base64": lambda value: b64encode(value) + b"\n",
    "base64 at 1": lambda value: b64encode(b"u" + value + b"rest"),
    "base64 at 2": lambda value: b64encode(b"u:" + value + b"rest"),
    "base64 for URLs": lambda value: urlsafe_b64encode(b"u:" + value),
    "wrapped at 76": lambda value: encodebytes(b"x" * 50 + value + b"\n"),
    "wrapped at 64": lambda value: wrapped_at(64, b"u" * 41 + value, b"\n"),
    "hex": lambda value: value.hex().encode() + b"\n",
    "hex in capitals": lambda value: value.hex().upper().encode(),
    "hex wrapped at 60": lambda value: wrapped_hex((b"u" * 21 + value + b"\n").hex()),
    "percent": lambda value: b"".join(b"%%%02X" % byte for byte in value),
    "wrapped and indented": lambda value: wrapped_at(64, value, b"\r\n    "),
}
VALUES = [b"hunter22", b"\xfb\xff\xbe?>~~ key", b"two-lines\nof secret", PEM]


def wrapped_at(columns: int, text: bytes, gap: bytes) -> bytes:
    encoded = b64encode(text)
    starts = range(0, len(encoded), columns)
    return gap.join(encoded[at : at + columns] for at in starts)


def wrapped_hex(digits: str) -> bytes:
    starts = range(0, len(digits), 60)
    return "\n".join(digits[at : at + 60] for at in starts).encode()


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("value", VALUES, ids=["word", "bytes", "lines", "pem"])
def test_each_form_is_hidden_at_every_cut(way: str, value: bytes) -> None:
    masks = masks_of(value)
    text = WRITTEN[way](value)

    expected = masks.data(text)

    assert b"*****" in expected
    secret = Secret("S", value)
    assert expected == masked(text, forms(secret), encodings(secret))
    for cut in range(len(text) + 1):
        assert run(masks.stream(), [text[:cut], text[cut:]]) == expected
    assert run(masks.stream(), one_by_one(text)) == expected


@pytest.mark.parametrize("before", range(80))
def test_base64_wrapped_anywhere_shows_at_most_a_letter_at_each_end(
    before: int,
) -> None:
    text = encodebytes(b"x" * before + b"hunter22 of Ann" + bytes(range(100)))

    shown = masks_of(b"hunter22 of Ann").data(text)

    head, replacement, tail = shown.partition(b"*****")
    hidden = text.removeprefix(head).removesuffix(tail)
    assert replacement
    assert len(b"".join(hidden.split())) >= 15 * 8 // 6 - 2


def test_hostile_repetition_is_one_replacement_in_bounded_memory() -> None:
    masker = a_masker([b"a" * 8])

    shown = [masker.feed(b"a" * 1000) for _ in range(1000)]

    assert b"".join(shown) == b"*****"
    assert len(masker._kept) <= 8 + CONTEXT
    assert masker.flush() == b""


def test_a_large_write_gives_what_small_ones_give() -> None:
    text = b"x" * 65_530 + b"hunter22" + b"y" * 200_000 + b"hunter22"

    shown = run(masks_of(b"hunter22").stream(), [text])

    assert shown == text.replace(b"hunter22", b"*****")


@pytest.mark.parametrize("way", [b64encode, encodebytes, bytes])
def test_a_large_secret_is_one_replacement_in_bounded_memory(
    way: Callable[[bytes], bytes],
) -> None:
    value = random.Random(1).randbytes(20_000)
    masker = masks_of(value).stream()

    shown = b""
    for line in way(value).splitlines(keepends=True):
        shown += masker.feed(line)
        assert len(masker._kept) < 3000

    assert (shown + masker.flush()).strip() == b"*****"


def test_a_large_write_of_repetition_is_one_replacement() -> None:
    assert masks_of(b"a" * 8).data(b"a" * 200_000) == b"*****"


@given(st.binary(max_size=200), st.integers(0, 2**32))
def test_text_without_secrets_is_untouched(text: bytes, seed: int) -> None:
    secret = random.Random(seed).randbytes(24)

    assert masks_of(secret).data(text) == text


def test_without_secrets_the_very_same_bytes_come_back() -> None:
    write = b"plan: nothing to do"

    assert masks_of().stream().feed(write) is write
    assert masks_of(b"short").stream().feed(write) is write


def test_streams_of_a_run_do_not_mix() -> None:
    masks = masks_of(b"hunter22")
    out, err = masks.stream(), masks.stream()

    shown = [out.feed(b"hunt"), err.feed(b"er22"), out.feed(b"er22")]

    assert shown == [b"", b"er22", b"*****"]


def test_whole_texts_are_masked() -> None:
    masks = masks_of("pässwört1".encode())

    assert masks.text("echo 'pässwört1' → ok") == "echo '*****' → ok"
    assert masks.text("half a \ud800 character") == "half a \ud800 character"
    assert masks.text("\ud800 pässwört1").endswith(" *****")
    assert masks.data(b"no secret") == b"no secret"


def test_base64_of_a_line_and_of_a_leaf_is_hidden() -> None:
    masks = masks_of(b"first-secret-line\nsecond-secret-line", b'{"k": "leaf-of-json"}')

    for each in (b"second-secret-line", b"leaf-of-json"):
        assert masks.data(b"> " + b64encode(each) + b" <") == b"> ***** <"


def test_base64_of_a_document_hides_what_is_escaped_in_it() -> None:
    value = b'two "lines"\nof <secret>'
    masks = masks_of(value)

    for escaped in (json.dumps(value.decode()).encode(), _GO_DOCUMENT):
        shown = masks.data(b64encode(b'{"a": ' + escaped + b"}"))
        assert shown.startswith(b"eyJhIjog")
        assert shown[8:].count(b"*****") == 1
        assert len(shown) < 24


_GO_DOCUMENT = rb'"two \"lines\"\nof \u003csecret\u003e"'


def test_ordinary_output_stays_as_it_is_beside_a_thousand_secrets() -> None:
    chance = random.Random(3)
    sizes = [chance.randint(6, 40) for _ in range(1000)]
    masks = masks_of(*(b64encode(chance.randbytes(size)) for size in sizes))
    text = b"".join(ordinary_lines(chance, 5_000_000))

    stream = masks.stream()
    shown = b"".join(
        stream.feed(text[at : at + 65_536]) for at in range(0, len(text), 65_536)
    )

    assert shown + stream.flush() == text


def test_what_is_learned_is_hidden_from_there_on_in_every_stream() -> None:
    masks = masks_of(b"s3cret")
    streams = masks.stream(), masks.stream()
    before = [stream.feed(b"a hunter22, ") for stream in streams]

    new = masks.learn([Secret("S9", b"hunter22"), Secret("S10", b"s3cret")])

    after = [run(stream, [b"another hunter22, a s3cret"]) for stream in streams]
    assert [secret.name for secret in new] == ["S9"]
    assert before == [b"a hunter22, "] * 2
    assert after == [b"another *****, a *****"] * 2


def test_what_is_held_back_is_searched_for_what_was_learned_meanwhile() -> None:
    masks = masks_of(b"hunter22-and-more")
    stream = masks.stream()
    held = stream.feed(b"a hunter22-and-")

    masks.learn([Secret("S9", b"hunter22")])

    assert held + run(stream, [b"then"]) == b"a *****-and-then"


def test_what_was_known_stays_hidden_where_learning_fails() -> None:
    masks = masks_of(b"hunter22")
    no_bytes = cast("bytes", 22)

    with pytest.raises((TypeError, AttributeError)):
        masks.learn([Secret("broken", no_bytes)])
    masks.learn([Secret("S9", b"another-secret")])

    assert masks.data(b"hunter22 another-secret") == b"***** *****"


def test_learning_one_by_one_hides_as_much_as_knowing_all() -> None:
    values = [f"value-{nth:03}-of-many".encode() for nth in range(50)]
    masks = masks_of()
    for value in values:
        masks.learn([Secret("S", value)])

    text = b" ".join(values)

    assert masks.data(text) == masks_of(*values).data(text)
    assert [secret.value for secret in masks.secrets] == values


@given(
    patterns=SOME_PATTERNS,
    text=st.text("ab*", max_size=60).map(str.encode),
    data=st.data(),
)
def test_a_stream_goes_on_from_wherever_an_earlier_one_came_to(
    patterns: set[bytes], text: bytes, data: st.DataObject
) -> None:
    first = a_masker(patterns)
    cut = data.draw(st.integers(0, len(text)))
    told = first.feed(text[:cut])

    again = Masker([Verbatim(patterns)], shown=first.position)

    rest = run(again, one_by_one(text))
    assert told + rest == run(a_masker(patterns), [text])


def test_what_was_shown_is_not_shown_again_however_little_is_known_now() -> None:
    again = masks_of().stream(shown=5)

    assert run(again, [b"a hun", b"ter22"]) == b"ter22"
    assert again.position == 10
