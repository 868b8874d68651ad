"""Patterns that people write, matched by RE2: in time linear in the text."""

from functools import lru_cache
from typing import Protocol

import re2


class _Compiled(Protocol):
    def fullmatch(self, text: str) -> object | None:
        """Return a match, None if there is none."""


def fault(pattern: str) -> str:
    """Return what RE2 has against *pattern*; empty: nothing."""
    try:
        _compiled(pattern)
    except UnicodeEncodeError:
        return "half of a character"
    except re2.error as error:
        return _words(error)
    return ""


def matches_whole(pattern: str, text: str) -> bool:
    """Tell whether *pattern* matches all of *text*; a faulty one matches nothing."""
    try:
        return _compiled(pattern).fullmatch(text) is not None
    except (UnicodeEncodeError, re2.error):
        return False


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> _Compiled:
    options = re2.Options()
    options.log_errors = False  # on the bot's own stderr
    compiled: _Compiled = re2.compile(pattern, options)
    return compiled


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
