"""What masking must give, computed the slow and obvious way."""

from collections.abc import Collection, Iterable
from itertools import pairwise

BLANKS = b" \t\r\n"
CODES = (b"\x1b[0m", b"\x1b[1;31m", b"\x1b[K", b"\r", "\u200b".encode())


def masked(
    text: bytes, plain: Collection[bytes], wrapped: Collection[bytes] = ()
) -> bytes:
    """Return *text* with each run of overlapping matches as one replacement."""
    shown = bytearray()
    at = 0
    for start, end in sorted(_matches(text, plain, wrapped)):
        if start >= at:
            shown += text[at:start] + b"*****"
        at = max(at, end)
    return bytes(shown + text[at:])


def pieces(text: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Return *text* cut at each of *cuts*."""
    at = [0, *sorted(cuts), len(text)]
    return [text[start:end] for start, end in pairwise(at)]


def _matches(
    text: bytes, plain: Collection[bytes], wrapped: Collection[bytes]
) -> set[tuple[int, int]]:
    starts = range(len(text))
    found = {
        (start, start + len(pattern))
        for pattern in plain
        for start in starts
        if text.startswith(pattern, start)
    }
    for pattern in wrapped:
        ends = ((start, _end_of_wrapped(text, start, pattern)) for start in starts)
        found |= {(start, end) for start, end in ends if end}
    return found


def masked_between_codes(text: bytes, plain: Collection[bytes]) -> bytes:
    """Return *text* masked, also where CODES of at most 64 bytes interrupt *plain*."""
    shown = bytearray()
    at = 0
    between = {match for each in plain for match in _interrupted(text, each)}
    for start, end in sorted(between | _matches(text, plain, ())):
        if start >= at:
            shown += text[at:start] + b"*****"
        at = max(at, end)
    return bytes(shown + text[at:])


def _interrupted(text: bytes, pattern: bytes) -> Iterable[tuple[int, int]]:
    start = 0
    while start < len(text):
        code = _codes_at(text, start)
        end = 0 if code else _end_between_codes(text, start, pattern)
        if end:
            yield start, end
        start += code or 1


def _end_between_codes(text: bytes, start: int, pattern: bytes) -> int:
    at = start
    for nth, letter in enumerate(pattern):
        codes = _codes_at(text, at) if nth else 0
        at += codes
        if codes > 64 or text[at : at + 1] != bytes([letter]):
            return 0
        at += 1
    return at


def _codes_at(text: bytes, start: int) -> int:
    at = start
    while code := next((code for code in CODES if text.startswith(code, at)), b""):
        at += len(code)
    return at - start


def live(text: bytes, wrapped: Collection[bytes]) -> int:
    """Return the first start of what more text may make one of *wrapped*."""
    starts = (
        start
        for start in range(len(text))
        if any(_walk(text, start, pattern) == -1 for pattern in wrapped)
    )
    return next(starts, len(text))


def _end_of_wrapped(text: bytes, start: int, pattern: bytes) -> int:
    """Return where *pattern* ends that starts at *start*, or 0."""
    return max(0, _walk(text, start, pattern))


def _walk(text: bytes, start: int, pattern: bytes) -> int:
    """Return where *pattern* ends, 0 if it is not there, -1 if the text ends first."""
    at = start
    for nth, letter in enumerate(pattern):
        at = _after_wrap(text, at) if nth else at
        if at == len(text):
            return -1
        if text[at] != letter:
            return 0
        at += 1
    return at


def _after_wrap(text: bytes, at: int) -> int:
    """Return where the text goes on behind at most 40 blanks after 40 other bytes."""
    before = text[max(0, at - 40) : at]
    if len(before) < 40 or any(byte in BLANKS for byte in before):
        return at
    blanks = len(text) - at - len(text[at:].lstrip(BLANKS))
    return at + blanks if blanks <= 40 else at
