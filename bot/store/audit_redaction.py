"""Take texts out of audit rows, and keep their chain verifiable."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import RowMapping, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import (
    TYPED_FOR_RUN,
    TYPED_FOR_STACK,
    AuditRow,
    Verb,
    redacted,
    seal_of,
    vouched_by,
)
from bot.domain.lock import EVERY
from bot.domain.run import Run
from bot.ports import Hide
from bot.store.audit import audit_row, new_salt
from bot.store.places import places
from bot.store.tables import audit

_OF_RUN: Final = tuple(verb.value for verb in TYPED_FOR_RUN)
_OF_STACK: Final = tuple(verb.value for verb in TYPED_FOR_STACK)
_UNTIL: Final = re.compile(r"(?:until [\d-]{10} [\d:]{5} UTC: )?")
_WHOSE: Final = re.compile(r"(?:the hold of [\w.-]+(?:, [\w.-]+)*: )?")
#: what Handrail puts before what was typed
_OWN_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    Verb.SUBMITTED.value: re.compile(r"(?:--no-init -- )?"),
    Verb.REFUSED.value: re.compile(r"(?:\w+: )?"),
    Verb.JUDGED.value: re.compile(r"\w+(?:: )?"),
    Verb.HELD.value: _UNTIL,
    Verb.FROZEN.value: _UNTIL,
    Verb.RELEASED.value: _WHOSE,
    Verb.STOLEN.value: _WHOSE,
}
_NO_WORDS: Final = re.compile("")


async def redact_details(
    db: AsyncConnection, run: Run, hide: Hide
) -> tuple[int, list[AuditRow]]:
    """Hide in what people typed of the run, and of its stack since there is the run.

    Returns in how many places, and the rows that a voucher may name: not those that
    somebody had changed before, or they would pass for sound.
    """
    rows = await _rows(db, run)
    vouched = await _vouched(db)
    changed, after = 0, []
    for row, detail in await asyncio.to_thread(_hidden, rows, hide):
        salt = new_salt()
        same = audit.c.ordinal == row["ordinal"]
        await db.execute(update(audit).where(same).values(detail=detail, salt=salt))
        changed += places(row["detail"], detail)
        before = _read(row)
        if before is not None and _is_trusted(before, vouched):
            after.append(redacted(before, detail, salt=salt))
    return changed, after


async def _rows(db: AsyncConnection, run: Run) -> Sequence[RowMapping]:
    first = select(func.min(audit.c.ordinal)).where(audit.c.run == run.id)
    of_run = (audit.c.run == run.id) & audit.c.verb.in_(_OF_RUN)
    # A row names all the stacks that were held or released at once.
    named = literal(", ").concat(audit.c.stack).concat(", ")
    of_stack = (
        or_(
            *(
                named.contains(f", {stack}, ", autoescape=True)
                for stack in (run.stack, EVERY)
            )
        )
        & (audit.c.ordinal >= first.scalar_subquery())
        & audit.c.verb.in_(_OF_STACK)
    )
    rows = select(audit).where(of_run | of_stack)
    return (await db.execute(rows.order_by(audit.c.ordinal))).mappings().all()


async def _vouched(db: AsyncConnection) -> dict[int, str]:
    vouchers = select(audit).where(audit.c.verb == Verb.REDACTED.value)
    vouched: dict[int, str] = {}
    for row in (await db.execute(vouchers.order_by(audit.c.ordinal))).mappings():
        voucher = _read(row)
        if voucher is not None and voucher.hash == seal_of(voucher):
            vouched.update(vouched_by(voucher))
    return vouched


def _hidden(rows: Sequence[RowMapping], hide: Hide) -> list[tuple[RowMapping, str]]:
    hidden = ((row, _without(row, hide)) for row in rows)
    return [(row, detail) for row, detail in hidden if detail != row["detail"]]


def _without(row: RowMapping, hide: Hide) -> str:
    detail: str = row["detail"]
    own = _OWN_WORDS.get(row["verb"], _NO_WORDS).match(detail)
    typed_from = own.end() if own else 0
    return detail[:typed_from] + hide.text(detail[typed_from:])


def _read(row: RowMapping) -> AuditRow | None:
    try:
        return audit_row(row)
    except ValueError:
        return None  # it is no longer what any row can be


def _is_trusted(row: AuditRow, vouched: dict[int, str]) -> bool:
    return seal_of(row) in (row.hash, vouched.get(row.ordinal))
