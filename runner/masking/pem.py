"""The shapes of private keys: PEM blocks, and base64 of them."""

from base64 import b64encode
from typing import Final

from runner.masking.grammar import (
    AT_TOKEN,
    END,
    Piece,
    Shape,
    ahead,
    either,
    hidden,
    joined,
    many,
    maybe,
    some,
    text,
    unless,
    up_to_first,
)

#: What belongs to a key at most: one of 16384 bits has 13 kB.
LONGEST: Final = 16 * 1024

_KINDS: Final = (
    *(b"", b"RSA ", b"EC ", b"DSA ", b"OPENSSH ", b"ENCRYPTED ", b"ANY ", b"PGP "),
    *(b"RSA ENCRYPTED ", b"SSH2 ENCRYPTED "),
)

_BASE64: Final = rb"[0-9A-Za-z+/=]"
_BLANK: Final = rb"[ \t]"

#: A line end that was escaped, in JSON or in JSON in JSON.
_ESCAPED: Final = joined(
    maybe(some(rb"\\", 1, 4), text(b"r")), some(rb"\\", 1, 4), text(b"n")
)
#: A line end, with what a tool may put before the next line: blanks, the sign of a
#: difference, the name of a container, a number. Another key is none of these.
_NEXT_LINE: Final = joined(
    some(rb"\r", 0, 1), text(b"\n"), up_to_first(rb"(?:(?!-----BEGIN)[^\r\n])", 100)
)
_BREAK: Final = either(
    joined(_ESCAPED, some(_BLANK, 0, 40)), some(_BLANK, 1, 4), _NEXT_LINE
)
_EMPTY_LINE: Final = either(
    joined(_ESCAPED, ahead(some(rb"\\", 1, 1))),
    joined(
        some(rb"\r", 0, 1),
        text(b"\n"),
        some(rb"[ \t+~|>-]", 0, 40),
        ahead(some(rb"[\r\n]", 1, 1)),
    ),
)

#: What a tool may put behind a line: quotes, signs that it goes on.
_BEHIND_LINE: Final = maybe(
    maybe(_ESCAPED), some(rb"[ \t\"',;$\\+|]", 1, 8), ahead(some(rb"[\r\n]", 1, 1))
)
_HEADER: Final = joined(
    _BREAK, some(rb"[A-Z]", 1, 1), some(rb"[A-Za-z-]", 3, 20), some(rb":", 1, 1)
)
_LINE: Final = joined(
    maybe(_EMPTY_LINE),
    _BREAK,
    # No path, as it stands in a message or in an address.
    ahead(
        either(
            joined(some(rb"[0-9a-z+/=]", 0, 40), some(rb"[A-Z]", 1, 1)),
            some(rb"[0-9A-Za-z+=]", 30),
        )
    ),
    some(_BASE64, 30),
    unless(rb"[\]\[(){}:.?&%_@]"),
    _BEHIND_LINE,
)
_LAST_LINE: Final = joined(_BREAK, some(_BASE64, 1, 29))


def _armour(edge: bytes) -> Piece:
    lines = (b"-----%b %bPRIVATE KEY" % (edge, kind) for kind in _KINDS)
    return joined(text(*lines), maybe(text(b" BLOCK")), text(b"-----"))


#: A key whose end is missing is one too.
_PEM: Final = Shape(
    hidden(
        _armour(b"BEGIN"),
        _BEHIND_LINE,
        many(_HEADER, some(rb"[^\r\n\\]", 0, 100), least=0, most=5),
        many(_LINE, least=1, most=500),
        maybe(
            either(
                joined(maybe(_LAST_LINE, _BEHIND_LINE), maybe(_BREAK), _armour(b"END")),
                joined(_LAST_LINE, END),
            ),
        ),
    ),
    anchors=(b"-----BEGIN ",),
    longest=LONGEST,
)


def _encoded(line: bytes) -> bytes:
    """Return base64 of what begins with *line*, as far as that decides it."""
    return b64encode(line)[: len(line) * 8 // 6]


_BEGINNINGS: Final = tuple(_encoded(b"-----BEGIN %bPRIVATE KEY" % k) for k in _KINDS)

#: As Kubernetes keeps them, in one line or in several.
_ENCODED_PEM: Final = Shape(
    AT_TOKEN,
    hidden(
        text(*_BEGINNINGS),
        some(_BASE64, 16),
        many(
            some(rb"\r", 0, 1),
            text(b"\n"),
            some(_BLANK, 0, 40),
            some(_BASE64, 60),
            least=0,
            most=400,
        ),
    ),
    anchors=(_encoded(b"-----BEGIN"),),
    longest=LONGEST,
)

#: Every shape of a private key.
PRIVATE_KEYS: Final = (_PEM, _ENCODED_PEM)
