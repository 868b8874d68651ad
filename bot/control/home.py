"""What one person sees of Handrail: their runs, what waits for them, their stacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.control.access import Access
from bot.control.policing import Policing
from bot.control.reviewers import reviews_of
from bot.control.usable import Usable, within_reach
from bot.domain.errors import RoleSourceUnavailable
from bot.domain.lock import EVERY, Hold
from bot.domain.people import Actor, TeamId, UserId
from bot.domain.run import Run
from bot.domain.stack import Catalog, StackName
from bot.ports import Approvals, Archive, Clock, RunQuery, Thread

#: of each kind; who has more finds them in the threads, and in `/task history`
MOST_RUNS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A run, and the thread that tells of it."""

    run: Run
    thread: Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRow:
    """A stack that somebody may use, and who has it now."""

    usable: Usable
    running: Run | None = None
    hold: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage:
    """All of it, as it is now."""

    at: datetime
    mine: tuple[Told, ...]  #: newest first
    waiting: tuple[Told, ...]  #: for this person's approval, oldest first
    more_waiting: int  #: that are not among them
    stacks: tuple[StackRow, ...]  #: those that somebody has first, then by name
    freeze: Hold | None = None
    unknown: tuple[StackName, ...] = ()  #: nobody can tell who may use these now


class Home:
    """Only looks; raises Refused, RoleSourceUnavailable and StoreUnavailable."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        archive: Archive,
        approvals: Approvals,
        policing: Policing,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._archive = archive
        self._approvals = approvals
        self._policing = policing
        self._clock = clock

    async def __call__(self, user: UserId, team: TeamId) -> HomePage:
        """Return what *user* sees now."""
        actor = (await self._access.member(user, team)).actor
        within = await within_reach(self._access, self._catalog, actor)
        holds = {hold.stack: hold for hold in await self._archive.holds()}
        waiting = [
            it
            for it in await self._approvals.pending()
            if await self._is_asked(actor, it)
        ]
        return HomePage(
            at=self._clock(),
            mine=await self._told(await self._runs_of(actor)),
            waiting=await self._told(waiting[:MOST_RUNS]),
            more_waiting=max(0, len(waiting) - MOST_RUNS),
            stacks=await self._rows(within.stacks, holds),
            freeze=holds.get(EVERY),
            unknown=within.unknown,
        )

    async def _runs_of(self, actor: Actor) -> tuple[Run, ...]:
        return await self._archive.runs(RunQuery(actor=actor.id, limit=MOST_RUNS))

    async def _is_asked(self, actor: Actor, run: Run) -> bool:
        """Tell whether *run* waits for *actor*, who has said nothing of it."""
        stack = self._catalog.stacks.get(run.stack)
        if stack is None or run.subject is None:
            return False
        try:
            if not await self._policing.may_review(actor, stack, run):
                return False
        except RoleSourceUnavailable:
            return False
        given = await reviews_of(self._approvals, run)
        return not any(it.actor.is_same(actor) for it in given.current)

    async def _told(self, runs: Sequence[Run]) -> tuple[Told, ...]:
        return tuple(
            [
                Told(run=run, thread=await self._archive.thread(run.thread))
                for run in runs
            ]
        )

    async def _rows(
        self, stacks: Sequence[Usable], holds: Mapping[StackName, Hold]
    ) -> tuple[StackRow, ...]:
        running = {run.stack: run for run in await self._archive.active_runs()}
        rows = [
            StackRow(
                usable=it,
                running=running.get(it.stack.name),
                hold=holds.get(it.stack.name),
            )
            for it in stacks
        ]
        return tuple(sorted(rows, key=_is_free))


def _is_free(row: StackRow) -> bool:
    return row.hold is None and row.running is None
