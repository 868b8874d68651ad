"""Values that a command asks to have hidden, in lines `::add-mask::VALUE`."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Final

#: What such a line begins with, in small letters or capitals, as on GitHub.
PREFIX: Final = b"::add-mask::"

#: How many bytes of blanks and colour codes may stand before it.
LONGEST_LEAD: Final = 256

#: What a line has beyond this is swallowed with it, but is no part of the value.
LONGEST_VALUE: Final = 64 * 1024

_BLANK_OR_CODE: Final = rb"(?:[ \t\r]|\x1b(?:\[[0-9:;]{0,24}[mK]|\(B))"
_LEAD: Final = re.compile(rb"%b*+" % _BLANK_OR_CODE)
_LEAD_SO_FAR: Final = re.compile(
    rb"%b*+(?:\x1b(?:\[[0-9:;]{0,24}|\()?\Z)?" % _BLANK_OR_CODE
)
_LAST: Final = re.compile(rb"(?:\n|%b)\Z" % _BLANK_OR_CODE)
_LONGEST_CODE: Final = 28

#: In this order: a percent sign that was escaped begins no escape.
_ESCAPES: Final = ((b"%0D", b"\r"), (b"%0A", b"\n"), (b"%25", b"%"))


@dataclass(frozen=True, slots=True)
class Announced:
    """A value that is to be hidden from here on."""

    value: bytes = field(repr=False)


class Announcements:
    """Takes the lines that announce a value out of a stream, however it is cut.

    What `feed` holds back is exactly what may still become such a line. One that
    names no value is taken out too, and announces nothing.
    """

    def __init__(self) -> None:
        self._held = b""  # the beginning of a line
        self._within_line = False  # the next byte goes on with a line that is shown
        self._taking = False  # the next byte goes on with a line that is taken out
        self._value = bytearray()  # of that line, so far

    def feed(self, data: bytes) -> Iterator[bytes | Announced]:
        """Take more of the stream; give what it shows and announces, in order.

        What is given has to be taken to its end before the next call.
        """
        data = self._held + data
        self._held = b""
        lowered = data.lower()
        at = 0
        while at < len(data):
            if self._taking:
                at = yield from self._taken(data, at)
            else:
                at = yield from self._shown(data, lowered, at)

    def flush(self) -> Iterator[bytes | Announced]:
        """Give what was held back: the stream ends here."""
        if self._held:
            yield self._held
        self._held, self._within_line = b"", False
        yield from self._announced()

    def _shown(
        self, data: bytes, lowered: bytes, at: int
    ) -> Generator[bytes, None, int]:
        """Show what comes before the next value; return where that begins."""
        line, value = self._next_line(data, lowered, at)
        self._taking = value > 0
        self._held = b"" if self._taking else data[line:]
        shown_to_end = not self._taking and not self._held
        self._within_line = shown_to_end and not data.endswith(b"\n")
        if line > at:
            yield data[at:line]
        return value or len(data)

    def _next_line(self, data: bytes, lowered: bytes, at: int) -> tuple[int, int]:
        """Return where a line that announces starts, and where its value does.

        The latter is 0 where only more bytes will tell.
        """
        found = lowered.find(PREFIX, at)
        while found >= 0:
            line = self._start_of_line(data, at, found, LONGEST_LEAD)
            if line is not None and _LEAD.fullmatch(data, line, found):
                return line, found + len(PREFIX)
            found = lowered.find(PREFIX, found + 1)
        longest = LONGEST_LEAD + len(PREFIX)
        last = self._start_of_line(data, at, len(data), longest)
        may_announce = last is not None and _may_announce(data[last:])
        return last if last is not None and may_announce else len(data), 0

    def _start_of_line(
        self, data: bytes, at: int, within: int, longest: int
    ) -> int | None:
        """Return where the line starts that goes on *within*.

        None if that is before *at*, or more than *longest* bytes away.
        """
        newline = data.rfind(b"\n", max(at, within - longest - 1), within)
        if newline >= 0:
            return newline + 1
        return None if self._within_line or within - at > longest else at

    def _taken(self, data: bytes, at: int) -> Generator[Announced, None, int]:
        """Take the rest of a line out; return where the next one starts."""
        newline = data.find(b"\n", at)
        end = newline if newline >= 0 else len(data)
        room = LONGEST_VALUE - len(self._value)
        self._value += data[at : min(end, at + room)]
        if newline < 0:
            return end
        yield from self._announced()
        return newline + 1

    def _announced(self) -> Iterator[Announced]:
        value = _meant(bytes(self._value))
        self._taking = False
        self._value.clear()
        if value:
            yield Announced(value)


def _may_announce(line: bytes) -> bool:
    """Tell whether more bytes may make *line* one that announces."""
    lead = _LEAD_SO_FAR.match(line)
    end = lead.end() if lead else 0
    return end <= LONGEST_LEAD and PREFIX.startswith(line[end:].lower())


def _meant(written: bytes) -> bytes:
    """Return the value without escapes, and without blanks and colours around it."""
    lead = _LEAD.match(written)
    start, end = lead.end() if lead else 0, len(written)
    while last := _LAST.search(written, max(start, end - _LONGEST_CODE), end):
        end = last.start()
    value = written[start:end]
    for escape, meant in _ESCAPES:
        value = value.replace(escape, meant)
    return value.strip()
