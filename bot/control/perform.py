"""See runs through: from their claim to their end, or from where another left them."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import structlog

from bot.control.drive import Drive
from bot.control.means import Means
from bot.control.recorder import insisting
from bot.control.verdict import given_up
from bot.domain.errors import (
    IllegalTransition,
    RoleSourceUnavailable,
    StoreUnavailable,
    Superseded,
)
from bot.domain.run import Run, RunId, RunState
from bot.domain.telling import Said
from bot.ports import Record
from runner.masking.secrets import Secret

log = structlog.get_logger(__name__)

#: between questions to a Slack that is away
_PAUSE_SECONDS: Final = 2.0
_ASKED_AGAIN: Final = (
    "So it is not known whether who approved this still may. Slack is asked again "
    "until it answers; until then nothing starts."
)


class Perform:
    """Starts a ready run, or takes up an active one that nobody drives.

    Cancelling it means that the bot goes away: the container is left running,
    and `again` finds it.
    """

    def __init__(self, means: Means, record: Record) -> None:
        self._means = means
        self._record = record
        self._told: set[RunId] = set()  #: whose reviewers cannot be asked for

    async def __call__(self, run: Run, stop: asyncio.Event) -> None:
        """Start *run*, which is ready or confirmed, and see it to its end.

        That of a tracked run which is ready is its plan.
        """
        started = await self._started(run)
        if started is not None:
            drive = self._drive(started, stop)
            await self._seen_through(started, drive.begin())

    async def again(self, run: Run, stop: asyncio.Event) -> None:
        """Take up *run*, which another process of the bot had started."""
        await self._seen_through(run, self._drive(run, stop).go_on())

    async def hide(self, run: RunId, secret: Secret) -> None:
        """Hide *secret* in what *run* prints from here on, whoever drives it."""
        await self._means.following.hide(run, secret)

    async def hear(self) -> None:
        """Hide what was asked for elsewhere of the runs that are driven here."""
        await self._means.following.hear()

    async def _seen_through(self, run: Run, driving: Awaitable[None]) -> None:
        try:
            await driving
        except (StoreUnavailable, Superseded):
            raise
        except Exception:
            # The claim stays, so nothing can go wrong twice; and the fence keeps it
            # from ending what another replica has taken over.
            log.exception("run could not be driven", run=run.id)
            record = self._record.fenced(run)
            await insisting(lambda: record.end(run.id, given_up(), self._means.clock()))

    def _drive(self, run: Run, stop: asyncio.Event) -> Drive:
        return Drive(self._means, self._record.fenced(run), run, stop)

    async def _started(self, run: Run) -> Run | None:
        """Move *run* on; None where a hold or an approval keeps it from it by now."""
        try:
            if run.state is RunState.UNCONFIRMED:
                return await self._record.apply(run.id, self._means.clock())
            if not await self._is_agreed_to(run):
                return None
            return await self._record.start(run.id, self._means.clock())
        except IllegalTransition as late:
            log.info("another hand was first", run=run.id, because=str(late))
            return None

    async def _is_agreed_to(self, run: Run) -> bool:
        try:
            return await self._means.consent.stands(run)
        except RoleSourceUnavailable as unheard:
            # The run is ready still, so it is taken up again.
            log.warning("reviewers unheard", run=run.id, error=str(unheard))
            await self._tell_once(run, f"{unheard} {_ASKED_AGAIN}")
            await asyncio.sleep(max(_PAUSE_SECONDS, unheard.again_in or 0))
            return False

    async def _tell_once(self, run: Run, text: str) -> None:
        if run.id not in self._told:
            self._told.add(run.id)
            await self._record.tell(run.thread, [Said(text=text)])
