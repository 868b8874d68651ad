"""An open store, and the steps that tests take with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from sqlalchemy import text

from bot.domain.audit import Deed
from bot.domain.lock import Claim
from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, Run, RunState
from bot.domain.telling import Telling
from bot.ports import Ended, NewRun, Plan
from bot.store import audit
from bot.store.approvals import SqlApprovals
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.keys import SqlKeys
from bot.store.outbox import SqlOutbox
from bot.store.record import SqlRecord
from tests.support.builders import (
    a_deploy,
    a_new_run,
    an_actor,
    an_announced_run,
    later,
)

FINISHED = Ended(state=RunState.FINISHED, actor=HANDRAIL, exit_code=0)
LOST = Ended(state=RunState.FAILED, actor=HANDRAIL, reason=Reason.LOST)
PLAN = Plan(summary="1 to add\n+ aws_vpc.main", digest="c0ffee")
#: the global admins
ABOVE = frozenset({an_actor("ada").id})
UNPROVEN = Ended(
    state=RunState.FAILED, actor=HANDRAIL, reason=Reason.ENGINE, release=False
)

_STEPS = (
    RunState.QUEUED,
    RunState.READY,
    RunState.PREPARING,
    RunState.INITIALIZING,
    RunState.PERFORMING,
)


_PASSED = (
    "UPDATE replicas SET lease = lease - CAST(:passed AS interval)",
    "UPDATE replicas SET since = since - CAST(:passed AS interval)",
    "UPDATE duties SET lease = lease - CAST(:passed AS interval)",
)


@dataclass
class Hours:
    """How late it is for leases, also where the database's own time counts."""

    now: datetime = field(default_factory=lambda: later(0))

    async def pass_until(self, at: datetime, database: Database) -> None:
        """Let it be *at*, by having begun every lease earlier."""
        passed, self.now = at - self.now, at
        async with database.write("let time pass") as db:
            if passed and db.dialect.name != "sqlite":
                for update in _PASSED:
                    await db.execute(text(update), {"passed": passed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The ports over one database."""

    database: Database
    record: SqlRecord
    archive: SqlArchive
    outbox: SqlOutbox
    keys: SqlKeys
    approvals: SqlApprovals
    hours: Hours = field(default_factory=Hours)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, above: frozenset[str] = ABOVE, patience: float = 30
    ) -> AsyncIterator[Self]:
        """Open the store at *url*; *above* are the ids of the global admins."""
        async with Database.open(url, patience=patience) as database:
            yield cls(
                database=database,
                record=SqlRecord(database, above),
                archive=SqlArchive(database),
                outbox=SqlOutbox(database),
                keys=SqlKeys(database),
                approvals=SqlApprovals(database, above),
            )

    async def run_in(self, state: RunState, new: NewRun | None = None) -> Run:
        """Submit a run and bring it to a state on the way to performing."""
        run = await self.record.submit(new or a_new_run(), later(0))
        steps = _STEPS[1 : _STEPS.index(state) + 1]
        for seconds, step in enumerate(steps, start=1):
            await self._step(run, step, seconds)
        return await self.archive.run(run.id)

    async def finished(self, new: NewRun | None = None) -> Run:
        """Submit a run and see it through."""
        run = await self.run_in(RunState.PERFORMING, new)
        return await self.record.end(run.id, FINISHED, later(9))

    async def unconfirmed(self, new: NewRun | None = None) -> Run:
        """Submit a tracked run and see it to its plan."""
        run = await self.run_in(RunState.INITIALIZING, new or a_deploy())
        await self.record.advance(run.id, RunState.PLANNING, later(4))
        return await self.record.planned(run.id, PLAN, later(5))

    async def performing_outside(self, new: NewRun | None = None) -> tuple[Run, Claim]:
        """Announce a run and have its CI begin it."""
        run = await self.run_in(RunState.READY, new or an_announced_run())
        claim = await self.record.begin(run.id, later(2))
        assert claim is not None
        return await self.archive.run(run.id), claim

    async def deeds(self) -> list[Deed]:
        """Return what the audit rows say."""
        return [row.deed async for row in audit.read(self.database)]

    async def told(self) -> list[Telling]:
        """Deliver every letter, and return what was told, in order."""
        told: list[Telling] = []
        while letters := await self.outbox.due(later(3600)):
            for letter in letters:
                told.append(letter.telling)
                await self.outbox.delivered(letter, f"{letter.id}.5")
        return told

    async def _step(self, run: Run, step: RunState, seconds: int) -> None:
        if step is RunState.READY:
            await self.record.promote(later(seconds))
        elif step is RunState.PREPARING:
            await self.record.start(run.id, later(seconds))
        else:
            await self.record.advance(run.id, step, later(seconds))
