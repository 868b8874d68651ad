"""Count the places of a text that were replaced."""

from runner.masking.masker import REPLACEMENT


def places(before: str | bytes, after: str | bytes) -> int:
    """Return how many places of *before* were replaced to make *after* of it."""
    if before == after:
        return 0
    # One that has swallowed a replacement of before does not add one.
    return max(1, _replacements(after) - _replacements(before))


def _replacements(text: str | bytes) -> int:
    data = text.encode(errors="replace") if isinstance(text, str) else text
    return data.count(REPLACEMENT)
