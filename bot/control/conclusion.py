"""What the end of a run's container comes to: how the run ends, or its plan."""

import asyncio
from dataclasses import replace
from typing import Final

from bot.control.job import is_planned
from bot.control.means import Means
from bot.control.recorder import insisting
from bot.control.verdict import ended_of, failed, lacks_plan, plan_of, unproven
from bot.domain.run import Reason, Run, RunState
from bot.domain.state_lock import StateLock, state_lock_in
from bot.ports import Ended, Plan, Record
from runner.events import Ending, Outcome
from runner.job import Phase
from runner.masking.masker import Masks

_NOT_APPLIED: Final = "Nothing was applied. Send /deploy again for a new plan."
_NO_PLAN: Final = (
    "The plan could not be taken out of its container: there is no file at "
    "$HANDRAIL_PLAN, or it is larger than 16 MiB. So nothing can be confirmed."
)
_NO_CHANGES: Final = "The plan changes nothing, so there is nothing to apply."
#: bytes at the end of the output in which a state lock is looked for
_SEARCHED: Final = 64 << 10


class Conclusion:
    """Of one container: kept before it is removed, and asked for after."""

    def __init__(self, means: Means, record: Record, run: Run, masks: Masks) -> None:
        """Conclude *run* for its owner, whose container begins to be followed.

        *masks* hide by now what its job has to hide.
        """
        self._means = means
        self._record = record
        self._run = run
        self.masks = masks
        self._given = masks.secrets
        self._kept: Ended | Plan | None = None

    async def keep(self, outcome: Outcome) -> None:
        """Store how it ended, before its container is removed."""
        kept = self._kept = await self._of(outcome)
        await insisting(lambda: self._record.conclude(self._run.id, kept))

    async def at_last(self, outcome: Outcome) -> Ended | Plan:
        """Return how it ended, also where its container was removed since."""
        if not outcome.container_gone:
            return await self._of(outcome)
        if self._kept is None and outcome.ending is Ending.LOST:
            archive = self._means.archive
            self._kept = await insisting(lambda: archive.conclusion(self._run.id))
        return self._kept or await self._of(outcome)

    async def _of(self, outcome: Outcome) -> Ended | Plan:
        run = self._run
        ended = ended_of(outcome, changes=not is_planned(run))
        if ended.state is RunState.FAILED:
            ended = replace(ended, state_lock=await self._state_lock())
        if is_planned(run) and ended.state is RunState.FINISHED:
            return await self._plan(outcome)
        if run.state is RunState.APPLYING and outcome.phase is not Phase.PERFORMING:
            return replace(ended, note=f"{ended.note} {_NOT_APPLIED}".strip())
        return ended

    async def _plan(self, outcome: Outcome) -> Ended | Plan:
        """Return the plan that was made, if it would change much."""
        if not outcome.container_gone:
            return unproven(outcome)
        if lacks_plan(self._run, outcome):
            return failed(Reason.ENGINE, _NO_PLAN)
        made = await asyncio.to_thread(plan_of, outcome, self.masks)
        if made is None:
            return replace(ended_of(outcome, changes=False), note=_NO_CHANGES)
        # What was learned by now is to be hidden from what applies it, too.
        learned = [one for one in self.masks.secrets if one not in self._given]
        if learned:
            following, run = self._means.following, self._run.id
            await insisting(lambda: following.hide(run, *learned))
        return made

    async def _state_lock(self) -> StateLock | None:
        archive = self._means.archive
        last = await insisting(lambda: archive.tail(self._run.id, _SEARCHED))
        return state_lock_in(last)
