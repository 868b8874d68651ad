"""See to the runs that wait for approval: what exactly is asked, what comes of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import structlog

from bot.control.consent import is_as_agreed
from bot.control.policing import Policing
from bot.control.secrecy import Secrecy
from bot.control.verdict import failed, sentence
from bot.domain.approval import Judgment, Outcome, Review, counted, subject_of
from bot.domain.errors import (
    IllegalTransition,
    PolicyUnavailable,
    RoleSourceUnavailable,
    StoreUnavailable,
)
from bot.domain.run import Reason, Run, RunId
from bot.domain.stack import Catalog, Stack
from bot.ports import Approvals, Clock, Record
from runner.engine import Engine
from runner.errors import ImageUnavailable, RunnerError

log = structlog.get_logger(__name__)

#: Somebody wakes it whenever something was said; this is for the rest.
_LOOK_SECONDS: Final = 5.0
_UNTIL_THEN: Final = "So nothing is approved yet; Handrail asks again."

#: what a judgment was made of
_Seen = tuple[str, tuple[Review, ...]]


class Adjudicate:
    """Proposes, judges and expires; a run that is under way keeps no other waiting."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        record: Record,
        approvals: Approvals,
        policing: Policing,
        engine: Engine,
        secrecy: Secrecy,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """*wake* has somebody look soon whether a run may start."""
        self._catalog = catalog
        self._record = record
        self._approvals = approvals
        self._policing = policing
        self._engine = engine
        self._secrecy = secrecy
        self._clock = clock
        self._wake_schedule = wake
        self._woken = asyncio.Event()
        self._going: dict[RunId, asyncio.Task[None]] = {}
        self._again = False  #: somebody woke it for a run that was under way
        self._judged: dict[RunId, _Seen] = {}

    def wake(self) -> None:
        """Look soon: something was said, or something waits anew."""
        self._woken.set()

    async def serve(self) -> None:
        """Look until cancelled, when woken and every five seconds."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                await self._begin(group)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._woken.wait()

    async def look(self) -> None:
        """See once to every run that waits."""
        async with asyncio.TaskGroup() as group:
            await self._begin(group)

    async def _begin(self, group: asyncio.TaskGroup) -> None:
        try:
            for run in await self._approvals.expire(self._clock()):
                log.info("approval expired", run=run.id)
            pending = await self._approvals.pending()
        except StoreUnavailable as away:
            log.warning("store away, nothing is judged", error=str(away))
            return
        for run_id in self._judged.keys() - {run.id for run in pending}:
            del self._judged[run_id]
        for run in pending:
            if run.id in self._going:
                self._again = True
            else:
                self._going[run.id] = group.create_task(self._seen_to(run))

    async def _seen_to(self, run: Run) -> None:
        try:
            await self._see_to(run)
        except StoreUnavailable as away:
            log.warning("store away, run is judged later", run=run.id, error=str(away))
        except Exception:
            # Whatever it was, nobody has agreed: the run waits, and others go on.
            log.exception("run could not be judged", run=run.id)
        finally:
            del self._going[run.id]
            if self._again:  # what it was woken for may be newer than what it saw
                self._again = False
                self._woken.set()

    async def _see_to(self, run: Run) -> None:
        stack = self._catalog.stacks.get(run.stack)
        if stack is None:
            given = await self._approvals.reviews(run.id)
            await self._judge(run, given, _former(run))
            return
        proposed = await self._proposed(run, stack)
        while proposed is not None and not await self._is_judged(proposed, stack):
            pass  # somebody said something meanwhile

    async def _is_judged(self, run: Run, stack: Stack) -> bool:
        """Judge *run*; False where that was overtaken by another review."""
        given = await self._approvals.reviews(run.id)
        seen = (run.subject or "", given)
        if self._judged.get(run.id) == seen:
            return True
        try:
            reviews = counted(given, run.subject or "")
            judgment = await self._policing.judge(run, stack, reviews)
        except (PolicyUnavailable, RoleSourceUnavailable) as unknown:
            log.warning("run not judged", run=run.id, error=str(unknown))
            await self._judge(run, given, _undecided(str(unknown)))
            return True
        if await self._judge(run, given, judgment):
            self._judged[run.id] = seen
            return True
        # Judged anew after another review; whatever else became of it woke somebody.
        return await self._approvals.reviews(run.id) == given

    async def _judge(
        self, run: Run, given: tuple[Review, ...], judgment: Judgment
    ) -> bool:
        hidden = replace(
            judgment, notes=tuple(map(self._secrecy.hidden, judgment.notes))
        )
        stored = await self._approvals.judge(
            run.id, hidden, self._clock(), seen=given, subject=run.subject
        )
        if stored and judgment.outcome is not Outcome.UNDECIDED:
            log.info("run judged", run=run.id, outcome=judgment.outcome)
            self._wake_schedule()
        return stored

    async def _proposed(self, run: Run, stack: Stack) -> Run | None:
        """Return *run* as it is proposed to people; None: not now, or it is over."""
        if (run.image_digest or run.outside) and is_as_agreed(run, stack):
            return run
        image = "" if run.outside else await self._image(run, stack)
        if image is None:
            return None
        subject = subject_of(run, image, stack).digest
        at = self._clock()
        if not await self._approvals.propose(run.id, subject, image, at):
            return None
        return replace(run, subject=subject, image_digest=image)

    async def _image(self, run: Run, stack: Stack) -> str | None:
        """Return the digest of the image that would run; None: not to be had now."""
        try:
            return await self._engine.resolve(stack.image)
        except ImageUnavailable as lack:
            ended = failed(Reason.IMAGE, self._secrecy.hidden(sentence(str(lack))))
            with suppress(IllegalTransition):  # another hand was first
                await self._record.end(run.id, ended, self._clock())
            self._wake_schedule()
        except RunnerError as away:
            log.warning("engine away, run is proposed later", run=run.id)
            given = await self._approvals.reviews(run.id)
            await self._judge(run, given, _undecided(sentence(str(away))))
        return None


def _undecided(why: str) -> Judgment:
    return Judgment(outcome=Outcome.UNDECIDED, notes=(f"{why} {_UNTIL_THEN}",))


def _former(run: Run) -> Judgment:
    note = f"{run.stack} is not in handrail.yaml any more."
    return Judgment(outcome=Outcome.REJECTED, notes=(note,))
