"""Tokens that are known by their shape."""

import random
import time
from base64 import b64encode, encodebytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.masking.masker import Masker, Masks
from runner.masking.patterns import CONTEXT, Verbatim
from runner.masking.pem import LONGEST
from runner.masking.secrets import Secret
from runner.masking.shapes import SHAPES, WellKnown
from tests.unit.runner.masking.keys import PEM
from tests.unit.runner.masking.output import ordinary_lines
from tests.unit.runner.masking.reference import pieces
from tests.unit.runner.masking.tokens import NEAR_MISSES, PLACES, TOKENS

MASKS = Masks(others=(WellKnown(),))


def run(writes: list[bytes], *, masks: Masks = MASKS) -> bytes:
    stream = masks.stream()
    return b"".join(map(stream.feed, writes)) + stream.flush()


def one_by_one(text: bytes) -> list[bytes]:
    return [text[at : at + 1] for at in range(len(text))]


def shown_at_every_cut(text: bytes) -> bytes:
    """Return what is shown of *text*, which is the same however it is cut."""
    shown = run([text])
    step = 1 + len(text) // 500
    for cut in range(0, len(text) + 1, step):
        assert run(pieces(text, [cut])) == shown
    assert run(one_by_one(text)) == shown
    return shown


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_hidden_at_every_cut(kind: str) -> None:
    assert shown_at_every_cut(b"is " + TOKENS[kind] + b"\nok\n") == b"is *****\nok\n"


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_is_hidden_wherever_a_word_may_begin(kind: str) -> None:
    token = TOKENS[kind]

    for before, behind in (
        *((b'"', b'"'), (b"=", b""), (b"\\n", b"\\n"), (b"\x1b[1;32m", b"\x1b[0m")),
        *((b"\n", b"\r\n"), (b"https://", b":x-oauth-basic@h"), (b"a%3D", b"&b=c")),
        *((b"'", b"'"), (b"\\u0026t=", b"\\u0026"), (b"(", b")"), (b"[", b"]")),
    ):
        shown = MASKS.data(before + token + behind)
        assert token not in shown
        assert shown.startswith((before + b"*****", b"https://*****"))


@pytest.mark.parametrize("kind", PLACES)
def test_only_the_secret_part_is_hidden_at_every_cut(kind: str) -> None:
    before, token, behind = PLACES[kind]

    shown = shown_at_every_cut(b"x " + before + token + behind)

    assert shown == b"x " + before + b"*****" + behind


@pytest.mark.parametrize("kind", NEAR_MISSES)
def test_what_only_resembles_a_token_stays_at_every_cut(kind: str) -> None:
    assert shown_at_every_cut(NEAR_MISSES[kind]) == NEAR_MISSES[kind]


@pytest.mark.parametrize("kind", [*TOKENS, *NEAR_MISSES])
def test_what_ends_in_a_line_is_not_held_back_behind_it(kind: str) -> None:
    stream = MASKS.stream()
    text = {**TOKENS, **NEAR_MISSES}[kind] + b"\nApply complete!\n"

    shown = stream.feed(text)

    assert shown.endswith(b"\nApply complete!\n")


KINDS = ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "]
LINES = PEM.splitlines()
KEYS = {
    "plain": PEM,
    "of a terminal": PEM.replace(b"\n", b"\r\n"),
    "indented": b"".join(b"      %b\n" % line for line in LINES),
    "in a difference": b"".join(b"      + %b\n" % line for line in LINES),
    "behind names": b"".join(b"null_resource.a (local-exec): %b\n" % i for i in LINES),
    "numbered": b"".join(b"%6d\t%b\n" % each for each in enumerate(LINES)),
    "in quotes": b" +\n".join(b'  "%b\\n"' % line for line in LINES) + b"\n",
    "in JSON": b'"key": "' + PEM.replace(b"\n", b"\\n") + b'",\n',
    "in JSON in JSON": b'\\"key\\": \\"' + PEM.replace(b"\n", b"\\\\n") + b'\\",\n',
    "of Windows in JSON": PEM.replace(b"\n", b"\\r\\n") + b"\n",
    "in one line": PEM.replace(b"\n", b" ") + b"\n",
    "without line ends within": LINES[0]
    + b"\n"
    + b"".join(LINES[1:-1])
    + b"\n"
    + LINES[-1],
    "encrypted": PEM.replace(
        b"KEY-----\n",
        b"KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,%032X\n\n" % 99,
        1,
    ),
    "without an end": b"\n".join(LINES[:4]) + b"\n",
    "cut in a line": b"\n".join(LINES[:4])[:-20],
    "wrapped at 70": b"\n".join(
        [LINES[0], *(b64encode(b"k" * 52) for _ in range(5)), LINES[-1]]
    ),
    "of one line": b"\n".join([LINES[0], LINES[1], LINES[-1]]),
}


@pytest.mark.parametrize("way", KEYS)
def test_a_private_key_is_hidden_however_it_is_written(way: str) -> None:
    shown = shown_at_every_cut(b"a\n" + KEYS[way] + b"\nApply complete! Added 1.\n")

    assert shown.startswith(b"a\n")
    assert shown.endswith(b"\nApply complete! Added 1.\n")
    assert shown.count(b"*****") == 1
    assert not [each for each in LINES[1:-1] if each[:20] in shown]


