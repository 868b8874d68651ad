"""Make output of any bytes readable, and short without losing what matters."""

import re
from dataclasses import dataclass
from typing import Final

#: characters of output that are shown whole; more becomes a file and an excerpt
WHOLE: Final = 3_500
#: bytes to keep of each end, enough for any excerpt
_KEPT: Final = 16_384
_HEAD_LINES: Final = 12
_TAIL_LINES: Final = 25
_ERROR_LINES: Final = 8
_LINE_LENGTH: Final = 300

_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ERROR: Final = re.compile(
    rb"^.*\b(?:error|fatal|panic|denied|failed)\b.*$", re.IGNORECASE | re.MULTILINE
)


def readable(data: bytes) -> str:
    """Return output as text, without colours, controls and overwritten lines."""
    text = _ESCAPES.sub("", data.decode(errors="replace")).replace("\r\n", "\n")
    lines = (line.rsplit("\r", 1)[-1] for line in text.split("\n"))
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", "\n".join(lines)).rstrip("\n")


def last_lines(data: bytes, *, lines: int, length: int) -> str:
    """Return the last *lines* lines of output in at most *length* characters."""
    kept = "\n".join(_short(line) for line in readable(data).split("\n")[-lines:])
    return kept[-length:]


@dataclass(slots=True)
class Excerpt:
    """Head, error lines and tail of output of any length, fed piece by piece.

    Keeps some kilobytes, whatever passes through it.
    """

    head: bytes = b""
    tail: bytes = b""
    size: int = 0
    lines: int = 0
    errors: tuple[bytes, ...] = ()

    def feed(self, data: bytes) -> None:
        """Take the next piece of the output."""
        if len(self.head) < _KEPT:
            self.head += data[: _KEPT - len(self.head)]
        if len(self.errors) < _ERROR_LINES:
            found = (match[0][:_LINE_LENGTH] for match in _ERROR.finditer(data))
            self.errors = tuple(dict.fromkeys((*self.errors, *found)))[:_ERROR_LINES]
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
        head = readable(self.head).split("\n")[:_HEAD_LINES]
        tail = readable(self.tail).split("\n")[-_TAIL_LINES:]
        shown = {*head, *tail}
        errors = [line for line in map(readable, self.errors) if line not in shown]
        left_out = max(self.lines + 1 - len(head) - len(tail), 0)
        middle = [f"… {left_out:,} lines are left out here …"]
        if errors:
            middle = [*middle, *errors, "… and here …"]
        return _joined(head, middle, tail)


def _joined(head: list[str], middle: list[str], tail: list[str]) -> str:
    # Each part has its share, so that long lines in one never push out another.
    return "\n".join(
        (
            _fitting(head, WHOLE // 4),
            _fitting(middle, WHOLE // 4),
            _fitting(tail, WHOLE // 2, from_end=True),
        )
    )


def _fitting(lines: list[str], length: int, *, from_end: bool = False) -> str:
    text = "\n".join(_short(line) for line in lines)
    return text[-length:] if from_end else text[:length]


def _short(line: str) -> str:
    if len(line) <= _LINE_LENGTH:
        return line
    half = _LINE_LENGTH // 2
    return f"{line[:half]} … {line[-half:]}"
