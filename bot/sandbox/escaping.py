"""How Slack rewrites what a person types before anybody else sees it."""

import re
from collections.abc import Mapping

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_URL = re.compile(r"\bhttps?://[^\s<>|]+[^\s<>|.,;:!?)\"']")
# Slack links bare names under real top-level domains; a few stand for all.
_DOMAIN = re.compile(
    r"(?<![\w@./<|-])((?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|sh))(?![\w.-])",
    re.IGNORECASE,
)
_STRAY_AMPERSAND = re.compile("&(?!(?:amp|lt|gt);)")
_CONTROL = re.compile(r"(<(?:[@#!]|https?://|mailto:|tel:)[^<>]+>)")
_MENTION = re.compile(r"(?<![\w<])@([\w.-]*\w)")
_CHANNEL = re.compile(r"(?<![\w<&])#([\w-]+)")
_BROADCASTS = {"here", "channel", "everyone"}


def escape(text: str) -> str:
    """Replace the three characters that are special in Slack's text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tidy(text: str) -> str:
    """Escape what an app left unescaped, but for Slack's own `<…>` forms."""
    entities = _STRAY_AMPERSAND.sub("&amp;", text)
    parts = _CONTROL.split(entities)
    return "".join(
        part if index % 2 else part.replace("<", "&lt;").replace(">", "&gt;")
        for index, part in enumerate(parts)
    )


def typeset(text: str) -> str:
    """Apply the smart punctuation of macOS and iOS keyboards."""
    dashed = text.replace("--", "—")
    opened = re.sub(r'(^|[\s(\[=])"', r"\1“", dashed)
    singles = re.sub(r"(^|[\s(\[=])'", "\\1\u2018", opened.replace('"', "”"))
    return singles.replace("'", "\u2019")


def link(text: str, *, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """Turn names and addresses in escaped *text* into Slack's `<…>` forms.

    *people* and *channels* are ids by name; unknown names stay as typed.
    """
    linked = _URL.sub(lambda url: f"<{url[0]}>", text)
    linked = _DOMAIN.sub(r"<http://\1|\1>", linked)
    linked = _MENTION.sub(lambda found: _mention(found, people), linked)
    return _CHANNEL.sub(lambda found: _channel(found, channels), linked)


def link_prose(
    text: str, *, people: Mapping[str, str], channels: Mapping[str, str]
) -> str:
    """Link *text* as in a message, where code spans stay as typed."""
    parts = _CODE.split(text)
    return "".join(
        part if index % 2 else link(part, people=people, channels=channels)
        for index, part in enumerate(parts)
    )


def _mention(found: re.Match[str], people: Mapping[str, str]) -> str:
    name = found[1]
    if name in _BROADCASTS:
        return f"<!{name}>"
    user = people.get(name)
    if user is None:
        return found[0]
    return f"<!subteam^{user}>" if user.startswith("S") else f"<@{user}>"


def _channel(found: re.Match[str], channels: Mapping[str, str]) -> str:
    channel = channels.get(found[1])
    return f"<#{channel}|{found[1]}>" if channel else found[0]
