"""Every row of one database, put into another of either kind."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

from sqlalchemy import Column, Integer, RowMapping, Table, func, insert, select, text
from sqlalchemy import tuple_ as in_order
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import metadata

#: rows at a time; one may have 64 KiB of output
_ROWS: Final = 200


async def copy_rows(
    here: AsyncConnection, there: AsyncConnection, *, but: Collection[Table] = ()
) -> None:
    """Put every row of *here*, as the transaction sees it, into *there*.

    The tables are the newest ones on both sides, and those of *there* are empty.
    """
    for table in metadata.sorted_tables:
        if table in but:
            continue
        async for rows in _read(here, table):
            await there.execute(insert(table), [dict(row) for row in rows])
    if there.dialect.name == "postgresql":
        await _count_on(there)


async def filled(db: AsyncConnection) -> str | None:
    """Return the name of a table that has rows, if any has."""
    for table in metadata.sorted_tables:
        row = await db.execute(select(*table.primary_key).limit(1))
        if row.one_or_none() is not None:
            return table.name
    return None


async def _read(
    db: AsyncConnection, table: Table
) -> AsyncIterator[Sequence[RowMapping]]:
    # Page by page along the key: neither driver need keep a cursor open.
    key = tuple(table.primary_key)
    page = select(table).order_by(*key).limit(_ROWS)
    rows = (await db.execute(page)).mappings().all()
    while rows:
        yield rows
        behind = in_order(*key) > in_order(*(rows[-1][column] for column in key))
        rows = (await db.execute(page.where(behind))).mappings().all()


async def _count_on(db: AsyncConnection) -> None:
    """Have PostgreSQL number new rows behind those that were put in."""
    for table in metadata.sorted_tables:
        (key, *others) = table.primary_key
        if not others and isinstance(key.type, Integer) and not key.foreign_keys:
            await _number(db, table, key)


async def _number(db: AsyncConnection, table: Table, key: Column[Any]) -> None:
    named = text("SELECT pg_get_serial_sequence(:of, :key)")
    of = {"of": table.name, "key": key.name}
    sequence = (await db.execute(named, of)).scalar_one()
    last = (await db.execute(select(func.max(key)))).scalar_one()
    if sequence is not None and last is not None:
        await db.execute(select(func.setval(sequence, last)))
