"""What an API key may see: nothing else exists for it."""

from bisect import bisect_left
from dataclasses import dataclass, field, replace

from bot.domain.errors import Refusal, Refused
from bot.domain.keys import ApiKey
from bot.domain.lock import EVERY, Hold, Occupancy
from bot.domain.people import Role
from bot.domain.run import Run, RunId, RunState
from bot.domain.stack import Catalog, Stack, StackName
from bot.ports import Archive, RunQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A run as a key may see it."""

    run: Run
    place: int | None = None  #: in the queue, 1 for the next
    fence: int | None = None  #: of its claim, for the CI that performs it


@dataclass(frozen=True, slots=True, kw_only=True)
class StackNow:
    """A stack as a key may see it."""

    name: StackName
    role: Role
    occupancy: Occupancy
    running: Seen | None
    queue: tuple[Seen, ...]


@dataclass(slots=True)
class _Queues:
    """The queues as one answer tells them: each is read once, whoever is in it."""

    archive: Archive
    _read: dict[StackName, list[RunId]] = field(default_factory=dict)

    async def place(self, run: Run) -> int:
        """Return the place of a queued run, 1 for the next."""
        if run.stack not in self._read:
            queue = await self.archive.queue(run.stack)
            self._read[run.stack] = sorted(other.id for other in queue)
        return 1 + bisect_left(self._read[run.stack], run.id)


class Sight:
    """Looks into the record for a key, and raises Refused where there is nothing."""

    def __init__(self, *, catalog: Catalog, archive: Archive) -> None:
        self._catalog = catalog
        self._archive = archive

    def stacks(self, key: ApiKey) -> dict[StackName, Role]:
        """Return the stacks that the key knows, by name, with its role there."""
        roles = {name: key.role_on(name) for name in sorted(self._catalog.stacks)}
        return {name: role for name, role in roles.items() if role >= Role.READER}

    def known(self, key: ApiKey, name: str) -> Stack:
        """Return the stack called *name*."""
        # The catalog's own refusal would name stacks that the key may not know.
        known = self.stacks(key)
        if name not in known:
            raise Refused(
                f"The API key {key.name} knows no stack {name!r}. It knows: "
                f"{', '.join(known) or 'none'}.",
                reason=Refusal.UNKNOWN_STACK,
            )
        return self._catalog.stacks[StackName(name)]

    async def readable(self, key: ApiKey, run: RunId) -> Run:
        """Return the run as it stands in the record."""
        try:
            found = await self._archive.run(run)
        except LookupError:
            found = None
        if found is None or found.stack not in self.stacks(key):
            raise Refused(
                f"There is no run {run} on the stacks of the API key {key.name}.",
                reason=Refusal.UNKNOWN_RUN,
            )
        return found

    async def run(self, key: ApiKey, run: RunId) -> Seen:
        """Return the run with its place in the queue."""
        return await self.seen(key, await self.readable(key, run))

    async def runs(
        self, key: ApiKey, query: RunQuery, stack: str | None
    ) -> tuple[Seen, ...]:
        """Return the runs asked for, of *stack* or of every stack, newest first."""
        names = set(self.stacks(key))
        if stack is not None:
            names = {self.known(key, stack).name}
        found = await self._archive.runs(replace(query, stacks=frozenset(names)))
        queues = _Queues(self._archive)
        return tuple([await self._seen(key, run, queues) for run in found])

    async def stack(self, key: ApiKey, name: str) -> StackNow:
        """Return who has a stack, and what waits for it."""
        stack = self.known(key, name)
        occupancy = await self._archive.occupancy(stack.name)
        running = None
        if occupancy.claim is not None:
            running = await self.run(key, occupancy.claim.run)
        queue = await self._archive.queue(stack.name)
        return StackNow(
            name=stack.name,
            role=key.role_on(stack.name),
            occupancy=occupancy,
            running=running,
            queue=tuple(
                Seen(run=run, place=place) for place, run in enumerate(queue, start=1)
            ),
        )

    async def holds(self, key: ApiKey) -> tuple[Hold, ...]:
        """Return the holds on the stacks that the key knows, and a freeze."""
        known = {EVERY, *self.stacks(key)}
        return tuple(h for h in await self._archive.holds() if h.stack in known)

    async def seen(self, key: ApiKey, run: Run) -> Seen:
        """Return *run* with what more the key may know of it."""
        return await self._seen(key, run, _Queues(self._archive))

    async def _seen(self, key: ApiKey, run: Run, queues: _Queues) -> Seen:
        if run.state is RunState.QUEUED:
            return Seen(run=run, place=await queues.place(run))
        if run.outside and run.actor.is_same(key.actor) and not run.state.is_terminal:
            claim = (await self._archive.occupancy(run.stack)).claim
            is_its = claim is not None and claim.run == run.id
            return Seen(run=run, fence=claim.fence if claim and is_its else None)
        return Seen(run=run)
