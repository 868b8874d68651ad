"""Count the places of a text that were replaced."""

from collections.abc import Sequence

from runner.masking.masker import REPLACEMENT


def places(before: str, after: str) -> int:
    """Return how many places of *before* were replaced to make *after* of it."""
    return 0 if before == after else in_all([gained(before.encode(), after.encode())])


def gained(before: bytes, after: bytes) -> int:
    """Return how many replacements a part of a text has more than before."""
    return after.count(REPLACEMENT) - before.count(REPLACEMENT)


def in_all(gains: Sequence[int]) -> int:
    """Return how many places were replaced in a text, of whose parts some changed.

    A place that goes over several parts is one.
    """
    # One that has swallowed a replacement of before does not add one.
    return max(1, sum(gains)) if gains else 0
