"""What the record of coordination should be, by the pure algebra alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.approval import Outcome
from bot.domain.audit import Verb
from bot.domain.errors import IllegalTransition, StaleFence
from bot.domain.lock import LEASE, Claim, Hold, Locks, blocker, keeper
from bot.domain.people import Actor
from bot.domain.run import (
    STOPPABLE,
    Approval,
    Run,
    RunId,
    RunState,
    check_transition,
)
from bot.domain.stack import StackName
from bot.ports import Ended, StopAnswer

NOT_BEGUN = frozenset({RunState.QUEUED, RunState.READY})
DISCARDED = RunState.DISCARDED


class Model:
    """Runs, claims and holds as values. Each verb answers as the record's own does."""

    def __init__(self, above: frozenset[str]) -> None:
        self.above = above
        self.locks = Locks()
        self.runs: dict[RunId, Run] = {}  #: oldest first
        self.heard: dict[RunId, datetime] = {}  #: of outside runs
        self.wishes: set[tuple[StackName, Actor]] = set()
        self.granted: Counter[Actor] = Counter()
        self.deeds: Counter[Verb] = Counter()

    def queued(self, stack: StackName | None = None) -> list[Run]:
        """Return the queued runs that wait for nobody, of one stack or of all."""
        queued = [run for run in self.runs.values() if run.state is RunState.QUEUED]
        in_line = [run for run in queued if run.approval is not Approval.PENDING]
        return [run for run in in_line if stack in (None, run.stack)]

    def add(self, run: Run) -> None:
        """Take a run that was recorded."""
        self.runs[run.id] = run
        if run.outside:
            self.heard[run.id] = run.created_at

    def promote(self, at: datetime) -> list[RunId]:
        """Claim the free stacks for their first runs."""
        first = self.locks.next(self.queued(), above=self.above)
        for run in first:
            taken = self.locks.claim(run.stack, run.id, at)
            assert isinstance(taken, Locks)
            self.locks = taken
            self._move(run.id, RunState.READY, at)
        return [run.id for run in first]

    def start(self, run: RunId, at: datetime) -> RunState | None:
        """Move a ready run on, or back where a hold keeps it by now."""
        ready = self.runs[run]
        if self._is_kept(ready):
            self._move(run, RunState.QUEUED, at)
            self._release(run)
            return None
        return self._move(run, RunState.PREPARING, at)

    def begin(self, run: RunId, at: datetime) -> Claim | None:
        """Let the CI of a ready run perform."""
        if self.runs[run].state is not RunState.READY:
            raise IllegalTransition
        self._hear(run, at)
        if self.start(run, at) is None:
            return None
        self._move(run, RunState.PERFORMING, at)
        return self.locks.claims[self.runs[run].stack]

    def heartbeat(self, run: RunId, fence: int | None, at: datetime) -> None:
        """Hear of the CI of an outside run."""
        known = self.runs[run]
        if known.state.is_terminal:
            raise IllegalTransition
        claim = self.locks.claims.get(known.stack)
        if fence is not None and (
            claim is None or (claim.run, claim.fence) != (run, fence)
        ):
            raise StaleFence
        if fence is None and known.state is RunState.PERFORMING:
            raise StaleFence
        self._hear(run, at)

    def lapse(self, at: datetime) -> list[RunId]:
        """Tell what was not heard of for a lease."""
        silent = [run for run, heard in self.heard.items() if heard + LEASE <= at]
        told = [run for run in silent if self._is_to_be_told(self.runs[run])]
        for run in told:
            if self.runs[run].state is RunState.PERFORMING:
                self.runs[run] = replace(self.runs[run], lost_since=at)
            else:
                self._end(run, DISCARDED, at)
        return told

    def propose(self, run: RunId, subject: str, at: datetime) -> bool:
        """Have people agree to *subject*, and to nothing that the run was before."""
        before = self.runs[run]
        if before.approval is Approval.NONE or before.state not in NOT_BEGUN:
            return False
        if before.state is RunState.READY:
            self._move(run, RunState.QUEUED, at)
            self._release(run)
        self.runs[run] = replace(
            self.runs[run], subject=subject, approval=Approval.PENDING
        )
        return True

    def judge(
        self, run: RunId, outcome: Outcome, subject: str | None, at: datetime
    ) -> bool:
        """Let a pending run go on, or fail, unless it is another by now."""
        before = self.runs[run]
        if not before.waits_for_approval or before.subject != subject:
            return False
        if outcome is Outcome.REJECTED:
            self._end(run, RunState.FAILED, at)
        elif outcome is Outcome.APPROVED:
            self.runs[run] = replace(before, approval=Approval.APPROVED)
        return True

    def advance(self, run: RunId, at: datetime) -> RunState | None:
        """Let a preparing run perform, unless it was asked to stop."""
        active = self.runs[run]
        check_transition(run, active.state, RunState.PERFORMING)
        if active.stop_asked_by is not None:
            return None
        return self._move(run, RunState.PERFORMING, at)

    def end(self, run: RunId, ended: Ended, at: datetime) -> bool:
        """End a run, and tell whether it keeps its claim."""
        check_transition(run, self.runs[run].state, ended.state)
        claim = self.locks.claims.get(self.runs[run].stack)
        keeps = not ended.release and claim is not None and claim.run == run
        self._end(run, ended.state, at, keeps=keeps)
        return keeps

    def settle(self, run: RunId) -> bool:
        """Release a claim that an ended run had to keep."""
        if not self.runs[run].keeps_claim:
            return False
        self.runs[run] = replace(self.runs[run], keeps_claim=False)
        self._release(run)
        return True

    def stop(self, run: RunId, actor: Actor, at: datetime) -> StopAnswer:
        """Ask a run to stop."""
        state = self.runs[run].state
        if state.is_terminal:
            return StopAnswer.OVER
        if state in NOT_BEGUN:
            self._end(run, DISCARDED, at)
            return StopAnswer.DISCARDED
        if state not in STOPPABLE:
            return StopAnswer.TOO_LATE
        self.runs[run] = replace(self.runs[run], stop_asked_by=actor)
        return StopAnswer.ASKED

    def hold(
        self, wanted: Sequence[Hold], verb: Verb = Verb.HELD
    ) -> tuple[bool, set[Hold]]:
        """Take holds, or say whose are in the way."""
        after = self.locks.hold(wanted)
        if not isinstance(after, Locks):
            return False, set(after)
        self.locks = after
        self.deeds[verb] += 1
        return True, {after.holds[hold.stack] for hold in wanted}

    def release_holds(self, holds: Sequence[Hold]) -> bool:
        """Release exactly *holds*."""
        after = self.locks.release_holds(holds)
        self.locks = after or self.locks
        self.deeds[Verb.RELEASED] += after is not None
        return after is not None

    def steal(self, held: Hold, wanted: Hold) -> bool:
        """Put one hold in the place of another."""
        after = self.locks.steal(held, wanted)
        self.locks = after or self.locks
        self.deeds[Verb.STOLEN] += after is not None
        return after is not None

    def expire(self, at: datetime) -> tuple[Hold, ...]:
        """Release what has come to its end."""
        self.locks, over = self.locks.expire(at)
        self.deeds[Verb.EXPIRED] += len(over)
        return over

    def grant_wishes(self) -> None:
        """Forget the wishes of whoever could run something now."""
        for stack, actor in sorted(self.wishes, key=str):
            occupancy = self.locks.occupancy(stack)
            is_free = blocker(occupancy, actor, above=self.above) is None
            if is_free and not self.queued(stack):
                self.wishes.discard((stack, actor))
                self.granted[actor] += 1

    def _is_kept(self, run: Run) -> bool:
        occupancy = self.locks.occupancy(run.stack)
        return keeper(occupancy, run.actor, above=self.above) is not None

    def _is_to_be_told(self, run: Run) -> bool:
        is_lost = run.state is RunState.PERFORMING and run.lost_since is None
        return is_lost or run.state in NOT_BEGUN

    def _hear(self, run: RunId, at: datetime) -> None:
        self.heard[run] = at
        self.runs[run] = replace(self.runs[run], lost_since=None)
        self.locks = self.locks.renew(run, at)

    def _move(self, run: RunId, to: RunState, at: datetime) -> RunState:
        self.runs[run] = self.runs[run].moved(to, at=at)
        return to

    def _end(
        self, run: RunId, to: RunState, at: datetime, *, keeps: bool = False
    ) -> None:
        self._move(run, to, at)
        self.runs[run] = replace(self.runs[run], keeps_claim=keeps)
        if not keeps:
            self._release(run)

    def _release(self, run: RunId) -> None:
        self.locks = self.locks.release(run) or self.locks
