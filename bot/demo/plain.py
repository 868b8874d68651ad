"""A message of the local workspace as lines of plain text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_PERSON: Final = re.compile(r"<@(\w+)>")
_LABELLED: Final = re.compile(r"<[^<>|]*\|([^<>]*)>")
_EMOJI: Final = re.compile(r":([a-z_]+):")
_SIGNS: Final = {
    "hourglass_flowing_sand": "…",
    "package": "…",
    "gear": "…",
    "rocket": "▶",
    "white_check_mark": "✔",
    "x": "✘",
    "no_entry": "⊘",
    "octagonal_sign": "■",
    "lock": "🔒",
    "unlock": "🔓",
}


def plain(message: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return what *message* shows, buttons aside; *names* are those of people by id."""
    blocks = message.get("blocks") or ()
    lines = [line for block in blocks for line in _lines(block)]
    return "\n".join(_read(line, names) for line in lines or [message["text"]])


def _lines(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "section":
            yield block["text"]["text"]
        case "context":
            yield from (element["text"] for element in block["elements"])
        case "rich_text":
            for part in block["elements"]:
                text = "".join(leaf["text"] for leaf in part["elements"])
                yield from (f"    {line}" for line in text.split("\n"))
        case _:
            return


def _read(line: str, names: Mapping[str, str]) -> str:
    if line.startswith("    "):
        return line
    line = _PERSON.sub(lambda found: f"@{names.get(found[1], found[1])}", line)
    line = _LABELLED.sub(r"\1", line)
    line = _EMOJI.sub(lambda found: _SIGNS.get(found[1], found[0]), line)
    line = line.replace("*", "").replace("`", "")
    return line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
