"""See runs through: from their claim to their end, or from where another left them."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import structlog

from bot.control.access import Access
from bot.control.drive import Drive
from bot.control.following import Following
from bot.control.job import Jobs
from bot.control.means import Means
from bot.control.recorder import insisting
from bot.control.secrecy import Secrecy
from bot.control.verdict import given_up
from bot.domain.errors import IllegalTransition, StoreUnavailable, Superseded
from bot.domain.run import Run, RunId, RunState
from bot.domain.stack import Catalog
from bot.ports import Archive, Clock, Record
from runner.engine import Engine
from runner.masking.secrets import Secret
from runner.seal import Seal
from runner.source import Sources

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What runs are carried out with."""

    engine: Engine
    sources: Sources
    seal: Seal  #: of what containers carry, and of what is to be hidden later


class Perform:
    """Starts a ready run, or takes up an active one that nobody drives.

    Cancelling it means that the bot goes away: the container is left running,
    and `again` finds it.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        record: Record,
        archive: Archive,
        jobs: Jobs,
        secrecy: Secrecy,
        equipment: Equipment,
        clock: Clock,
    ) -> None:
        self._record = record
        self._clock = clock
        self._following = Following(
            record=record,
            archive=archive,
            secrecy=secrecy,
            seal=equipment.seal,
            installation=jobs.installation,
        )
        self._means = Means(
            catalog=catalog,
            access=access,
            archive=archive,
            jobs=jobs,
            secrecy=secrecy,
            engine=equipment.engine,
            sources=equipment.sources,
            seal=equipment.seal,
            following=self._following,
            clock=clock,
        )

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
        await self._following.hide(run, secret)

    async def hear(self) -> None:
        """Hide what was asked for elsewhere of the runs that are driven here."""
        await self._following.hear()

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
            await insisting(lambda: record.end(run.id, given_up(), self._clock()))

    def _drive(self, run: Run, stop: asyncio.Event) -> Drive:
        return Drive(self._means, self._record.fenced(run), run, stop)

    async def _started(self, run: Run) -> Run | None:
        """Move *run* on; None where a hold keeps it from starting by now."""
        try:
            if run.state is RunState.UNCONFIRMED:
                return await self._record.apply(run.id, self._clock())
            return await self._record.start(run.id, self._clock())
        except IllegalTransition as late:
            log.info("another hand was first", run=run.id, because=str(late))
            return None
