"""What is kept for a time only, and how it goes: little by little."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Table,
    delete,
    exists,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import Verb
from bot.domain.people import HANDRAIL
from bot.domain.run import Run, RunId, RunState
from bot.store import audit
from bot.store.database import Database
from bot.store.letters import Fate
from bot.store.moves import fetch
from bot.store.tables import deliveries, idempotency, outbox, output_chunks, runs
from bot.store.tellings import REPLACED

#: chunks of a transaction, each of up to 64 KiB: what others wait for is short
_CHUNKS: Final = 50
_ROWS: Final = 1000

_OVER: Final = tuple(state.value for state in RunState if state.is_terminal)
_HAS_OUTPUT: Final = exists().where(output_chunks.c.run == runs.c.id)
_IS_TOLD: Final = ~exists().where(
    outbox.c.thread == runs.c.thread, outbox.c.fate.is_(None)
)


#: A word in a thread is looked for again where it was missed: its key lasts longer.
_IS_WORD: Final = deliveries.c.key.startswith("message:")


class SqlPerishables:
    """The port `Perishables` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def overdue(
        self, ended_before: datetime, limit: int, after: RunId
    ) -> Sequence[RunId]:
        """Return runs that ended before and whose output is there, all of it told.

        The first of them by their ids, from those *after* that one on.
        """
        old = runs.c.state.in_(_OVER) & (runs.c.ended_at < ended_before)
        # One of which a crash has left a part goes first, whatever is kept by now.
        begun = runs.c.output_dropped_at.is_not(None)
        overdue = (
            select(runs.c.id)
            .where(runs.c.id > after, begun | old, _HAS_OUTPUT, _IS_TOLD)
            .order_by(runs.c.id)
            .limit(limit)
        )
        async with self._database.read("look for old output") as db:
            return [RunId(run) for run in (await db.execute(overdue)).scalars()]

    async def drop_output(self, run: RunId, at: datetime) -> bool:
        """Drop some of the output, noting at first that it goes, and its audit row."""
        some = output_chunks.c.run == run
        async with self._database.write(f"drop the output of run {run}") as db:
            over = await fetch(db, run)
            if over.output_dropped_at is None:
                await _note(db, over, at)
            return await _delete(db, output_chunks, some, _CHUNKS)

    async def forget_deliveries(self, before: datetime) -> bool:
        """Forget some of what Slack had delivered before, but for people's words."""
        old = (deliveries.c.at < before) & ~_IS_WORD
        async with self._database.write("forget old deliveries") as db:
            return await _delete(db, deliveries, old, _ROWS)

    async def forget_words(self, before: datetime) -> bool:
        """Forget some of which words of people were heard before."""
        old = (deliveries.c.at < before) & _IS_WORD
        async with self._database.write("forget old words") as db:
            return await _delete(db, deliveries, old, _ROWS)

    async def forget_requests(self, before: datetime) -> bool:
        """Forget some of the requests that came under a caller's own key before."""
        async with self._database.write("forget old requests") as db:
            return await _delete(db, idempotency, idempotency.c.at < before, _ROWS)

    async def scrub(self) -> None:
        """Have nothing of what was dropped stay behind beside the tables."""
        await self._database.scrub()


async def _note(db: AsyncConnection, run: Run, at: datetime) -> None:
    noted = update(runs).where(runs.c.id == run.id).values(output_dropped_at=at)
    await db.execute(noted)
    await _delete_replaced_letters(db, run)
    await audit.append(db, audit.deed_on(run, Verb.OUTPUT_DROPPED, HANDRAIL, at))


async def _delete_replaced_letters(db: AsyncConnection, run: Run) -> None:
    """Delete what was told in place and told anew since: most of a run's letters."""
    newest = outbox.alias()
    of_run = outbox.c.thread == run.thread
    told = outbox.c.fate == Fate.DELIVERED.value
    last = select(func.max(newest.c.id)).where(
        newest.c.thread == run.thread,
        newest.c.kind == outbox.c.kind,
        newest.c.fate == Fate.DELIVERED.value,
    )
    replaced = outbox.c.kind.in_(REPLACED) & (outbox.c.id < last.scalar_subquery())
    await db.execute(delete(outbox).where(of_run, told, replaced))


async def _delete(
    db: AsyncConnection, table: Table, which: ColumnElement[bool], limit: int
) -> bool:
    """Delete up to *limit* rows; True if there may be more."""
    key = tuple(table.primary_key)
    some = select(*key).where(which).limit(limit)
    gone = await db.execute(delete(table).where(tuple_(*key).in_(some)))
    return gone.rowcount == limit
