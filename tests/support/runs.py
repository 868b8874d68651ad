"""Jobs for tests, and a watcher that keeps what it is told."""

import asyncio
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from runner.events import (
    Concluded,
    Event,
    Outcome,
    Output,
    PhaseStarted,
    Remark,
    SecretsLearned,
)
from runner.job import Job, Phase, Script
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.seal import Seal

INSTALLATION = "test"
SEAL = Seal(bytes(32))


def a_job(command: str = "true", **changes: Any) -> Job:
    """Return a job with *command*; a test names only what it is about."""
    script = Script(command=command, **_taken(changes, Script))
    plain = Job(
        run="run-1",
        installation=INSTALLATION,
        stack="net-prod",
        image="sample",
        script=script,
        network="none",
    )
    return replace(plain, **changes)


def masks_for(job: Job, *others: Secret) -> Masks:
    """Return what hides the secrets of *job*, and *others*."""
    variables = (Secret(k, v.encode()) for k, v in job.secret_env.items())
    files = (Secret(f.path, f.content) for f in job.files if f.secret)
    return Masks((*variables, *files, *others))


def _taken(changes: dict[str, Any], owner: type[Script]) -> dict[str, Any]:
    names = [name for name in changes if name in owner.__dataclass_fields__]
    return {name: changes.pop(name) for name in names}


@dataclass
class Record:
    """A watcher that keeps all it is told."""

    allowed: bool = True
    events: list[Event] = field(default_factory=list)
    asked: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, event: Event) -> None:
        self.events.append(event)
        self._wake()

    async def may_perform(self) -> bool:
        self.asked += 1
        self._wake()
        return self.allowed

    @property
    def output(self) -> bytes:
        return b"".join(e.data for e in self.events if isinstance(e, Output))

    @property
    def pieces(self) -> list[bytes]:
        return [e.data for e in self.events if isinstance(e, Output)]

    @property
    def position(self) -> int:
        """How much of what was printed has been told."""
        return max(
            (e.position for e in self.events if isinstance(e, Output)), default=0
        )

    @property
    def learned(self) -> tuple[Secret, ...]:
        """All that was told to be hidden from then on, each as often as told."""
        told = (e.secrets for e in self.events if isinstance(e, SecretsLearned))
        return tuple(chain.from_iterable(told))

    @property
    def remarks(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, Remark)]

    @property
    def concluded(self) -> list[Outcome]:
        """What each container came to before it was removed."""
        return [e.outcome for e in self.events if isinstance(e, Concluded)]

    @property
    def phases(self) -> list[Phase]:
        return [e.phase for e in self.events if isinstance(e, PhaseStarted)]

    @property
    def reached(self) -> Phase:
        """What a bot would have stored."""
        if self.asked and self.allowed:
            return Phase.PERFORMING
        return self.phases[-1] if self.phases else Phase.PREPARING

    async def printed(self, part: bytes) -> None:
        """Wait until the output has *part*."""
        while part not in self.output:
            await self.news.wait()

    async def was_asked(self) -> None:
        """Wait until the run asked whether it may perform."""
        while not self.asked:
            await self.news.wait()

    def _wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()
