"""What a job tells while it runs, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from runner.job import Phase
from runner.masking.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFetched:
    """The source is here; *commit* is None for a directory."""

    commit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResolved:
    """The image is here; *digest* is `name@sha256:…` or the local image's id."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerCreated:
    """The container exists and has not been started."""

    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """The container has come to *phase*. Performing is asked for, not told."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Masked output, in the order in which the container printed it.

    *position* is how much of what the container printed has been told with it, in
    bytes before masking: what follows is told by whoever goes on from there.
    """

    data: bytes
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsLearned:
    """*secrets* are hidden from here on; what was told before may show them.

    Told again by whoever takes a run up.
    """

    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A masked sentence that people need to know while the run goes on."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervening:
    """The container is about to be ended, or to be removed before it was followed.

    Told first, because it may be another process's to follow by now: a watcher that
    knows so raises, and nothing happens to the container.
    """


class Ending(StrEnum):
    """Why a job is over. `exited` and `stopped` are the ordinary two."""

    EXITED = "exited"
    STOPPED = "stopped"  #: called off before it performed
    TIMEOUT = "timeout"
    SILENCE = "silence"
    OUT_OF_MEMORY = "out_of_memory"
    IMAGE = "image"
    SOURCE = "source"
    ENGINE = "engine"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended."""

    ending: Ending
    phase: Phase  #: the last one that was reached
    exit_code: int | None = None
    note: str = ""  #: masked; what a person needs to know beside the ending
    #: False: the container could not be proven gone, so nobody may reuse the stack
    container_gone: bool = True
    #: whether the engine could not be reached, rather than answered with an error
    is_away: bool = False
    #: what its job wanted out of the workspace and was there, by path; not masked
    results: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """The container has ended, all it printed was told, and it is about to be removed.

    *outcome* is what it comes to once it is removed. Told again, and alike, by
    whoever takes up a run that was left between this and the removal.
    """

    outcome: Outcome


Event = (
    SourceFetched
    | ImageResolved
    | ContainerCreated
    | PhaseStarted
    | Output
    | SecretsLearned
    | Remark
    | Intervening
    | Concluded
)
