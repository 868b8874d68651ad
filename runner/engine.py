"""The port to a container engine, and what an adapter owes its only caller."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from runner.job import Job

#: Seconds between attempts to reach an engine that is away; then it is given up.
PAUSES: Final = (0.1, 0.2, 0.5, 1, 2, 4, 8, 15)

#: bytes
LARGEST_RESULT: Final = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a container ended, as its engine tells it."""

    code: int
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Whether a container lives, and for how long it has."""

    started: bool  #: ever, with all that it waits for
    running: bool
    age: timedelta = timedelta(0)  #: since its start, or from there to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """How a script ended that ran beside a container's own."""

    code: int | None  #: None: it was cut off
    output: bytes = field(repr=False)  #: what it printed; not masked


class Container(Protocol):
    """A created container, from before its start to its removal.

    Order of calls: `start`, then `output` and `open_gate`, `exit` once `output`
    has ended, `remove` last. A container that an earlier process left behind
    (`Engine.find`) is used in the same way, without `start`.
    """

    @property
    def id(self) -> str:
        """The engine's own name for it."""

    @property
    def nonce(self) -> str:
        """What sets the marks of this container's driver apart from output."""

    @property
    def reading(self) -> str:
        """What prints the state of its stack: `Job.reading_state`."""

    @property
    def harmless(self) -> bool:
        """Whether what it performs changes nothing: `Job.harmless`."""

    @property
    def results(self) -> tuple[str, ...]:
        """What is wanted out of its workspace: `Job.results`."""

    async def start(self) -> None:
        """Start it. Once.

        Raises ImageUnavailable when the image has no shell to run.
        """

    async def vitals(self) -> Vitals:
        """Ask the engine whether it lives."""

    async def keep(self, sealed: bytes) -> None:
        """Put *sealed* into it, in whatever state it is, in the place of the last.

        Raises ContainerLost, or EngineUnavailable after a bounded time of trying.
        """

    async def kept(self) -> bytes:
        """Return what `keep` has put there.

        Raises SealBroken where there is nothing: it cannot be known what is to be
        masked of it, so nothing of it may be shown.
        """

    async def condemn(self, why: str) -> None:
        """Let it carry *why* it is about to be ended, past whoever ends it."""

    async def condemned(self) -> str:
        """Return why it was to be ended, or nothing."""

    async def aside(self, script: str, *, within: timedelta, most: int) -> Aside:
        """Run *script* with its shell, beside what runs there; it has no input.

        Cut off when it takes longer than *within* or prints more than *most* bytes
        on its standard output; what it prints on the other one is dropped.
        """

    def output(self) -> AsyncGenerator[bytes, None]:
        """Yield all it ever printed, from its first byte, until it has ended.

        Complete however fast the container ended, and never a reason for it to
        wait: the engine keeps what nobody reads. May be called again. Raises
        ContainerLost, or EngineUnavailable after a bounded time of asking again.
        """

    async def open_gate(self) -> None:
        """Let it perform. Calling it again changes nothing."""

    async def exit(self) -> Exit:
        """Wait until it has ended."""

    async def result(self, path: str) -> bytes | None:
        """Return what the file *path* in its workspace holds, once it has ended.

        None where there is no such file, or one of more than LARGEST_RESULT bytes.
        Raises ContainerLost, or EngineUnavailable after a bounded time of trying.
        """

    async def interrupt(self) -> None:
        """Send every process in it what Ctrl-C sends."""

    async def kill(self) -> None:
        """End it now. An ended or removed container is left as it is."""

    async def remove(self) -> bool:
        """End and remove it; True iff it is proven gone.

        Never raises, and calling it again is harmless.
        """


class Engine(Protocol):
    """Where containers run. Safe to use from several tasks at once."""

    async def ping(self) -> str:
        """Return the engine's version, or raise EngineUnavailable."""

    async def identity(self) -> str:
        """Return the engine's own name for itself, the same by every way to it.

        Raises EngineUnavailable.
        """

    async def resolve(self, image: str) -> str:
        """Make *image* present, pulling it if need be, and return its digest.

        Raises ImageUnavailable.
        """

    async def create(self, job: Job, digest: str, workspace: Path) -> Container:
        """Create, but do not start, the container of *job*.

        *workspace* is the file of a tar archive, laid under `/mnt/workspace`.
        A container of the same run and installation is a ContainerExists error:
        a job is never started twice. A workspace that is laid already, by a job
        with the same volume, gets nothing but what it lacks; where it is gone, or
        is not what the job expects, that is a WorkspaceGone error.
        """

    async def find(self, run: str, installation: str) -> Container | None:
        """Return the container of *run*, in whatever state, or None."""

    async def left_behind(self, installation: str) -> tuple[str, ...]:
        """Return the runs of which a container exists, by its label."""

    async def fate(self, run: str, installation: str) -> str:
        """Tell what the engine remembers of the end of the container of *run*.

        A clause about what is gone now; empty where nothing is remembered.
        """

    async def forget_workspace(self, run: str, installation: str) -> bool:
        """Remove the workspace that was kept for *run* alone; True iff it is gone.

        Never raises, and calling it again is harmless.
        """

    async def left_workspaces(self, installation: str) -> tuple[str, ...]:
        """Return the runs for which a workspace of their own is kept."""

    async def close(self) -> None:
        """Let go of the engine; containers stay as they are."""
