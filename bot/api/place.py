"""Where a stream of output stands: the id of its events, to go on behind them."""

import codecs
import re
from dataclasses import dataclass
from typing import Final, Self

#: an offset, that a database's integer of 64 bits can be whatever its digits, and in
#: hex the beginning of a character whose rest had not come
PLACE_PATTERN: Final = r"([0-9]{1,18}|[0-8][0-9]{18})(\.([0-9a-f]{2}){1,3})?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place between two pieces of the kept output.

    A piece may end within a character of UTF-8. Its bytes are carried along, in the
    id as well: so text is told in whole characters, and whoever comes back with an
    id misses nothing and is told nothing twice.
    """

    offset: int = 0
    begun: bytes = b""  #: the bytes of a character that is not whole yet

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the place that an id names; None if it is no id."""
        if not re.fullmatch(PLACE_PATTERN, text, re.ASCII):
            return None
        offset, _, begun = text.partition(".")
        return cls(offset=int(offset), begun=bytes.fromhex(begun))

    def __str__(self) -> str:
        begun = f".{self.begun.hex()}" if self.begun else ""
        return f"{self.offset}{begun}"

    def after(self, end: int, data: bytes) -> tuple["Place", str]:
        """Return the place behind a piece that ends at *end*, and its text.

        What can be no character is U+FFFD in the text.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(self.begun + data)
        begun, _ = decoder.getstate()
        return Place(offset=end, begun=begun), text

    def rest(self) -> str:
        """Return the text of a character that never became whole."""
        return self.begun.decode("utf-8", "replace")
