"""What is known of a chaos run once it is over, as others than the bot tell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody asked for: its *token* is in no other command."""

    token: str
    stack: str
    lines: int
    code: int
    skip_init: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as the database has it, and the messages of its thread are found by."""

    id: int
    stack: str
    command: str
    state: str
    reason: str | None
    exit_code: int | None
    channel: str
    ts: str | None
    output: bytes
    states: tuple[str, ...]  #: all that it went through


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a container wrote into its stack's volume, by the machine's clock."""

    word: str  #: start, or end
    run: int
    stack: str
    token: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What the engine told of a container; *at* is in nanoseconds."""

    action: str
    container: str
    run: int
    stack: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the bot posted: *kind*, *letter* and *run* are in its metadata."""

    channel: str
    ts: str
    thread_ts: str | None
    kind: str
    letter: int
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it. *places* are texts in which no secret may be, by where they are."""

    commands: tuple[Command, ...]
    runs: tuple[RunRow, ...] = ()
    marks: tuple[Mark, ...] = ()
    events: tuple[Event, ...] = ()
    messages: tuple[Message, ...] = ()
    claims: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)  #: by stack
    places: Mapping[str, bytes] = field(default_factory=dict)
    audit: str = ""  #: what is wrong with the audit chain, if anything
