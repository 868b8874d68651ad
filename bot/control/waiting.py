"""Find out what keeps a run queued."""

from typing import assert_never

from bot.domain.lock import Claim, Hold, blocker
from bot.domain.run import Run
from bot.domain.telling import Waiting
from bot.ports import Archive


async def waiting(run: Run, archive: Archive) -> Waiting:
    """Return the place of the queued *run* and what it waits for."""
    queue = await archive.queue(run.stack)
    place = 1 + sum(1 for other in queue if other.id < run.id)
    blocking = blocker(await archive.occupancy(run.stack), run.actor)
    match blocking:
        case None:
            return Waiting(place=place)
        case Hold():
            return Waiting(place=place, hold=blocking, since=blocking.since)
        case Claim():
            return Waiting(place=place, blocking_run=blocking.run, since=blocking.since)
        case _:
            assert_never(blocking)
