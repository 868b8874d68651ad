"""The lock on its state that a tool such as Terraform takes and reports."""

import re
import shlex
from dataclasses import dataclass
from typing import Final

_ERROR: Final = "Error acquiring the state lock"
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: What stands in front of the lines of an error: a border, when it has one.
_BORDER: Final = re.compile(r"^[ \t]*[│|╷╵]?[ \t]*")
_HEADING: Final = "Lock Info:"
_FIELD: Final = re.compile(r"(ID|Path|Operation|Who|Version|Created|Info):[ \t]*(.*)")
#: Nothing that a shell, an option parser or a reader could take for something else.
_ID: Final = re.compile(r"[A-Za-z0-9_][!-~]{0,254}")
_MASK: Final = "*****"
_LONGEST: Final = 200  #: characters of a field that are kept
_FURTHEST: Final = 1 << 20  #: bytes before the end in which the error is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLock:
    """A lock as the tool that ran into it printed it; all but the id may be empty."""

    id: str
    path: str = ""
    operation: str = ""
    who: str = ""
    created: str = ""


def state_lock_in(output: bytes) -> StateLock | None:
    """Return the lock that stood in the way of what printed *output*, if one did.

    The last one, if several did; None also where its id was masked.
    """
    text = output[-_FURTHEST:].decode("utf-8", "replace")
    _, error, told = _COLOUR.sub("", text).rpartition(_ERROR)
    if not error:
        return None
    lines = [_BORDER.sub("", line).strip() for line in told.splitlines()]
    fields = _fields(lines)
    lock_id = fields.get("ID", "")
    if not _ID.fullmatch(lock_id) or _MASK in lock_id:
        return None
    return StateLock(
        id=lock_id,
        path=fields.get("Path", ""),
        operation=fields.get("Operation", ""),
        who=fields.get("Who", ""),
        created=fields.get("Created", ""),
    )


def force_unlock_command(lock: StateLock, program: str) -> str:
    """Return the command that takes *lock* away, by *program* as a shell calls it."""
    return f"{program} force-unlock -force {shlex.quote(lock.id)}"


def _fields(lines: list[str]) -> dict[str, str]:
    """Return the fields below the first heading, up to what is no field."""
    fields: dict[str, str] = {}
    if _HEADING not in lines:
        return fields
    for line in lines[lines.index(_HEADING) + 1 :]:
        found = _FIELD.fullmatch(line)
        if found is None:
            break
        value = "".join(filter(str.isprintable, found[2]))
        fields.setdefault(found[1], value if found[1] == "ID" else value[:_LONGEST])
    return fields
