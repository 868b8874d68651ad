"""What people say to a plan: yes, or no."""

from typing import assert_never

from bot.control.access import Access
from bot.control.hold_refusals import HoldRefusals
from bot.control.schedule import Schedule
from bot.domain.errors import IllegalTransition, Refusal, Refused
from bot.domain.lock import keeper
from bot.domain.people import Actor, Role
from bot.domain.run import WAITING, Run, RunId, RunState, RunType
from bot.domain.stack import Catalog
from bot.ports import Archive, Clock, Record, StopAnswer


class Deploy:
    """Confirms and discards; the confirmer is a writer of the stack, and recorded."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        record: Record,
        archive: Archive,
        clock: Clock,
        schedule: Schedule,
        refusals: HoldRefusals,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._record = record
        self._archive = archive
        self._clock = clock
        self._schedule = schedule
        self._refusals = refusals

    async def confirm(self, run_id: RunId, actor: Actor) -> None:
        """Have the plan of a run applied, or refuse."""
        run = await self._unconfirmed(run_id, actor)
        try:
            await self._record.confirm(run.id, actor, self._clock())
        except IllegalTransition as late:
            # Another hand was first, a moment ago.
            raise _too_late(await self._archive.run(run.id)) from late
        self._schedule.wake()

    async def _unconfirmed(self, run_id: RunId, actor: Actor) -> Run:
        run = await self._archive.run(run_id)
        stack = self._catalog.stack(run.stack)
        role = await self._access.require(Role.WRITER, actor, stack)
        if run.state is not RunState.UNCONFIRMED or run.confirmed_by is not None:
            raise _too_late(run)
        occupancy = await self._archive.occupancy(stack.name)
        hold = keeper(occupancy, actor, above=self._catalog.above)
        if hold is not None:
            raise self._refusals.held(actor, role, hold, asked=stack.name)
        return run

    async def discard(self, run_id: RunId, actor: Actor) -> None:
        """End a run that has not begun, or whose plan is not being applied."""
        run = await self._archive.run(run_id)
        stack = self._catalog.stack(run.stack)
        await self._access.require(Role.WRITER, actor, stack)
        if run.state not in WAITING:
            raise _too_late(run)
        became = await self._record.ask_stop(run.id, actor, self._clock())
        match became:
            case StopAnswer.DISCARDED:
                self._schedule.wake()
            case StopAnswer.ASKED:  # it left the queue a moment ago
                self._schedule.stop(run.id)
            case StopAnswer.TOO_LATE | StopAnswer.OVER:
                raise _too_late(await self._archive.run(run.id))
            case _:
                assert_never(became)


def _too_late(run: Run) -> Refused:
    return Refused(_now(run), reason=Refusal.TOO_LATE)


def _now(run: Run) -> str:
    """Say why there is nothing to confirm or to discard."""
    if run.confirmed_by is not None and not run.state.is_terminal:
        name = run.confirmed_by.name or run.confirmed_by.id
        so_far = (
            "it waits for a free slot"
            if run.state is RunState.UNCONFIRMED
            else f"it is {run.state}"
        )
        return f"{name} confirmed the plan of run {run.id} already; {so_far}."
    if run.state.is_terminal:
        again = f" Send /deploy {run.stack} for a new plan."
        more = again if run.type is RunType.TRACKED and not run.outside else ""
        return f"Run {run.id} is over ({run.state}), so nothing was done.{more}"
    return f"Run {run.id} is {run.state}, and has no plan that waits for anybody."
