"""What a telling looks like, with all that it needs read from the record as it is."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from bot.control.reviewers import reviews_of
from bot.domain.lock import Claim, Hold, blocker
from bot.domain.run import Run, RunId, RunState, ThreadId
from bot.domain.stack import Stack, StackName
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
    Reviewed,
    Said,
    Stolen,
    StopAsked,
    Tail,
    Telling,
    Waiting,
)
from bot.domain.telling import Final as Ending
from bot.ports import Approvals, Archive, Thread
from bot.slack import approving, headers, holding, notices, replies
from bot.slack.message import Message

_TAIL_BYTES: Final = 16 << 10
_CARD_RUNS: Final = 5

#: returns the address of a thread's first message, if it has one
Link = Callable[[Thread], Awaitable[str | None]]


NO_STACKS: Final[Mapping[StackName, Stack]] = MappingProxyType({})


class Rendering:
    """Renders every telling but the final one, which has files beside it.

    *above* are the ids of the global admins, whose runs no freeze keeps queued.
    *stacks* are those of handrail.yaml, whose presets a card shows.
    """

    def __init__(
        self,
        *,
        archive: Archive,
        approvals: Approvals,
        link: Link,
        above: frozenset[str] = frozenset(),
        stacks: Mapping[StackName, Stack] = NO_STACKS,
    ) -> None:
        self._archive = archive
        self._approvals = approvals
        self._stacks = stacks
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
            case Reviewed():
                return approving.reviewed(telling)
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
        return headers.header(
            run,
            await self._archive.occupancy(run.stack),
            await reviews_of(self._approvals, run),
        )

    async def _card(self, stack: StackName) -> Message:
        occupancy = await self._archive.occupancy(stack)
        claim = occupancy.claim
        running = None if claim is None else await self._archive.run(claim.run)
        last = await self._archive.last_runs(stack, _CARD_RUNS)
        return headers.card(
            stack,
            occupancy,
            running,
            await self._archive.queue(stack),
            last,
            {
                run.id: await reviews_of(self._approvals, run)
                for run in filter(None, (running, *last))
            },
            self._stacks[stack].presets.values() if stack in self._stacks else (),
        )

    async def _waiting(self, run: Run) -> Message:
        reviews = await reviews_of(self._approvals, run)
        if run.state is not RunState.QUEUED:
            return replies.waited(run, reviews)
        if run.waits_for_approval:
            return approving.pending(run, reviews)
        queue = await self._archive.queue(run.stack)
        # What waits for people lets those behind it go first.
        place = 1 + sum(
            other.id < run.id and not other.waits_for_approval for other in queue
        )
        occupancy = await self._archive.occupancy(run.stack)
        blocking = blocker(occupancy, run.actor, above=self._above)
        return replies.waiting(place, blocking, await self._whereabouts(blocking))

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
