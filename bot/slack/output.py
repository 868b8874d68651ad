"""Make output of any bytes readable, and short without losing what matters."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from runner.masking.interrupted import GAP, uninterrupted

#: characters of output that are shown whole; more becomes a file and an excerpt
WHOLE: Final = 3_500
#: bytes to keep of each end, enough for any excerpt
_KEPT: Final = 16_384
_HEAD_LINES: Final = 12
_TAIL_LINES: Final = 25
_ERROR_LINES: Final = 8
_LINE_LENGTH: Final = 300
#: bytes at the beginning of a line in which an error is looked for
_SEARCHED: Final = 4_096

#: carriage returns and escape sequences (ECMA-48), as many as stand together
_CODES: Final = re.compile(
    rb"(?:\r|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\(B|[@-Z\\-_]))+"
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: what stands for all that is left out and that masking does not look behind:
#: without it the halves of a secret could come together
_GONE: Final = "\N{REPLACEMENT CHARACTER}"
#: a colour code ends in a letter, so it is no border of a word by itself
_ERROR: Final = re.compile(
    rb"(?:\b|\x1b\[[0-9;]*m)(?:error|fatal|panic|denied|failed)\b", re.IGNORECASE
)


def readable(data: bytes) -> str:
    """Return output as text, without colours, controls and overwritten lines."""
    text = _CODES.sub(_without_codes, data).decode(errors="replace")
    lines = _CONTROLS.sub(_GONE, text.replace("\r\n", "\n")).split("\n")
    return "\n".join(map(_without_overwritten, lines)).rstrip("\n")


def last_lines(data: bytes, *, lines: int, length: int) -> str:
    """Return the last *lines* lines of output in at most *length* characters."""
    kept = "\n".join(_short(line) for line in readable(data).split("\n")[-lines:])
    return kept[-length:]


@dataclass(slots=True)
class Excerpt:
    """Head, error lines and tail of output of any length, fed piece by piece.

    Keeps some kilobytes, whatever passes through it, and the same ones however
    the output was cut into pieces.
    """

    head: bytes = b""
    tail: bytes = b""
    size: int = 0
    lines: int = 0
    errors: tuple[bytes, ...] = ()
    _unfinished: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take the next piece of the output."""
        if len(self.head) < _KEPT:
            self.head += data[: _KEPT - len(self.head)]
        if len(self.errors) < _ERROR_LINES:
            self._look_for_errors(data)
        self.tail = (self.tail + data)[-_KEPT:]
        self.size += len(data)
        self.lines += data.count(b"\n")

    @property
    def is_whole(self) -> bool:
        """Tell whether the output is short enough to be shown as it is."""
        return self.size <= _KEPT and len(readable(self.head)) <= WHOLE

    def text(self) -> str:
        """Return the output if it is short, else its head, error lines and tail."""
        if self.is_whole:
            return readable(self.head)
        head, tail, left_out = self._ends()
        errors = _fitting(map(readable, self.errors), WHOLE // 4)
        unseen = [line for line in errors if line not in {*head, *tail}]
        middle = []
        if left_out:
            middle.append(f"… {left_out:,} lines are left out here …")
        elif unseen or self.size > 2 * _KEPT:
            middle.append("…")  # what is on either side does not belong together
        if unseen:
            middle += [*unseen, "… and here …"]
        return "\n".join((*head, *middle, *tail))

    def _look_for_errors(self, data: bytes) -> None:
        # A line may come in pieces: it is looked at once its end is known.
        *complete, rest = (self._unfinished + data).split(b"\n")
        self._unfinished = rest[:_SEARCHED]
        lines = (line[:_SEARCHED] for line in complete)
        found = (line for line in lines if _ERROR.search(line))
        self.errors = tuple(dict.fromkeys((*self.errors, *found)))[:_ERROR_LINES]

    def _ends(self) -> tuple[list[str], list[str], int]:
        """Return the first and last lines, none in both, and how many are between."""
        if self.size <= 2 * _KEPT:
            all_of_it = self.head + self.tail[2 * _KEPT - self.size :]
            lines = readable(all_of_it).split("\n")
            head = _first(lines)
            tail = _last(lines[len(head) :])
            return head, tail, len(lines) - len(head) - len(tail)
        head = _first(readable(self.head).split("\n"))
        tail = _last(readable(self.tail).split("\n"))
        lines_in_all = self.lines + (not self.tail.endswith(b"\n"))
        return head, tail, max(lines_in_all - len(head) - len(tail), 0)


def _without_codes(codes: re.Match[bytes]) -> bytes:
    returns = b"\r" * codes[0].count(b"\r")
    if uninterrupted(codes[0]) or len(codes[0]) > GAP:
        return _GONE.encode() + returns
    return returns


def _without_overwritten(line: str) -> str:
    overwritten, _, shown = line.rstrip("\r").rpartition("\r")
    return f"{_GONE}{shown}" if _GONE in overwritten else shown


# Each part has its share, so that long lines in one never push out another.
def _first(lines: list[str]) -> list[str]:
    return _fitting(lines[:_HEAD_LINES], WHOLE // 4)


def _last(lines: list[str]) -> list[str]:
    return _fitting(reversed(lines[-_TAIL_LINES:]), WHOLE // 2)[::-1]


def _fitting(lines: Iterable[str], length: int) -> list[str]:
    kept = []
    for line in map(_short, lines):
        length -= len(line) + 1
        if length < 0:
            break
        kept.append(line)
    return kept


def _short(line: str) -> str:
    if len(line) <= _LINE_LENGTH:
        return line
    half = _LINE_LENGTH // 2
    return f"{line[:half]} … {line[-half:]}"
