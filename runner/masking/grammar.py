"""Shapes of text, told from their beginnings where the text ends too soon."""

import re
from functools import cached_property
from typing import Final, NamedTuple


class Piece(NamedTuple):
    """A part of a shape, as regular expressions.

    *begun* matches what *whole* does, and where the text ends also as much of it as
    is there.
    """

    whole: bytes
    begun: bytes


def text(*wordings: bytes) -> Piece:
    """Match the first of *wordings* that is there."""
    whole = b"|".join(map(re.escape, wordings))
    begun = b"|".join(b"".join(map(_letter, wording)) for wording in wordings)
    return Piece(b"(?:%b)" % whole, b"(?:%b)" % begun)


def _letter(code: int) -> bytes:
    return rb"(?:%b|\Z)" % re.escape(bytes([code]))


def some(kind: bytes, least: int, most: int | None = None) -> Piece:
    """Match as many bytes of *kind* as there are, *least* at least."""
    return _repeated(kind, least, most, b"+")


def up_to_last(kind: bytes, least: int, most: int | None = None) -> Piece:
    """Match as many bytes of *kind* as leave what is to come some of them."""
    return _repeated(kind, least, most, b"")


def up_to_first(kind: bytes, most: int) -> Piece:
    """Match as few bytes of *kind* as what is to come needs."""
    return _repeated(kind, 0, most, b"?")


def _repeated(kind: bytes, least: int, most: int | None, how: bytes) -> Piece:
    limit = b"" if most is None else b"%d" % most
    whole = b"%b{%d,%b}%b" % (kind, least, limit, how)
    return Piece(whole, rb"(?:%b|%b{0,%b}+\Z)" % (whole, kind, limit))


def maybe(*pieces: Piece) -> Piece:
    """Match *pieces* if they are there."""
    inner = joined(*pieces)
    return Piece(b"(?:%b)?" % inner.whole, b"(?:%b)?" % inner.begun)


def either(*ways: Piece) -> Piece:
    """Match the first of *ways* that lets what is to come match."""
    whole = b"|".join(way.whole for way in ways)
    begun = b"|".join(way.begun for way in ways)
    return Piece(b"(?:%b)" % whole, b"(?:%b)" % begun)


def many(*pieces: Piece, least: int, most: int) -> Piece:
    """Match *pieces* again and again; none of them is matched in another way."""
    inner = joined(*pieces)
    whole = b"(?>%b){%d,%d}+" % (inner.whole, least, most)
    enough = b"(?>%b){%d,%d}+" % (inner.begun, least, most)
    return Piece(whole, rb"(?:%b|(?>%b){0,%d}+\Z)" % (enough, inner.begun, most))


def joined(*pieces: Piece) -> Piece:
    """Match *pieces* one behind the other."""
    return Piece(
        b"".join(piece.whole for piece in pieces),
        b"".join(piece.begun for piece in pieces),
    )


def behind(*kinds: bytes) -> Piece:
    """Match nothing, where one of *kinds* comes before."""
    looks = b"|".join(b"(?<=%b)" % kind for kind in kinds)
    return Piece(b"(?:%b)" % looks, b"(?:%b)" % looks)


def not_behind(kind: bytes) -> Piece:
    """Match nothing, where no *kind* comes before."""
    return Piece(b"(?<!%b)" % kind, b"(?<!%b)" % kind)


def ahead(*pieces: Piece) -> Piece:
    """Match nothing, where *pieces* follow."""
    inner = joined(*pieces)
    return Piece(b"(?=%b)" % inner.whole, b"(?=%b)" % inner.begun)


def unless(kind: bytes) -> Piece:
    """Match nothing, where no byte of *kind* follows."""
    return Piece(b"(?!%b)" % kind, b"(?!%b)" % kind)


def unless_text(wording: bytes) -> Piece:
    """Match nothing, where *wording* does not follow."""
    whole = b"(?!%b)" % re.escape(wording)
    return Piece(whole, rb"%b(?:%b\Z)?" % (whole, text(wording).begun))


#: Matches nothing, at the end of the text.
END: Final = Piece(rb"\Z", rb"\Z")


_BEHIND_CODE: Final = behind(
    rb"\\[nrt]", rb"%[0-9A-Fa-f]{2}", rb"\\u00[0-9A-Fa-f]{2}", rb"[0-9;\[]m"
)

#: Matches nothing, where a word begins: also behind an escape or a colour code.
AT_WORD: Final = either(not_behind(rb"[0-9A-Za-z]"), _BEHIND_CODE)

#: Matches nothing, where a long token begins: of a text that is full of beginnings
#: only the first is one, for it takes long to look for the end of each.
AT_TOKEN: Final = either(not_behind(rb"[0-9A-Za-z_+-]"), _BEHIND_CODE)


def hidden(*pieces: Piece) -> Piece:
    """Match *pieces*: they are what is to be hidden. A way has this once."""
    inner = joined(*pieces)
    return Piece(b"(%b)" % inner.whole, inner.begun)


class Shape:
    """What may be anywhere in a text, and which part of it is to be hidden.

    It begins with one of *anchors*. Nothing beyond *longest* bytes belongs to it.
    """

    def __init__(
        self, *pieces: Piece, anchors: tuple[bytes, ...], longest: int
    ) -> None:
        self.anchors = anchors
        self.longest = longest
        self._piece = joined(*pieces)

    @cached_property
    def _whole(self) -> re.Pattern[bytes]:
        return re.compile(self._piece.whole)

    @cached_property
    def _begun(self) -> re.Pattern[bytes]:
        return re.compile(self._piece.begun + rb"\Z")

    def found(self, data: bytes, start: int) -> tuple[int, int] | None:
        """Return what is to be hidden of the one that starts there, if one does."""
        found = self._whole.match(data, start, start + self.longest)
        return found.span(found.lastindex or 0) if found else None

    def is_begun(self, data: bytes, start: int) -> bool:
        """Tell whether more bytes may complete or change one that starts there."""
        if len(data) - start >= self.longest:
            return False
        return bool(self._begun.match(data, start))