@pytest.mark.parametrize(
    "kind", ["Stripe", "Vault", "Slack bot", "JWT", "Google access", "private key"]
)
def test_of_what_is_endlessly_long_the_same_is_hidden_at_every_cut(kind: str) -> None:
    text = TOKENS[kind].removesuffix(LINES[-1]).strip() + b"k" * (LONGEST + 1000)

    shown = run([text])

    assert shown == b"*****" + b"k" * (len(shown) - 5)
    for cut in range(0, len(text), 300):
        assert run(pieces(text, [cut, cut + 100])) == shown


@pytest.mark.parametrize("size", [8_000, 8_180, 9_000, 20_000])
def test_of_a_very_long_web_token_the_first_part_is_hidden(size: int) -> None:
    text = b"eyJhbGciOiJSUzI1NiJ9.eyJ" + b"a1B2" * (size // 4) + b"." + b"c3D4" * 80

    shown = run([text])

    assert shown.startswith(b"*****")
    assert len(shown) <= len(text) - 8 * 1024 + 5
    for cut in range(0, len(text), 700):
        assert run(pieces(text, [cut, cut + 300])) == shown


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_private_key_is_hidden(kind: str) -> None:
    key = PEM.replace(b"RSA ", kind.encode())

    for text in (key, b64encode(key), encodebytes(key)):
        shown = run([text])
        assert shown.startswith(b"*****")
        assert len(shown) < 70


def test_a_key_that_never_ends_is_held_back_in_bounds() -> None:
    stream = MASKS.stream()

    shown = stream.feed(LINES[0] + b"\n")
    for _ in range(1000):
        shown += stream.feed(LINES[1] + b"\n")
        assert len(stream._kept) <= LONGEST + CONTEXT

    assert shown.startswith(b"*****")


HOSTILE = (
    *(
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN ",
        b"\\n",
        b"\n",
        b" ",
        b"a",
        b"a ",
    ),
    *(b"eyJ", b"eyJa.", b"://", b"://a:", b"a@", b"://a:b@", b"sk-", b"xoxb-", b"1."),
    *(
        b"eyJ-",
        b"ya29.",
        b"IQoJb3JpZ2lu+",
        b"sk-proj-",
        b"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS",
    ),
    *(
        b"\n-----BEGIN PRIVATE KEY----- " + b"A" * 31,
        b"\n-----BEGIN PRIVATE KEY-----\nA-B: ",
    ),
    *(b"Authorization: Bearer ", b"\n A-b: ", b"a" * 32 + b"\n", b"\n" + b"a " * 40),
)


@pytest.mark.parametrize("filler", HOSTILE)
@pytest.mark.parametrize("before", [b"", b"-----BEGIN PRIVATE KEY-----", b"https://a:"])
def test_hostile_repetition_takes_no_long_time(filler: bytes, before: bytes) -> None:
    text = before + filler * (50_000 // len(filler))

    began = time.process_time()
    assert len(run(pieces(text, range(0, len(text), 500)))) <= len(text)

    # A second per 50 kB is far too slow, and some hundred times what it takes.
    assert time.process_time() - began < 5


WORDS = st.sampled_from(
    [
        *[each for text in TOKENS.values() for each in (text, text[:5], text[:40])],
        *[each for place in PLACES.values() for each in place],
        *[b"://", b"@", b":", b"ann", b"https", b"\n", b" ", b"-----", b"eyJ", b"."],
        *[b"\\n", b'"', b"=", b"\x1b[0m", *LINES[:2], LINES[-1], b"a" * 30],
    ]
)


@given(st.lists(WORDS | st.binary(max_size=3), max_size=8).map(b"".join), st.data())
def test_any_cut_gives_what_the_whole_text_gives(
    text: bytes, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))

    assert run(pieces(text, cuts)) == run([text])


@given(st.lists(WORDS, max_size=6).map(b"".join), st.integers(1, 45), st.data())
def test_what_else_is_held_back_changes_nothing(
    text: bytes, size: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text)))
    begun = text[at : at + size] + b"\x00never\x00"
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    stream = Masker([Verbatim([begun]), WellKnown()])

    shown = b"".join(map(stream.feed, pieces(text, cuts))) + stream.flush()

    assert shown == run([text])


@given(st.lists(WORDS, max_size=6).map(b"".join))
def test_a_place_that_is_live_stays_before_all_that_changes(text: bytes) -> None:
    view = WellKnown()

    for cut in range(0, len(text), 1 + len(text) // 50):
        live = view.live(text[:cut])
        before = {each for each in view.matches(text[:cut]) if each[0] < live}
        assert before == {each for each in view.matches(text) if each[0] < live}


def test_known_secrets_and_shapes_are_one_where_they_overlap() -> None:
    token = TOKENS["GitHub p"]
    masks = Masks([Secret("S", token[20:] + b"&more")], others=(WellKnown(),))

    assert masks.data(b"a " + token + b"&more b") == b"a ***** b"


def test_ordinary_output_stays_as_it_is() -> None:
    text = b"".join(ordinary_lines(random.Random(5), 10_000_000))

    assert run(pieces(text, range(0, len(text), 65_536))) == text


def test_the_same_bytes_in_another_object_are_looked_at_anew() -> None:
    view = WellKnown()

    found = [view.matches(bytes(bytearray(TOKENS["npm"]))) for _ in range(2)]

    assert found == [[(0, 40)]] * 2


def test_every_shape_is_bounded() -> None:
    assert max(shape.longest for shape in SHAPES) <= LONGEST
