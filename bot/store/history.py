"""What is asked of the years: runs and audit rows, found by their keys."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    RowMapping,
    Select,
    and_,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.lock import EVERY
from bot.domain.run import Run
from bot.ports import RunQuery
from bot.store.database import Database
from bot.store.rows import run_of
from bot.store.tables import SEVERAL, audit, runs

_BATCH: Final = 1_000
#: by how many rows those of one moment may be out of their order: replicas number
#: rows in one order, and read the time from clocks of their own
_SKEW: Final = 1_000
_ABOVE_ALL: Final = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which audit rows are asked for, oldest first; None leaves open."""

    stack: str | None = None  #: those of every stack are among them
    actor: str | None = None  #: an id
    verb: str | None = None
    run: int | None = None
    since: datetime | None = None  #: at that moment or later
    until: datetime | None = None  #: before that moment


async def runs_of(db: AsyncConnection, query: RunQuery) -> tuple[Run, ...]:
    """Return the runs that *query* asks for, newest first."""
    found = select(runs).where(*_of_runs(query)).order_by(runs.c.id.desc())
    low, high = await _between(
        db, runs.c.id, runs.c.created_at, query.since, query.until
    )
    if query.before is not None:
        high = query.before - 1 if high is None else min(high, query.before - 1)
    rows = await db.execute(_within(found, runs.c.id, low, high).limit(query.limit))
    return tuple(map(run_of, rows.mappings()))


async def audit_rows(
    database: Database, query: AuditQuery, *, batch: int = _BATCH
) -> AsyncGenerator[dict[str, Any]]:
    """Yield the rows that *query* asks for, by their columns, oldest first.

    A transaction per batch: whoever reads slowly keeps nobody waiting.
    """
    async with database.read("look for audit rows") as db:
        low, high = await _between(
            db, audit.c.ordinal, audit.c.at, query.since, query.until
        )
    while True:
        async with database.read("read audit rows") as db:
            of_batch = _page(query, low, high, batch)
            rows: Sequence[RowMapping] = (await db.execute(of_batch)).mappings().all()
        for row in rows:
            yield {column.name: row[column.name] for column in audit.c}
        if len(rows) < batch:
            return
        low = rows[-1]["ordinal"] + 1


def _page(
    query: AuditQuery, low: int | None, high: int | None, batch: int
) -> Select[*tuple[object, ...]]:
    """Ask for the next rows; a select for each way to name a stack has an index."""
    found = select(audit).where(*_of_audit(query))
    within = _within(found, audit.c.ordinal, low, high)
    ordered = within.order_by(audit.c.ordinal).limit(batch)
    if query.stack is None:
        return ordered
    ways = (ordered.where(way).subquery() for way in _naming(query))
    together = union_all(*map(select, ways)).subquery()
    return select(together).order_by(together.c.ordinal).limit(batch)


def _of_runs(query: RunQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.stacks is not None:
        conditions.append(runs.c.stack.in_(query.stacks))
    if query.type is not None:
        conditions.append(runs.c.type == query.type.value)
    if query.state is not None:
        conditions.append(runs.c.state == query.state.value)
    if query.actor is not None:
        conditions.append(runs.c.actor_id == query.actor)
    if query.since is not None:
        conditions.append(runs.c.created_at >= query.since)
    if query.until is not None:
        conditions.append(runs.c.created_at < query.until)
    return conditions


def _of_audit(query: AuditQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    by_run, by_actor = query.run is not None, query.actor is not None
    if query.run is not None:
        conditions.append(audit.c.run == query.run)
    if query.actor is not None:
        conditions.append(_keyed(audit.c.actor_id, unless=by_run) == query.actor)
    if query.verb is not None:
        is_narrower = by_run or by_actor or query.stack is not None
        conditions.append(_keyed(audit.c.verb, unless=is_narrower) == query.verb)
    if query.since is not None:
        conditions.append(audit.c.at >= query.since)
    if query.until is not None:
        conditions.append(audit.c.at < query.until)
    return conditions


def _naming(query: AuditQuery) -> tuple[ColumnElement[bool], ...]:
    """Match rows of a stack, of every stack, and of several among which it is."""
    is_narrower = query.run is not None or query.actor is not None
    stack = _keyed(audit.c.stack, unless=is_narrower)
    named = literal(", ").concat(audit.c.stack).concat(", ")
    among = and_(text(SEVERAL), named.contains(f", {query.stack}, ", autoescape=True))
    return stack == query.stack, stack == EVERY, among


def _keyed(column: Column[str], *, unless: bool) -> ColumnElement[str]:
    """Return *column*, *unless* another one finds fewer rows by its index.

    SQLite takes any index of a column that is asked for, but none of an expression.
    """
    return column.concat("") if unless else column


def _within(
    found: Select[*tuple[object, ...]],
    number: Column[int],
    low: int | None,
    high: int | None,
) -> Select[*tuple[object, ...]]:
    if low is not None:
        found = found.where(number >= low)
    return found if high is None else found.where(number <= high)


async def _between(
    db: AsyncConnection,
    number: Column[int],
    at: Column[datetime],
    since: datetime | None,
    until: datetime | None,
) -> tuple[int | None, int | None]:
    """Return between which numbers the rows of that time are; None where open."""
    low = high = None
    if since is not None:
        first = select(number).where(at >= since).order_by(at).limit(_SKEW)
        near = (await db.execute(first)).scalars().all()
        low = min(near, default=_ABOVE_ALL)
    if until is not None:
        last = select(number).where(at < until).order_by(at.desc()).limit(_SKEW)
        near = (await db.execute(last)).scalars().all()
        high = max(near, default=0)
    return low, high
