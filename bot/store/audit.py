"""The audit table: appended to, read, and verified."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    String,
    insert,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import (
    GENESIS,
    AuditHead,
    AuditRow,
    Deed,
    Verb,
    may_be_redacted,
    sealed,
    vouched_in,
)
from bot.domain.chain import Fault, Link, Walk, rest_of
from bot.domain.people import Actor
from bot.domain.run import Run, RunId
from bot.store.database import Database
from bot.store.rows import actor_of, actor_values
from bot.store.tables import audit

_BATCH: Final = 500
_VERIFIED_AT_ONCE: Final = 5_000
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How far the chain is as it was written."""

    sound: int  #: how many rows from the first on
    broken: int | None  #: the ordinal at which it breaks; None: nowhere
    redacted: int = 0  #: how many rows had a text taken out of them since
    rows: int = field(default=0, compare=False)
    faults: Sequence[Fault] = field(default=(), compare=False)  #: by the ordinals
    #: the rows that had a text taken out of them, each with the row that says so
    vouchers: Mapping[int, int] = field(default_factory=dict, compare=False)


def deed_on(run: Run, verb: Verb, actor: Actor, at: datetime, detail: str = "") -> Deed:
    """Return the deed of *actor* on *run*."""
    return Deed(
        verb=verb, actor=actor, at=at, stack=run.stack, run=run.id, detail=detail
    )


async def append(db: AsyncConnection, deed: Deed) -> AuditRow:
    """Seal *deed* and put it at the end of the chain.

    The transaction must be the only one that writes.
    """
    newest = select(audit.c.ordinal, audit.c.hash).order_by(audit.c.ordinal.desc())
    last = (await db.execute(newest.limit(1))).one_or_none()
    ordinal, previous = (last.ordinal + 1, last.hash) if last else (1, GENESIS)
    row = sealed(deed, ordinal=ordinal, previous=previous, salt=new_salt())
    await db.execute(
        insert(audit).values(
            ordinal=row.ordinal,
            verb=deed.verb.value,
            **actor_values("actor", deed.actor),
            at=deed.at,
            stack=deed.stack,
            run=deed.run,
            detail=deed.detail,
            previous=row.previous,
            hash=row.hash,
            salt=row.salt,
        )
    )
    return row


def new_salt() -> str:
    """Return a salt that nobody can guess."""
    return token_hex(_SALT_BYTES)


async def head_of(db: AsyncConnection, run: RunId) -> AuditHead | None:
    """Return the row that a run ended with; None while it goes on."""
    # A run has few rows. If asked for the verb too, SQLite may read all of that verb.
    of_run = select(audit.c.ordinal, audit.c.hash, audit.c.verb)
    of_run = of_run.where(audit.c.run == run).order_by(audit.c.ordinal.desc())
    for row in await db.execute(of_run):
        if row.verb == Verb.ENDED.value:
            return AuditHead(ordinal=row.ordinal, hash=row.hash)
    return None


async def read(
    database: Database, *, after: int = 0, batch: int = _BATCH
) -> AsyncGenerator[AuditRow]:
    """Yield the rows whose ordinal is above *after*, in order.

    Raises ValueError at a row that no longer is what any row can be.
    """
    while True:
        rows = select(audit).where(audit.c.ordinal > after).order_by(audit.c.ordinal)
        start = after
        async with database.read("read the audit rows") as db:
            for row in (await db.execute(rows.limit(batch))).mappings():
                after = row["ordinal"]
                yield audit_row(row)
        if after == start:
            return


async def verify(database: Database, *, batch: int = _VERIFIED_AT_ONCE) -> Verdict:
    """Follow the chain, and name whatever is neither sound nor vouched for.

    A row that was the last cannot be missed, nor one that was changed and vouched
    for by somebody who can write to the database: the voucher shows.
    """
    walk = Walk()
    after: int | None = None
    while rows := await _as_kept(database, after, batch):
        for row in rows:
            walk.step(_link(*row))
        after = rows[-1][0]
    faults = walk.end()
    broken = min((fault.first for fault in faults), default=None)
    return Verdict(
        sound=walk.rows if broken is None else max(broken - 1, 0),
        broken=broken,
        redacted=len(walk.vouched),
        vouchers=walk.vouched,
        rows=walk.rows,
        faults=faults,
    )


async def _as_kept(
    database: Database, after: int | None, batch: int
) -> Sequence[Sequence[Any]]:
    """Return rows as they are: what somebody put there may be no moment at all."""
    async with database.read("verify the audit rows") as db:
        at: ColumnElement[Any] = audit.c.at
        if db.dialect.name == "sqlite":
            at = type_coerce(at, String)
        columns = (at.label("at") if it is audit.c.at else it for it in audit.c)
        rows = select(*columns).order_by(audit.c.ordinal).limit(batch)
        if after is not None:
            rows = rows.where(audit.c.ordinal > after)
        return (await db.execute(rows)).all()


def _link(  # noqa: PLR0913, PLR0917 (the columns, in the order of the table)
    ordinal: int,
    verb: str,
    kind: str,
    id: str,  # noqa: A002 (its name)
    team: str,
    name: str,
    at: str | datetime,
    stack: str,
    run: int | None,
    detail: str,
    previous: str,
    hash: str,  # noqa: A002 (its name)
    salt: str | None,
) -> Link:
    fields = [verb, [kind, id, team, name], _instant(at), stack, run, detail]
    rest = rest_of(fields if salt is None else [*fields, salt])
    vouches, taken_out = vouched_in(verb, detail), may_be_redacted(verb, detail)
    return Link(ordinal, previous, hash, rest, vouches, taken_out)


def _instant(at: str | datetime) -> str:
    """Return a moment as it was sealed. SQLite has it as text, without the zone."""
    if isinstance(at, datetime):
        return at.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{at}+00:00".replace(" ", "T", 1)


def audit_row(row: RowMapping) -> AuditRow:
    """Return the audit row of a row of `audit`. Raises ValueError."""
    return AuditRow(
        ordinal=row["ordinal"],
        deed=Deed(
            verb=Verb(row["verb"]),
            actor=actor_of(row),
            at=row["at"],
            stack=row["stack"],
            run=row["run"],
            detail=row["detail"],
        ),
        previous=row["previous"],
        hash=row["hash"],
        salt=row["salt"],
    )
