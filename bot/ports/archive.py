"""The record as it is read, and the API keys."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.audit import AuditHead
from bot.domain.keys import ApiKey
from bot.domain.lock import Hold, Occupancy
from bot.domain.people import Actor, ChannelId
from bot.domain.run import Run, RunId, ThreadId
from bot.domain.stack import StackName
from bot.ports.values import Ended, Idempotency, Plan, RunQuery, Thread


class Archive(Protocol):
    """The record as it is read. Nothing here changes anything."""

    async def run(self, run: RunId) -> Run:
        """Return one run, or raise LookupError."""

    async def occupancy(self, stack: StackName) -> Occupancy:
        """Return who has the stack."""

    async def queue(self, stack: StackName) -> tuple[Run, ...]:
        """Return the queued runs of a stack, oldest first."""

    async def granted(self, actor: Actor, idempotency: Idempotency) -> Run | None:
        """Return the run that a request of *actor* became before; None: it is new.

        Raises IdempotencyConflict where it was something else.
        """

    async def holds(self) -> tuple[Hold, ...]:
        """Return every hold in force, a freeze among them, by stack."""

    async def runs(self, query: RunQuery) -> tuple[Run, ...]:
        """Return the runs that were asked for, newest first."""

    async def last_runs(self, stack: StackName | None, limit: int) -> tuple[Run, ...]:
        """Return the newest runs, of one stack or of all, newest first."""

    async def active_runs(self) -> tuple[Run, ...]:
        """Return every run of which a container may exist."""

    async def kept_claims(self) -> tuple[Run, ...]:
        """Return the runs that are over and whose claim had to be kept."""

    async def conclusion(self, run: RunId) -> Ended | Plan | None:
        """Return how the container of a run ended, where that was kept."""

    async def head(self, run: RunId) -> AuditHead | None:
        """Return the audit row that a run ended with; None while it goes on."""

    async def stops_asked(self, runs: Sequence[RunId]) -> frozenset[RunId]:
        """Return those of *runs* that somebody asked to stop."""

    async def hidden_later(
        self, run: RunId, after: int
    ) -> tuple[tuple[int, bytes], ...]:
        """Return what `hide_later` kept behind the piece numbered *after*, numbered."""

    async def thread(self, thread: ThreadId) -> Thread:
        """Return a thread, or raise LookupError."""

    async def thread_at(self, channel: ChannelId, ts: str) -> Thread | None:
        """Return the thread whose first message that is."""

    async def output_size(self, run: RunId) -> int:
        """Return how many bytes of output were kept, redacted since or not."""

    async def output_position(self, run: RunId) -> int:
        """Return how much of the container's output is kept; 0 for none."""

    def output(self, run: RunId) -> AsyncIterator[bytes]:
        """Yield the kept output, in order."""

    def output_from(self, run: RunId, start: int) -> AsyncIterator[tuple[int, bytes]]:
        """Yield what was kept from *start* on, each piece with where the next begins.

        Where a piece begins is where it came to be when it was kept: a redaction
        changes its bytes, not its place.
        """

    async def tail(self, run: RunId, size: int) -> bytes:
        """Return the last *size* bytes of the kept output."""


class Keys(Protocol):
    """The API keys. Each method is one transaction."""

    async def make(self, key: ApiKey) -> bool:
        """Keep a new key, with its audit row; False where its name is taken."""

    async def revoke(self, name: str, actor: Actor, at: datetime) -> bool:
        """Revoke a key; False where there is none, or it was revoked before."""

    async def all(self) -> tuple[ApiKey, ...]:
        """Return every key that was ever made, by name."""

    async def by_id(self, id: str) -> ApiKey | None:  # noqa: A002 (its name)
        """Return the key whose public part that is."""

    async def by_name(self, name: str) -> ApiKey | None:
        """Return the key of that name."""

    async def note_use(self, name: str, address: str, at: datetime) -> None:
        """Keep when and from where a key was used last."""
