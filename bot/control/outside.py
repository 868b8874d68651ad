"""Runs that an outside CI performs: their way, and what happens when it is silent."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.control.access import Access
from bot.control.consent import Consent
from bot.domain.errors import (
    IllegalTransition,
    Refusal,
    Refused,
    StaleFence,
    StoreUnavailable,
)
from bot.domain.lock import LEASE, Claim
from bot.domain.people import Actor, Role
from bot.domain.run import ACTIVE, Reason, Run, RunId, RunState
from bot.domain.sentences import ending, span
from bot.domain.stack import Catalog, Stack
from bot.ports import Archive, Clock, Ended, Record

log = structlog.get_logger(__name__)

#: how often the leases of runs that this process drives are renewed
RENEWAL: Final = timedelta(seconds=20)
_LOOK_SECONDS: Final = 5.0
#: a look that comes so much later than it should tells of a host that was suspended
_LATE_SECONDS: Final = 30.0


class Outside:
    """What a CI may do with a run that it announced itself.

    Raises Refused: NOT_ALLOWED to anybody else, UNKNOWN_RUN, TOO_LATE where the run
    is not where it would have to be, STALE where the fence is not its claim's.
    """

    def __init__(
        self,
        *,
        access: Access,
        catalog: Catalog,
        record: Record,
        archive: Archive,
        consent: Consent,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """*wake* has somebody look soon whether another run may start."""
        self._access = access
        self._catalog = catalog
        self._record = record
        self._archive = archive
        self._consent = consent
        self._clock = clock
        self._wake = wake

    async def begin(self, actor: Actor, run_id: RunId) -> Claim:
        """Let the CI perform its ready run.

        Granted once: a CI that did not hear the answer reads the run's fence.
        """
        run = await self._announced(actor, run_id)
        stack = self._catalog.stack(run.stack)
        await self._access.require(Role.WRITER, actor, stack, fresh=True)
        await self._require_consent(run, stack)
        try:
            claim = await self._record.begin(run.id, self._clock())
        except IllegalTransition as refused:
            raise _not_ready(await self._archive.run(run.id)) from refused
        if claim is None:
            raise _too_late(
                f"A hold was taken before run {run.id} began, so it waits again."
            )
        return claim

    async def heartbeat(self, actor: Actor, run_id: RunId, fence: int | None) -> Run:
        """Note that the CI is alive; *fence* is None before its run performs."""
        run = await self._announced(actor, run_id)
        try:
            return await self._record.heartbeat(run.id, fence, self._clock())
        except IllegalTransition as over:
            raise _is_over(await self._archive.run(run.id)) from over
        except StaleFence as stale:
            raise _stale(run) from stale

    async def finish(
        self, actor: Actor, run_id: RunId, fence: int, exit_code: int
    ) -> Run:
        """Record how the CI's command ended, and release the stack.

        The same end may be reported again.
        """
        run = await self._announced(actor, run_id)
        if run.state.is_terminal:
            return _as_reported(run, exit_code)
        try:
            # A CI that speaks is not lost, and what is over was not when it ended.
            heard = await self._record.heartbeat(run.id, fence, self._clock())
            if heard.state is not RunState.PERFORMING:
                raise _too_late(f"Run {run.id} is {heard.state}: it has not begun.")
            over = await self._record.end(
                run.id, _ended(actor, exit_code), self._clock()
            )
        except StaleFence as stale:
            raise _stale(run) from stale
        except IllegalTransition:  # another hand was first
            return _as_reported(await self._archive.run(run.id), exit_code)
        self._wake()
        return over

    async def settle(self, actor: Actor, run_id: RunId, reason: str) -> bool:
        """End a run that was lost sight of, for an admin, and release the stack.

        False, and nothing, where it is over, or driven by Handrail and in sight.
        """
        run = await self._run(run_id)
        if not _may_be_lost(run):
            return False
        if not reason:
            raise Refused(
                "Say why, because it goes on the record: release: <reason>. Make "
                "sure first that the command is really over.",
                reason=Refusal.NO_REASON,
            )
        if not await self._record.settle(run.id, actor, reason, self._clock()):
            raise _not_lost(await self._archive.run(run.id))
        self._wake()
        return True

    async def _require_consent(self, run: Run, stack: Stack) -> None:
        if run.state is not RunState.READY:
            return  # that it cannot begin yet, or any more, is said of it
        if not await self._consent.stands(run):
            raise _too_late(
                f"What was agreed to of run {run.id} does not stand any more, so it "
                "waits for approval again."
            )
        await self._consent.require(run, stack)

    async def _announced(self, actor: Actor, run_id: RunId) -> Run:
        run = await self._run(run_id)
        if not run.actor.is_same(actor):
            raise _not_allowed(
                f"Run {run_id} is of {run.actor.name or run.actor.id}; only the key "
                "that announced a run can speak for it."
            )
        if not run.outside:
            raise _not_allowed(
                f"Run {run_id} is performed by Handrail itself; only an announced one "
                "is performed outside."
            )
        return run

    async def _run(self, run_id: RunId) -> Run:
        try:
            return await self._archive.run(run_id)
        except LookupError as unknown:
            raise Refused(
                f"There is no run {run_id}.", reason=Refusal.UNKNOWN_RUN
            ) from unknown


class Leases:
    """Keeps alive what this process drives, and finds what is silent elsewhere.

    While the bot, its host or its store was away no CI could be heard, so for a
    lease afterwards none is called lost.
    """

    def __init__(
        self,
        *,
        record: Record,
        driven: Callable[[], Sequence[RunId]],
        clock: Clock,
        wake: Callable[[], None],
        host: Callable[[], float] = time.time,
    ) -> None:
        """*driven* returns the runs that this process drives now.

        *host* is the host's own time in seconds. It goes on while it is suspended,
        which a monotonic one does not.
        """
        self._record = record
        self._driven = driven
        self._clock = clock
        self._wake = wake
        self._host = host
        self._looked: float | None = None  # by the host's time
        self._renew_at: datetime | None = None  # None: at once
        self._lapse_from: datetime | None = None  # None: a lease from now

    async def serve(self) -> None:
        """Look every five seconds until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Renew and lapse what is due. A store that is away is waited for."""
        at = self._clock()
        if self._is_late():
            self._renew_at = self._lapse_from = None
            log.warning("host was suspended, leases begin anew")
        try:
            await self._renew(at)
            await self._lapse(at)
        except StoreUnavailable as away:
            self._renew_at = self._lapse_from = None
            log.warning("store away, leases wait", error=str(away))

    def _is_late(self) -> bool:
        before, self._looked = self._looked, self._host()
        due = _LOOK_SECONDS + _LATE_SECONDS
        return before is not None and self._looked - before > due

    async def _renew(self, at: datetime) -> None:
        if self._renew_at is not None and at < self._renew_at:
            return
        driven = self._driven()
        if driven:
            await self._record.renew(driven, at)
        self._renew_at = at + RENEWAL

    async def _lapse(self, at: datetime) -> None:
        if self._lapse_from is None:
            self._lapse_from = at + LEASE
        if at < self._lapse_from:
            return
        lapsed = await self._record.lapse(at)
        for run in lapsed:
            log.warning("outside run unheard", run=run.id, state=run.state.value)
        if lapsed:
            self._wake()


def _may_be_lost(run: Run) -> bool:
    if run.outside:
        return run.state is RunState.PERFORMING
    return run.state in ACTIVE and run.lost_since is not None


def _ended(actor: Actor, exit_code: int) -> Ended:
    if exit_code == 0:
        return Ended(state=RunState.FINISHED, actor=actor, exit_code=0)
    return Ended(
        state=RunState.FAILED,
        actor=actor,
        reason=Reason.EXIT_CODE,
        exit_code=exit_code,
    )


def _as_reported(run: Run, exit_code: int) -> Run:
    """Return the ended *run* if that is how it ended, or refuse."""
    if run.exit_code != exit_code:
        raise _is_over(run)
    return run


def _not_ready(run: Run) -> Refused:
    if run.state.is_terminal:
        return _is_over(run)
    if run.state is RunState.QUEUED:
        return _too_late(f"Run {run.id} waits: it is not its turn yet.")
    return _too_late(f"Run {run.id} is {run.state}: it has begun already.")


def _is_over(run: Run) -> Refused:
    return _too_late(f"Run {run.id} is over: {ending(run)}.")


def _not_lost(run: Run) -> Refused:
    if run.state.is_terminal:
        return _is_over(run)
    return Refused(
        f"The CI that performs run {run.id} is still heard of, so it may be changing "
        f"state. Once it is silent for {span(LEASE)}, an admin can release the stack.",
        reason=Refusal.UNSAFE,
    )


def _stale(run: Run) -> Refused:
    return Refused(
        f"That is not the fence of run {run.id} on {run.stack}: what it stands for "
        "is over, or has not begun.",
        reason=Refusal.STALE,
    )


def _too_late(sentence: str) -> Refused:
    return Refused(sentence, reason=Refusal.TOO_LATE)


def _not_allowed(sentence: str) -> Refused:
    return Refused(sentence, reason=Refusal.NOT_ALLOWED)
