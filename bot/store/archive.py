"""The record as it is read."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.audit import AuditHead
from bot.domain.lock import Hold, Occupancy
from bot.domain.people import Actor, ChannelId
from bot.domain.run import Run, RunId, RunState, ThreadId, Transition
from bot.domain.stack import StackName
from bot.ports import Ended, Idempotency, Plan, RunQuery, Thread
from bot.store import audit, history, locks, output, sealed, submissions
from bot.store.conclusions import conclusion_of
from bot.store.database import Database
from bot.store.moves import active
from bot.store.output import Chunk
from bot.store.rows import run_of, thread_of, transition_of
from bot.store.tables import claims, runs, threads, transitions

_THREADS: Final = select(threads, runs.c.id.label("run")).outerjoin(
    runs, runs.c.thread == threads.c.id
)


class SqlArchive:
    """The port `Archive` in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, run: RunId) -> Run:
        """Return one run, or raise LookupError."""
        found = await self._runs(select(runs).where(runs.c.id == run))
        if not found:
            raise LookupError(f"there is no run {run}")
        return found[0]

    async def occupancy(self, stack: StackName) -> Occupancy:
        """Return who has the stack."""
        async with self._database.read("ask who has the stack") as db:
            return await locks.occupancy_of(db, stack)

    async def queue(self, stack: StackName) -> tuple[Run, ...]:
        """Return the queued runs of a stack, oldest first."""
        of_stack = select(runs).where(runs.c.stack == stack)
        queued = of_stack.where(runs.c.state == RunState.QUEUED.value)
        return await self._runs(queued.order_by(runs.c.id))

    async def granted(self, actor: Actor, idempotency: Idempotency) -> Run | None:
        """Return the run that a request of *actor* became before; None: it is new.

        Raises IdempotencyConflict where it was something else.
        """
        async with self._database.read("look a request up") as db:
            return await submissions.granted(db, actor, idempotency)

    async def holds(self) -> tuple[Hold, ...]:
        """Return every hold in force, a freeze among them, by stack."""
        async with self._database.read("read the holds") as db:
            return tuple((await locks.all_holds(db)).values())

    async def runs(self, query: RunQuery) -> tuple[Run, ...]:
        """Return the runs that were asked for, newest first."""
        async with self._database.read("read the history of runs") as db:
            return await history.runs_of(db, query)

    async def last_runs(self, stack: StackName | None, limit: int) -> tuple[Run, ...]:
        """Return the newest runs, of one stack or of all, newest first."""
        newest = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if stack is not None:
            newest = newest.where(runs.c.stack == stack)
        return await self._runs(newest)

    async def active_runs(self) -> tuple[Run, ...]:
        """Return every run of which a container may exist."""
        return await self._runs(select(runs).where(active()).order_by(runs.c.id))

    async def kept_claims(self) -> tuple[Run, ...]:
        """Return the runs that are over and whose claim had to be kept."""
        # By the claims: there is one per stack at most, however many runs there were.
        theirs = select(runs).join(claims, claims.c.run == runs.c.id)
        return await self._runs(theirs.where(runs.c.keeps_claim).order_by(runs.c.id))

    async def conclusion(self, run: RunId) -> Ended | Plan | None:
        """Return how the container of a run ended, where that was kept."""
        kept = select(runs.c.concluded).where(runs.c.id == run)
        async with self._database.read("ask how a container ended") as db:
            text = (await db.execute(kept)).scalar_one_or_none()
        return None if text is None else conclusion_of(text)

    async def stops_asked(self, wanted: Sequence[RunId]) -> frozenset[RunId]:
        """Return those of *wanted* that somebody asked to stop."""
        asked = runs.c.id.in_(wanted) & runs.c.stop_kind.is_not(None)
        async with self._database.read("ask what is to stop") as db:
            found = await db.execute(select(runs.c.id).where(asked))
            return frozenset(map(RunId, found.scalars()))

    async def hidden_later(
        self, run: RunId, after: int
    ) -> tuple[tuple[int, bytes], ...]:
        """Return what `hide_later` kept behind the piece numbered *after*, numbered."""
        async with self._database.read("ask what is to be hidden") as db:
            return await sealed.kept(db, run, after)

    async def transitions(self, run: RunId) -> tuple[Transition, ...]:
        """Return the changes of state of a run, in order."""
        of_run = select(transitions).where(transitions.c.run == run)
        async with self._database.read("read the transitions of a run") as db:
            rows = await db.execute(of_run.order_by(transitions.c.ordinal))
            return tuple(map(transition_of, rows.mappings()))

    async def head(self, run: RunId) -> AuditHead | None:
        """Return the audit row that a run ended with; None while it goes on."""
        async with self._database.read("read the audit row of a run's end") as db:
            return await audit.head_of(db, run)

    async def thread(self, thread: ThreadId) -> Thread:
        """Return a thread, or raise LookupError."""
        found = await self._thread(_THREADS.where(threads.c.id == thread))
        if found is None:
            raise LookupError(f"there is no thread {thread}")
        return found

    async def thread_at(self, channel: ChannelId, ts: str) -> Thread | None:
        """Return the thread whose first message that is, or was before it moved."""
        began = (threads.c.channel == channel) & (threads.c.ts == ts)
        there = (threads.c.fallback == channel) & (threads.c.fallback_ts == ts)
        place = began | there
        return await self._thread(_THREADS.where(place))

    async def output_size(self, run: RunId) -> int:
        """Return how many bytes of output were kept, redacted since or not."""
        async with self._database.read("measure the output of a run") as db:
            return await output.size(db, run)

    async def output_position(self, run: RunId) -> int:
        """Return how much of the container's output is kept; 0 for none."""
        async with self._database.read("ask how far the output is kept") as db:
            return await output.position(db, run)

    async def output(self, run: RunId) -> AsyncIterator[bytes]:
        """Yield the kept output, in order.

        A transaction per chunk: whoever reads slowly keeps nobody waiting.
        """
        start = 0
        while chunk := await self._chunk(run, start):
            if chunk.data:
                yield chunk.data
            start = chunk.end

    async def output_from(
        self, run: RunId, start: int
    ) -> AsyncIterator[tuple[int, bytes]]:
        """Yield what was kept from *start* on, each piece with where the next begins.

        A piece of which nothing is left is empty. A transaction per piece.
        """
        while chunk := await self._chunk_from(run, start):
            yield chunk.end, chunk.data
            start = chunk.end

    async def tail(self, run: RunId, size: int) -> bytes:
        """Return the last *size* bytes of the kept output."""
        async with self._database.read("read the last output of a run") as db:
            return await output.tail(db, run, size)

    async def _chunk(self, run: RunId, start: int) -> Chunk | None:
        async with self._database.read("read the output of a run") as db:
            return await output.chunk_at(db, run, start)

    async def _chunk_from(self, run: RunId, start: int) -> Chunk | None:
        async with self._database.read("read the output of a run") as db:
            return await output.rest_of(db, run, start)

    async def _runs(self, query: Select[*tuple[object, ...]]) -> tuple[Run, ...]:
        async with self._database.read("read runs") as db:
            return await _all_runs(db, query)

    async def _thread(self, query: Select[*tuple[object, ...]]) -> Thread | None:
        async with self._database.read("read a thread") as db:
            row = (await db.execute(query)).mappings().one_or_none()
            return None if row is None else thread_of(row)


async def _all_runs(
    db: AsyncConnection, query: Select[*tuple[object, ...]]
) -> tuple[Run, ...]:
    return tuple(map(run_of, (await db.execute(query)).mappings()))
