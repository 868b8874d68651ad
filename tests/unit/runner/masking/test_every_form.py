"""Every form of a secret, in every place and however it is cut."""

import html
import json
import shlex
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest

from runner.masking.masker import PIECE, Masks
from runner.masking.secrets import Secret
from runner.masking.shapes import WellKnown
from tests.unit.runner.masking.reference import pieces

VALUES = {
    "a word": "hunter22-of-Ann",
    "a value that overlaps itself": "abcabcabcabc",
    "special characters": 'it\'s "a" & <b> \\ $x ${y} é/ü=+%~ #',
    "lines": 'first "line" of it\nsecond <line> of it\nthe third & last',
    "a leaf": "s3cret/leaf of a 'document'",
}


def by_column(columns: int, end: str) -> Callable[[bytes], str]:
    def wrapped(text: bytes) -> str:
        letters = text.decode()
        starts = range(0, len(letters), columns)
        return end.join(letters[at : at + columns] for at in starts)

    return wrapped


def base64_at(before: bytes, after: bytes, encode: Callable[[bytes], bytes]) -> "Way":
    return lambda value: encode(before + value.encode() + after).decode()


Way = Callable[[str], str]

#: How a value is written as a whole, so that nothing of it is left to see.
WHOLE: dict[str, Way] = {
    "raw": str,
    "JSON": lambda value: json.dumps(value)[1:-1],
    "JSON of jq": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "JSON of Go": lambda value: (
        json.dumps(value, ensure_ascii=False)[1:-1]
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    ),
    "JSON in JSON": lambda value: json.dumps(json.dumps(value, ensure_ascii=False))[
        3:-3
    ],
    "shell": lambda value: shlex.quote(f"; {value} ;")[3:-3],
    "URL path": quote,
    "URL path, all": lambda value: quote(value, safe=""),
    "URL query": quote_plus,
    "URL in small letters": lambda value: _small_digits(quote(value, safe="")),
    "XML": escape,
    "XML attribute": lambda value: quoteattr(value + '"' + "'")[1:-8],
    "HTML": html.escape,
    "Python": lambda value: repr(value + "'" + '"')[1:-4],
    "Python ASCII": lambda value: ascii(value + "'" + '"')[1:-4],
    "Python bytes": lambda value: repr((value + "'" + '"').encode())[2:-4],
    "hex": lambda value: value.encode().hex(),
    "hex in capitals": lambda value: value.encode().hex().upper(),
    "hex in lines": lambda value: by_column(60, "\n")(value.encode().hex().encode()),
    "percent": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "percent, capitals": lambda value: "".join(f"%{b:02X}" for b in value.encode()),
    "base64": base64_at(b"", b"", b64encode),
    "base64 of a line": base64_at(b"", b"\n", b64encode),
}
#: Those that white space may wrap. Codes may not interrupt them.
WRAPPED = frozenset(
    way for way in WHOLE if way.startswith(("hex", "percent", "base64"))
)

#: How it is encoded among neighbours, which share a letter or two with it.
SHARED: dict[str, Way] = {
    f"base64 {name} behind {before!r} before {after!r}": base64_at(
        before, after, encode
    )
    for name, encode in {
        "standard": b64encode,
        "of URLs": urlsafe_b64encode,
        "at 76": encodebytes,
        "at 64": lambda text: by_column(64, "\n")(b64encode(text)).encode(),
        "at 64 of Windows": lambda text: by_column(64, "\r\n")(
            b64encode(text)
        ).encode(),
    }.items()
    for before in (b"", b"u", b"u:", b"u" * 47)
    for after in (b"", b"; ")
}


def _small_digits(url: str) -> str:
    parts = url.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


@cache
def masks_of(kind: str) -> Masks:
    value = VALUES[kind]
    if kind == "a leaf":
        value = json.dumps({"user": "ann of net", "token": value})
    return Masks([Secret("S", value.encode())], others=(WellKnown(),))


def run(masks: Masks, writes: list[bytes]) -> bytes:
    stream = masks.stream()
    return b"".join(map(stream.feed, writes)) + stream.flush()


def places(written: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give what stands before a form and behind it."""
    yield b"", b""
    yield b'key = "', b'"\n'
    yield b"key: ", b"\r\nnext: "
    yield b"\r\n+ ", b" <- \r\n"
    yield b"\x1b[1;31m", b"\x1b[0m\x1b[K\n"
    yield b"\xe2\x80\x8b(", b")\xef\xbb\xbf"
    yield b"\x00\xff ", b" \xfe"


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("way", WHOLE)
def test_a_form_is_one_replacement_in_every_place_at_every_cut(
    way: str, kind: str
) -> None:
    masks = masks_of(kind)
    written = WHOLE[way](VALUES[kind]).encode()

    for before, behind in places(written):
        text = before + written + behind
        expected = before + b"*****" + behind
        assert run(masks, [text]) == expected
        assert run(masks, [text[at : at + 1] for at in range(len(text))]) == expected
    for cut in range(len(text) + 1):
        assert run(masks, pieces(text, [cut])) == expected


@pytest.mark.parametrize("kind", ["a word", "special characters", "lines"])
@pytest.mark.parametrize("way", SHARED)
def test_of_base64_only_what_neighbours_share_is_left_at_every_cut(
    way: str, kind: str
) -> None:
    masks = masks_of(kind)
    text = b"key: " + SHARED[way](VALUES[kind]).encode() + b"\n"
    neighbours = "".join(SHARED[way]("").split())

    expected = run(masks, [text])

    assert expected.count(b"*****") == 1
    assert len(b"".join(expected.split())) <= len("key:*****" + neighbours) + 4
    assert run(masks, [text[at : at + 1] for at in range(len(text))]) == expected
    for cut in range(len(text) + 1):
        assert run(masks, pieces(text, [cut])) == expected


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("way", WHOLE)
def test_a_form_is_hidden_at_the_end_of_each_piece_of_a_long_line(
    way: str, kind: str
) -> None:
    masks = masks_of(kind)
    written = b" " + WHOLE[way](VALUES[kind]).encode() + b" "

    for inside in (0, 1, len(written) // 2, len(written) - 1, len(written)):
        before, behind = b"." * (PIECE - inside), b"." * PIECE + b"\n"
        text = before + written + behind
        for writes in ([text], pieces(text, [PIECE, 2 * PIECE]), pieces(text, [4096])):
            assert run(masks, writes) == before + b" ***** " + behind


CODES = (b"\x1b[1;31m", b"\x1b[0m\x1b[K", b"\r", "\u200b".encode(), "\ufeff".encode())


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("way", [way for way in WHOLE if way not in WRAPPED])
def test_a_code_anywhere_in_a_form_does_not_show_it(way: str, kind: str) -> None:
    masks = masks_of(kind)
    written = WHOLE[way](VALUES[kind]).encode()

    for at in range(1, len(written)):
        if written[at] & 0xC0 == 0x80:
            continue  # within a character nothing is put
        code = CODES[at % len(CODES)]
        text = b"key: " + written[:at] + code + written[at:] + b" ok\n"
        assert run(masks, [text]) == b"key: ***** ok\n"
        assert run(masks, pieces(text, [5 + at, 6 + at])) == b"key: ***** ok\n"
