"""What masking must give, found without any of its fast ways."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from runner.masking.shapes import WellKnown

Range = tuple[int, int]

_LONGEST_GAP = 64
_LONGEST_LEAD = 256
_WRAP = 40
_BLANK = re.compile(rb"[ \t\r\n]")
_CODE = re.compile(
    rb"\x1b(?:\[[0-9:;]{0,24}[mK]|\(B)|\r"
    rb"|\xe2(?:\x80[\x8b-\x8f]|\x81\xa0)|\xef\xbb\xbf|\xc2\xad"
)
_ANNOUNCING = re.compile(
    rb"^((?:[ \t\r]|\x1b(?:\[[0-9:;]{0,24}[mK]|\(B))*+)"
    rb"(?i:::add-mask::)[^\n]*(?:\n|\Z)",
    re.MULTILINE,
)


def without_announcements(text: bytes) -> bytes:
    """Return *text* without the lines that announce a value."""
    return _ANNOUNCING.sub(
        lambda line: line[0] if len(line[1]) > _LONGEST_LEAD else b"", text
    )


def masked(text: bytes, plain: Iterable[bytes], wrapped: Iterable[bytes]) -> bytes:
    """Return *text* with what is hidden as one replacement where it overlaps."""
    hidden = {
        *_verbatim(text, plain),
        *_interrupted(text, plain),
        *_wrapped(text, wrapped),
        *WellKnown().matches(text),
    }
    shown, at = bytearray(), 0
    for start, end in sorted(hidden):
        if start >= at:
            shown += text[at:start] + b"*****"
        at = max(at, end)
    return bytes(shown + text[at:])


def _places(pattern: bytes, text: bytes) -> Iterator[int]:
    at = text.find(pattern)
    while at >= 0:
        yield at
        at = text.find(pattern, at + 1)


def _verbatim(text: bytes, plain: Iterable[bytes]) -> Iterator[Range]:
    for pattern in plain:
        for start in _places(pattern, text):
            yield start, start + len(pattern)


def _interrupted(text: bytes, plain: Iterable[bytes]) -> Iterator[Range]:
    """Give where codes stand within one of *plain*."""
    for at in _spread(text, _CODE, plain):
        gaps = [after - before - 1 for before, after in pairwise(at)]
        if 0 < max(gaps) <= _LONGEST_GAP:
            yield at[0], at[-1] + 1


def _wrapped(text: bytes, patterns: Iterable[bytes]) -> Iterator[Range]:
    """Give where one of *patterns* stands, wrapped or not."""
    for at in _spread(text, _BLANK, patterns):
        if all(_is_wrap(text, *ends) for ends in pairwise(at)):
            yield at[0], at[-1] + 1


def _is_wrap(text: bytes, before: int, after: int) -> bool:
    """Tell whether text may be wrapped between two of its letters."""
    if after - before == 1:
        return True
    last = text[max(0, before + 1 - _WRAP) : before + 1]
    is_long = len(last) == _WRAP and not _BLANK.search(last)
    return is_long and after - before - 1 <= _WRAP


def _spread(
    text: bytes, between: re.Pattern[bytes], patterns: Iterable[bytes]
) -> Iterator[list[int]]:
    """Give where the letters stand of each of *patterns*, with something between."""
    skipped = {at for found in between.finditer(text) for at in range(*found.span())}
    origins = [at for at in range(len(text)) if at not in skipped]
    letters = bytes(text[at] for at in origins)
    for pattern in patterns:
        for start in _places(pattern, letters):
            yield origins[start : start + len(pattern)]
