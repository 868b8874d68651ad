"""The audit chain: append-only rows, each sealed with the hash of the one before."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from bot.domain.people import Actor
from bot.domain.run import RunId

#: what the first row of a chain names as the one before it
GENESIS: Final = "0" * 64


class Verb(StrEnum):
    """What was done."""

    SUBMITTED = "submitted"
    REFUSED = "refused"
    STARTED = "started"
    PERFORMED = "performed"
    ENDED = "ended"
    STOP_ASKED = "stop_asked"
    HELD = "held"
    RELEASED = "released"
    CLAIM_RELEASED = "claim_released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an audit row says: who did what to what, with a detail in words."""

    verb: Verb
    actor: Actor
    at: datetime
    stack: str = ""
    run: RunId | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """A deed in its place in the chain."""

    ordinal: int  #: 1, 2, 3 … without a gap
    deed: Deed
    previous: str
    hash: str


def sealed(deed: Deed, *, ordinal: int, previous: str) -> AuditRow:
    """Return *deed* as the row that follows the one whose hash is *previous*."""
    return AuditRow(
        ordinal=ordinal,
        deed=deed,
        previous=previous,
        hash=_hash(deed, ordinal, previous),
    )


def is_sound(row: AuditRow, *, previous: str, ordinal: int) -> bool:
    """Tell whether *row* is untouched and follows the row hashed *previous*."""
    return (
        row.ordinal == ordinal
        and row.previous == previous
        and row.hash == _hash(row.deed, row.ordinal, row.previous)
    )


def _hash(deed: Deed, ordinal: int, previous: str) -> str:
    # A JSON list keeps the fields apart whatever they contain.
    fields = [
        previous,
        ordinal,
        deed.verb.value,
        [deed.actor.kind.value, deed.actor.id, deed.actor.team, deed.actor.name],
        deed.at.astimezone(UTC).isoformat(timespec="microseconds"),
        deed.stack,
        deed.run,
        deed.detail,
    ]
    return sha256(json.dumps(fields, ensure_ascii=True).encode()).hexdigest()
