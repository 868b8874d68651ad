"""What the scripted engine is told of each shell text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: What a text prints: always the same, or made from its environment.
Printed = bytes | Callable[[Mapping[str, str]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one text does."""

    output: Printed = b""
    block: bool = False  #: waits for `release` after its output
    then: bytes = b""  #: printed after the wait
    code: int = 0
    out_of_memory: bool = False
    deaf: bool = False  #: does not end when interrupted
    leaves: Mapping[str, bytes] = field(default_factory=dict)  #: in the workspace
