"""Undo what a Slack client does to a typed line before an app sees it."""

import re
from typing import Final

#: `<…>` in inbound text is always Slack's own: a typed `<` arrives as `&lt;`
_WRAPPED: Final = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_DASHES: Final = re.compile(r"^[\u2012-\u2015\u2212]")
_TYPOGRAPHIC_QUOTES: Final = frozenset("\u201c\u201d\u201e\u2018\u2019\u201a")
_NO_BREAK_SPACE: Final = "\u00a0"


def as_typed(text: str) -> tuple[str, tuple[str, ...]]:
    """Return what a person typed, and a remark for each thing that was undone.

    Slack escapes `&`, `<` and `>`, and may wrap links, people and channels in
    `<…>` (docs.slack.dev, "Formatting message text" and `should_escape`).
    Escaping is transport and is not worth a remark; a wrapped link is.
    """
    undone: list[str] = []

    def unwrap(match: re.Match[str]) -> str:
        typed = _typed(match[1], match[2])
        if typed is None:
            undone.append(
                f"Slack sent {match[0]} without a name; it runs as it stands."
            )
            return match[0]
        undone.append(f"Slack had wrapped {_unescaped(typed)}; it was put back.")
        return typed

    unwrapped = _WRAPPED.sub(unwrap, text)
    return _unescaped(unwrapped), tuple(undone)


def flag(word: str) -> str:
    """Return *word* with the dashes that a phone makes of `--` put back."""
    return _DASHES.sub("--", word)


def words_apart(text: str) -> str:
    """Return *text* with no-break spaces, which some clients type, as spaces."""
    return text.replace(_NO_BREAK_SPACE, " ")


def oddities(command: str) -> tuple[str, ...]:
    """Name what looks typographic in a command that is run as it stands."""
    remarks = []
    if _TYPOGRAPHIC_QUOTES & set(command):
        remarks.append(
            "The command has typographic quotes (\u201c \u201d \u2018 \u2019). "
            "They run as they stand; a shell does not take them for quotes."
        )
    if any(word != flag(word) for word in command.split()):
        remarks.append(
            "The command has a word that begins with a long dash (\u2014 or "
            "\u2013). It runs as it stands; most tools want --."
        )
    if _NO_BREAK_SPACE in command:
        remarks.append(
            "The command has no-break spaces. They run as they stand; a shell "
            "does not take them for blanks."
        )
    return tuple(remarks)


def _typed(target: str, label: str | None) -> str | None:
    match target[:1]:
        case "@" | "#":
            return f"{target[0]}{label}" if label else None
        case "!":
            return label or f"@{target[1:].partition('^')[0]}"
        case _:
            return label or target


def _unescaped(text: str) -> str:
    # Exactly Slack's three, in the order that keeps `&amp;lt;` as `&lt;`.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
