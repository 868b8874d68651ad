"""What the runner is asked to do: one immutable value per run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path


class Phase(StrEnum):
    """What the container is doing."""

    PREPARING = "preparing"
    INITIALIZING = "initializing"
    PERFORMING = "performing"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySource:
    """Source from a directory on the runner's host."""

    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """Source from a Git repository, fetched by the host's `git`."""

    url: str
    ref: str


Source = DirectorySource | GitSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What runs in the container, phase by phase.

    An empty `initializing` skips that phase and nothing else. Each hook and the
    init is a shell text of its own; one that fails skips what follows it.
    """

    initializing: tuple[str, ...] = ()
    before_perform: tuple[str, ...] = ()
    command: str
    after_perform: tuple[str, ...] = ()
    #: runs however the phases before ended, and cannot change the outcome
    after_run: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a container may use."""

    memory: int = 1 << 30  #: bytes
    cpus: float = 1.0
    pids: int = 256
    run_timeout: timedelta = timedelta(minutes=70)
    silence_timeout: timedelta | None = None  #: without a byte of output
    output: int = 50 << 20  #: bytes of output that are kept; the run goes on beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFile:
    """A file to put into the workspace."""

    path: str  #: relative to the project root
    content: bytes = field(repr=False)
    mode: int = 0o400
    secret: bool = True  #: whether its container counts it among its secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run as the runner sees it."""

    run: str  #: names the container, with `installation`
    installation: str
    stack: str
    image: str
    source: Source | None = None
    project_root: str = ""  #: below the source; where every script starts
    script: Script
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: tuple[WorkspaceFile, ...] = ()
    #: what is masked in it, sealed: its container carries that from its creation on
    sealed: bytes = field(default=b"", repr=False)
    limits: Limits = Limits()
    network: str = "bridge"
    #: name of the volume that keeps the workspace from run to run; None: fresh
    volume: str | None = None
    #: the workspace is there already, laid by an earlier job: no source is fetched
    is_laid: bool = False
    #: SHA-256, in hex, that files of a workspace which is laid have to have, by their
    #: paths below the workspace; otherwise nothing runs
    expected: Mapping[str, str] = field(default_factory=dict)
    #: paths below the workspace of what is taken out of it after exit code 0; what an
    #: earlier job left there is removed before anything runs
    results: tuple[str, ...] = ()
    #: its command changes nothing, so a stop may end it while it performs
    harmless: bool = False
    #: shell text that prints the stack's state as JSON, whose sensitive values are
    #: masked; empty: none
    reading_state: str = ""


def workspace_of(run: str) -> str:
    """Return the name of the volume that is kept for the jobs of *run* alone.

    No stack has such a name, and no volume of a stack is taken for one.
    """
    return f".run-{run}"
