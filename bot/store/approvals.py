"""Approvals of runs, and what policies were asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import Judgment, Review, ReviewAnswer
from bot.domain.policy import Ruling
from bot.domain.run import Run, RunId
from bot.ports import Document
from bot.store import heard, reviewing, samples
from bot.store.database import Database
from bot.store.moves import fetch, pending
from bot.store.rows import run_of
from bot.store.tables import runs


class SqlApprovals:
    """The port `Approvals` in SQL. An unknown run raises LookupError."""

    def __init__(self, database: Database, above: frozenset[str] = frozenset()) -> None:
        """*above* are the ids of the global admins, whose runs no freeze keeps."""
        self._database = database
        self._above = above

    async def reviews(self, run: RunId) -> tuple[Review, ...]:
        """Return all reviews of *run*, oldest first, void ones too."""
        async with self._database.read("read the reviews of a run") as db:
            return await reviewing.reviews_of(db, run)

    async def pending(self) -> tuple[Run, ...]:
        """Return the runs whose approval is pending, oldest first."""
        waiting = select(runs).where(pending()).order_by(runs.c.id)
        async with self._database.read("look for runs that wait for people") as db:
            return tuple(map(run_of, (await db.execute(waiting)).mappings()))

    async def propose(self, run: RunId, subject: str, image: str, at: datetime) -> bool:
        """Note what exactly is to be agreed to, and the digest of its image.

        Reviews of another subject count no more; who gave them is told so. An
        approved run that has not begun is pending, and queued, again.
        """
        async with self._write(f"note what run {run} is") as db:
            now = await fetch(db, run)
            return await reviewing.propose(db, now, subject, image, at, self._above)

    async def review(self, review: Review) -> ReviewAnswer:
        """Record what somebody said of a pending run, with its audit row and line."""
        async with self._write(f"record a review of run {review.run}") as db:
            return await reviewing.review(db, await fetch(db, review.run), review)

    async def withdraw(
        self, run: RunId, ordinals: Sequence[int], why: str, at: datetime
    ) -> bool:
        """Count the reviews with these *ordinals* no more, and tell the thread *why*.

        An approved run that has not begun is pending, and queued, again.
        """
        async with self._write(f"withdraw reviews of run {run}") as db:
            now = await fetch(db, run)
            return await reviewing.withdraw(db, now, ordinals, why, at, self._above)

    async def judge(
        self,
        run: RunId,
        judgment: Judgment,
        at: datetime,
        *,
        seen: Sequence[Review],
        subject: str | None,
    ) -> bool:
        """Record what the rules make of a pending run: of *subject* and *seen* alone.

        False, and nothing, where it is of another subject by now, or its reviews are
        others than *seen*.
        """
        async with self._write(f"judge run {run}") as db:
            now = await fetch(db, run)
            if not await reviewing.is_as_seen(db, now, seen, subject):
                return False
            await reviewing.judge(db, now, judgment, at, self._above)
            return True

    async def expire(self, at: datetime) -> tuple[Run, ...]:
        """Discard the pending runs whose time is over, and return them."""
        # Looked for every few seconds, and hardly ever there.
        async with self._database.read("look for approvals that are over") as db:
            if not await _over(db, at):
                return ()
        async with self._write("discard runs that nobody agreed to") as db:
            over = await _over(db, at)
            return tuple(
                [await reviewing.discard(db, run, at, self._above) for run in over]
            )

    async def keep_sample(
        self, policy: str, document: Document, ruling: Ruling, at: datetime
    ) -> None:
        """Keep what *policy* was asked; the last hundred of each are kept."""
        async with self._database.write("keep what a policy was asked") as db:
            await samples.keep(db, policy, document, ruling, at)

    async def samples(self, policy: str) -> tuple[tuple[Document, Ruling], ...]:
        """Return what *policy* was asked, newest first, and what it answered."""
        async with self._database.read("read what a policy was asked") as db:
            return await samples.kept(db, policy)

    @asynccontextmanager
    async def _write(self, action: str) -> AsyncIterator[AsyncConnection]:
        async with self._database.write(action) as db:
            yield db
            await heard.acted(db)


async def _over(db: AsyncConnection, at: datetime) -> tuple[Run, ...]:
    late = pending() & (runs.c.approval_expires <= at)
    rows = await db.execute(select(runs).where(late).order_by(runs.c.id))
    return tuple(map(run_of, rows.mappings()))
