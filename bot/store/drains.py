"""The installation: what it is called, and whether anything may start on it."""

from datetime import datetime
from typing import Final

from sqlalchemy import RowMapping, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Deed, Verb
from bot.domain.people import HANDRAIL
from bot.ports import Change, Drained
from bot.store import audit
from bot.store.database import Database, upsert, wake
from bot.store.moves import active
from bot.store.tables import installation, runs

_ONE: Final = 1  #: the id of the only row
_FINISHED: Final = "a bot started, and nothing was under way"


class SqlDrains:
    """The port `Drains` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def drain(self, by: str, at: datetime) -> None:
        """Let nothing start from here on; once is enough."""
        async with self._database.write("drain") as db:
            await _ensure_row(db)
            begun = update(installation).where(installation.c.drained_since.is_(None))
            begun = begun.values(drained_since=at, drained_by=by)
            row = await db.execute(begun.returning(installation.c.id))
            if row.one_or_none() is not None:
                await _note(db, Verb.DRAINED, by, at)

    async def end_drain(self, by: str, at: datetime) -> bool:
        """Let runs start again; False where they could."""
        async with self._database.write("end the drain") as db:
            return await _end(db, by, at)

    async def end_if_done(self, at: datetime) -> bool:
        """Let runs start again if the drain has come to its end: nothing is active.

        False where they may not.
        """
        async with self._database.write("end the drain") as db:
            under_way = select(runs.c.id).where(active()).limit(1)
            if (await db.execute(under_way)).one_or_none() is None:
                await _end(db, _FINISHED, at)
            return not await is_drained(db)

    async def drained(self) -> Drained | None:
        """Tell whether nothing may start."""
        async with self._database.read("ask whether anything may start") as db:
            return await drained(db)


async def drained(db: AsyncConnection) -> Drained | None:
    """Tell who drained Handrail, and since when, if it is."""
    since = installation.c.drained_since
    rows = await db.execute(select(installation).where(since.is_not(None)))
    row = rows.mappings().one_or_none()
    return None if row is None else _drained_of(row)


async def is_drained(db: AsyncConnection) -> bool:
    """Tell whether nothing may start."""
    return await drained(db) is not None


async def installation_name(database: Database, proposed: str) -> str:
    """Return what the installation is called: what was *proposed* first."""
    async with database.write("ask what the installation is called") as db:
        await _ensure_row(db)
        unnamed = installation.c.name == ""
        named = update(installation).values(
            name=case((unnamed, proposed), else_=installation.c.name)
        )
        name: str = (
            await db.execute(named.returning(installation.c.name))
        ).scalar_one()
        return name


async def _ensure_row(db: AsyncConnection) -> None:
    row = upsert(db, installation).values(id=_ONE, name="")
    await db.execute(row.on_conflict_do_nothing())


async def _end(db: AsyncConnection, by: str, at: datetime) -> bool:
    ended = update(installation).where(installation.c.drained_since.is_not(None))
    ended = ended.values(drained_since=None, drained_by=None)
    row = await db.execute(ended.returning(installation.c.id))
    if row.one_or_none() is None:
        return False
    await _note(db, Verb.DRAIN_ENDED, by, at)
    return True


async def _note(db: AsyncConnection, verb: Verb, by: str, at: datetime) -> None:
    await audit.append(db, Deed(verb=verb, actor=HANDRAIL, at=at, detail=by))
    wake(db, Change.RUNS)


def _drained_of(row: RowMapping) -> Drained:
    return Drained(since=row["drained_since"], by=row["drained_by"] or "")
