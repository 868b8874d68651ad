"""Chains of audit rows, and what somebody may do to them."""

from dataclasses import replace

from bot.domain.audit import (
    GENESIS,
    AuditRow,
    Deed,
    Verb,
    may_be_redacted,
    sealed,
    vouched_by,
)
from bot.domain.chain import Fault, Link, Walk, rest_of
from tests.support.builders import NOON, an_actor

DEED = Deed(verb=Verb.HELD, actor=an_actor(), at=NOON, stack="net-prod", detail="why")


def link(row: AuditRow) -> Link:
    """Return *row* as a walk takes it."""
    deed, actor = row.deed, row.deed.actor
    at = deed.at.isoformat(timespec="microseconds")
    who = [actor.kind.value, actor.id, actor.team, actor.name]
    fields = [deed.verb.value, who, at, deed.stack, deed.run, deed.detail]
    rest = rest_of(fields if row.salt is None else [*fields, row.salt])
    taken_out = may_be_redacted(deed.verb, deed.detail)
    vouches = vouched_by(row)
    return Link(row.ordinal, row.previous, row.hash, rest, vouches, taken_out)


def a_chain(length: int) -> list[AuditRow]:
    """Return that many rows, as Handrail writes them."""
    rows: list[AuditRow] = []
    for ordinal in range(1, length + 1):
        deed = replace(DEED, detail=f"deed {ordinal}")
        previous = rows[-1].hash if rows else GENESIS
        rows.append(sealed(deed, ordinal=ordinal, previous=previous, salt=f"{ordinal}"))
    return rows


def walked(rows: list[AuditRow]) -> list[tuple[str, int, int]]:
    """Return the faults that a walk finds, each as its kind, first and last."""
    walk = Walk()
    for row in rows:
        walk.step(link(row))
    return [_short(fault) for fault in walk.end()]


def _short(fault: Fault) -> tuple[str, int, int]:
    return fault.kind.value, fault.first, fault.last
