"""What a telling looks like, with all that it needs read from the record as it is."""

from collections.abc import Awaitable, Callable
from typing import Final, assert_never

from bot.domain.lock import Claim, Hold, blocker
from bot.domain.run import Run, RunId, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import (
    Card,
    Confirmed,
    Echo,
    Expired,
    Header,
    Held,
    Notice,
    Planned,
    Released,
    Said,
    Stolen,
    StopAsked,
    Tail,
    Telling,
    Waiting,
)
from bot.domain.telling import Final as Ending
from bot.ports import Archive, Thread
from bot.slack import headers, holding, notices, replies
from bot.slack.message import Message

_TAIL_BYTES: Final = 16 << 10
_CARD_RUNS: Final = 5

#: returns the address of a thread's first message, if it has one
Link = Callable[[Thread], Awaitable[str | None]]


class Rendering:
    """Renders every telling but the final one, which has files beside it.

    *above* are the ids of the global admins, whose runs no freeze keeps queued.
    """

    def __init__(
        self,
        *,
        archive: Archive,
        link: Link,
        above: frozenset[str] = frozenset(),
    ) -> None:
        self._archive = archive
        self._link = link
        self._above = above

    async def __call__(self, telling: Telling) -> Message:
        """Return the message; raises LookupError for what the record has not."""
        match telling:
            case Header() | Card() | Echo() | Waiting() | Planned() | Tail():
                return await self._from_the_record(telling)
            case Held():
                return holding.held(telling)
            case Released():
                return holding.released(telling)
            case Stolen():
                return holding.stolen(telling)
            case Expired():
                return holding.expired(telling)
            case Notice():
                return notices.notice(telling)
            case Confirmed():
                return replies.confirmed(telling)
            case StopAsked():
                return replies.stop_asked(telling)
            case Said():
                return replies.said(telling)
            case Ending():
                raise TypeError("the final message is rendered with its file")
            case _:
                assert_never(telling)

    async def _from_the_record(
        self, telling: Header | Card | Echo | Waiting | Planned | Tail
    ) -> Message:
        match telling:
            case Header(run=run):
                return await self._header(run)
            case Card(stack=stack):
                return await self._card(StackName(stack))
            case Echo(run=run):
                return replies.echo(telling, await self._archive.run(run))
            case Waiting(run=run):
                return await self._waiting(await self._archive.run(run))
            case Planned(run=run):
                return replies.planned(await self._archive.run(run))
            case Tail(run=run):
                return replies.tail(await self._archive.tail(run, _TAIL_BYTES))
            case _:
                assert_never(telling)

    async def _header(self, run_id: RunId) -> Message:
        run = await self._archive.run(run_id)
        return headers.header(run, await self._archive.occupancy(run.stack))

    async def _card(self, stack: StackName) -> Message:
        occupancy = await self._archive.occupancy(stack)
        claim = occupancy.claim
        return headers.card(
            stack,
            occupancy,
            None if claim is None else await self._archive.run(claim.run),
            await self._archive.queue(stack),
            await self._archive.last_runs(stack, _CARD_RUNS),
        )

    async def _waiting(self, run: Run) -> Message:
        if run.state is not RunState.QUEUED:
            return replies.waiting(run, 0, None, None)
        queue = await self._archive.queue(run.stack)
        place = 1 + sum(other.id < run.id for other in queue)
        occupancy = await self._archive.occupancy(run.stack)
        blocking = blocker(occupancy, run.actor, above=self._above)
        return replies.waiting(run, place, blocking, await self._whereabouts(blocking))

    async def _whereabouts(self, blocking: Claim | Hold | None) -> str | None:
        thread: ThreadId | None = None
        match blocking:
            case Claim(run=run):
                thread = (await self._archive.run(run)).thread
            case Hold():
                thread = blocking.thread
            case None:
                pass
            case _:
                assert_never(blocking)
        return None if thread is None else await self._to(thread)

    async def _to(self, thread: ThreadId) -> str | None:
        return await self._link(await self._archive.thread(thread))
