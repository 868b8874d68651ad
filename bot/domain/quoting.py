"""Find a quote that a shell command opens and never closes."""

from typing import Final

#: where these occur, quotes nest or have other rules, and only a shell can tell
_BEYOND: Final = ("<<", "$(", "`", "${", "$'", "case ")


def unclosed_quote(command: str) -> str:
    """Return the quote that is left open, or "" if there surely is none.

    Says nothing about a command with substitutions or here-documents: better a
    shell's own syntax error than a refusal of a sound command.
    """
    if any(sign in command for sign in _BEYOND):
        return ""
    open_quote, at = "", 0
    while at < len(command):
        open_quote, at = _step(command, at, open_quote)
    return open_quote


def _step(command: str, at: int, open_quote: str) -> tuple[str, int]:
    sign = command[at]
    if open_quote == "'":
        return ("" if sign == "'" else "'"), at + 1
    if sign == "\\":
        return open_quote, _after_escape(command, at)
    if open_quote:
        return ("" if sign == '"' else '"'), at + 1
    if sign == "#" and (at == 0 or command[at - 1] in " \t\n;&|("):
        return "", _end_of_line(command, at)
    return (sign if sign in "'\"" else ""), at + 1


def _after_escape(command: str, at: int) -> int:
    # An escaped blank is part of a word, so a "#" behind it begins no comment.
    escaped, behind = command[at + 1 : at + 2], command[at + 2 : at + 3]
    return at + 3 if behind == "#" and escaped != "\n" else at + 2


def _end_of_line(command: str, at: int) -> int:
    end = command.find("\n", at)
    return len(command) if end < 0 else end
