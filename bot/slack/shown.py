"""What a message shows, in the one form that Slack's own rewriting does not change."""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import unescape
from typing import Any, Final
from unicodedata import normalize

#: a mention, link or date; what may stand behind the bar is its readable form
_CONTROL: Final = re.compile(r"<([@#!]?)([^<>|\n]+)(?:\|([^<>\n]*))?>")
#: what Slack puts before an address that was written without it
_SCHEMES: Final = re.compile(r"\A(?:https?://|mailto:|tel:)")
_DATE: Final = re.compile(r"\Adate\^(\d+)")
#: where text stands in a block, in the order of reading
_PARTS: Final = ("title", "text", "fields", "elements", "accessory", "alt_text")
#: what Slack itself makes of a text without blocks, and Handrail never sends
_SLACKS_OWN: Final = frozenset(
    {"rich_text_list", "rich_text_quote", "rich_text_section"}
)


def shown(text: str, blocks: Sequence[Mapping[str, Any]] | None = None) -> str:
    """Return what a message shows: a line per text of its *blocks*, or its *text*.

    The same for what was sent and for what Slack returns of it, though Slack names
    blocks, fills in fields, escapes, links what looks like an address, and writes
    blocks of its own for a message that has none.
    """
    if not blocks or _are_slacks_own(blocks):
        return _canonical(_read(text))
    lines = (line for block in blocks for line in _lines(block))
    return "\n".join(filter(None, map(_canonical, lines)))


def digest(seen: str) -> str:
    """Return the SHA-256, in hex, of what `shown` returned."""
    return sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of(message: Mapping[str, Any]) -> str:
    """Return the digest of a message as Slack returns it."""
    return digest(shown(str(message.get("text") or ""), message.get("blocks")))


def _are_slacks_own(blocks: Sequence[Mapping[str, Any]]) -> bool:
    return all(block.get("type") == "rich_text" for block in blocks) and any(
        part.get("type") in _SLACKS_OWN
        for block in blocks
        for part in block.get("elements", ())
    )


def _lines(node: object) -> Iterator[str]:
    match node:
        case list() | tuple():
            for part in node:
                yield from _lines(part)
        case {"type": "rich_text", "elements": elements}:
            yield "".join(_rich(elements))
        case {"type": "mrkdwn" | "plain_text", "text": str(text)}:
            yield _read(text)
        case Mapping():
            for name in _PARTS:
                yield from _lines(node.get(name))
        case _:
            return


def _rich(node: object) -> Iterator[str]:
    match node:
        case list() | tuple():
            for part in node:
                yield from _rich(part)
        case {"type": "text", "text": str(text)}:
            yield unescape(text)
        case {"type": "link", "url": str(url), "text": str(label)}:
            yield _linked(url, label)
        case {"type": "link", "url": str(url)}:
            yield url
        case {"type": "emoji", "name": str(name)}:
            yield f":{name}:"
        case {"elements": elements}:
            yield from _rich(elements)
            yield "\n"
        case {"type": "user", "user_id": str(who)}:
            yield f"@{who}"
        case {"type": str(kind)}:
            yield f"<{kind}>"
        case _:
            return


def _read(text: str) -> str:
    # An entity is read last: what anybody said must not become a mention by it.
    return unescape(_CONTROL.sub(_control, text))


def _control(found: re.Match[str]) -> str:
    sign, what, label = found.groups()
    if sign == "":
        return _linked(what, label or what)
    date = _DATE.match(what)
    return f"{sign}{date[0] if date else what}"


def _linked(url: str, label: str) -> str:
    bare = _SCHEMES.sub("", url).rstrip("/")
    if _SCHEMES.sub("", label).rstrip("/") == bare:
        return label
    return f"{label} [{url}]"


def _canonical(text: str) -> str:
    lines = normalize("NFC", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()
