"""The audit chain: append-only rows, each sealed with the hash of the one before.

A text can be taken out of a row all the same. The row keeps its hash, which it no
longer matches, and a later row, the voucher, names what it is now.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from bot.domain.people import Actor
from bot.domain.run import RunId

#: what the first row of a chain names as the one before it
GENESIS: Final = "0" * 64

_ROWS: Final = "; rows: "
_VOUCHED: Final = re.compile(r"(\d+):([0-9a-f]{64})")


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
    STOLEN = "stolen"  #: a hold passed from one person to an admin
    FROZEN = "frozen"  #: a hold on every stack
    EXPIRED = "expired"  #: a hold came to its end by itself
    PLANNED = "planned"
    CONFIRMED = "confirmed"
    UNHEARD = "unheard"  #: an outside run whose CI was not heard of
    HEARD_AGAIN = "heard_again"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    PROPOSED = "proposed"  #: what exactly people are asked to agree to is known
    APPROVED = "approved"  #: somebody agrees to the run
    REJECTED = "rejected"  #: somebody does not
    VOIDED = "voided"  #: what somebody said of the run counts no more
    JUDGED = "judged"  #: the rules made something of the run, and of who agrees to it
    REDACTED = "redacted"  #: the row is a voucher
    NOTIFY_ASKED = "notify_asked"  #: somebody wants to be told when a stack is free
    CARD_OPENED = "card_opened"  #: somebody had a stack shown to a channel
    ASKED_AGAIN = "asked_again"  #: a word came too late to be acted on unasked
    DRAINED = "drained"  #: nothing starts from then on
    DRAIN_ENDED = "drain_ended"
    ADOPTED = "adopted"  #: another replica drives the run from then on
    OUT_OF_SIGHT = "out_of_sight"  #: its container could not be asked for any more
    IN_SIGHT_AGAIN = "in_sight_again"
    UNDELIVERED = "undelivered"  #: something could be told in no way
    OUTPUT_DROPPED = "output_dropped"  #: it had been kept for as long as is wanted
    SIGNING_KEY_MADE = "signing_key_made"  #: for the tokens of runs


#: What people typed for a run and for its stack, or a policy said of that. All else is
#: Handrail's testimony, which no redaction may change, or whoever may redact could
#: rewrite it.
TYPED_FOR_RUN: Final = frozenset(
    {
        Verb.SUBMITTED,
        Verb.REFUSED,
        Verb.STOP_ASKED,
        Verb.CLAIM_RELEASED,
        Verb.APPROVED,
        Verb.REJECTED,
        Verb.JUDGED,
    }
)
TYPED_FOR_STACK: Final = frozenset({Verb.HELD, Verb.FROZEN, Verb.RELEASED, Verb.STOLEN})
_TYPED: Final = frozenset(it.value for it in TYPED_FOR_RUN | TYPED_FOR_STACK)
#: what stands where a text was taken out
_TAKEN_OUT: Final = "*****"


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
    #: random, part of the hash: without it the hash would let a detail that was
    #: taken out be guessed. None in rows of before there were salts.
    salt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """A place in the chain, as a message in Slack tells it: it vouches for the rest."""

    ordinal: int
    hash: str


def sealed(
    deed: Deed, *, ordinal: int, previous: str, salt: str | None = None
) -> AuditRow:
    """Return *deed* as the row that follows the one whose hash is *previous*."""
    row = AuditRow(ordinal=ordinal, deed=deed, previous=previous, hash="", salt=salt)
    return replace(row, hash=seal_of(row))


def redacted(row: AuditRow, detail: str, *, salt: str) -> AuditRow:
    """Return *row* with another detail and a new salt, its hash as it was."""
    return replace(row, deed=replace(row.deed, detail=detail), salt=salt)


def seal_of(row: AuditRow) -> str:
    """Return the hash that *row* would have if it were sealed as it is now."""
    # A JSON list keeps the fields apart whatever they contain.
    deed = row.deed
    fields = [
        row.previous,
        row.ordinal,
        deed.verb.value,
        [deed.actor.kind.value, deed.actor.id, deed.actor.team, deed.actor.name],
        deed.at.astimezone(UTC).isoformat(timespec="microseconds"),
        deed.stack,
        deed.run,
        deed.detail,
    ]
    salted = fields if row.salt is None else [*fields, row.salt]
    return sha256(json.dumps(salted, ensure_ascii=True).encode()).hexdigest()


def is_sound(row: AuditRow, *, previous: str, ordinal: int) -> bool:
    """Tell whether *row* is untouched and follows the row hashed *previous*."""
    return _follows(row, previous, ordinal) and row.hash == seal_of(row)


def voucher(why: str, places: int, rows: Iterable[AuditRow]) -> str:
    """Return the detail of a REDACTED row that vouches for *rows* as they are now."""
    vouched = " ".join(f"{row.ordinal}:{seal_of(row)}" for row in rows)
    return f"{why}; places: {places}{_ROWS}{vouched or 'none'}"


def vouched_by(row: AuditRow) -> Mapping[int, str]:
    """Return the seals that *row* vouches for, by the ordinals of their rows."""
    return vouched_in(row.deed.verb, row.deed.detail)


def vouched_in(verb: str, detail: str) -> Mapping[int, str]:
    """Return the seals that a row of that *verb* and *detail* vouches for."""
    if verb != Verb.REDACTED.value or not isinstance(detail, str):
        return {}
    named = detail.rpartition(_ROWS)[2]
    return {int(ordinal): seal for ordinal, seal in _VOUCHED.findall(named)}


def may_be_redacted(verb: str, detail: str) -> bool:
    """Tell whether a redaction can have left a row of that *verb* and *detail*."""
    # The walk reads rows as they are: a detail may be anything.
    return verb in _TYPED and _TAKEN_OUT in str(detail)


def _follows(row: AuditRow, previous: str, ordinal: int) -> bool:
    return row.ordinal == ordinal and row.previous == previous
