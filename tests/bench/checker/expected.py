"""What a command prints, and what is to be left of it once it is masked."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.checker.evidence import Command

INIT = b"initialised\n"
_HIDDEN = "*****"


def learned(token: str) -> str:
    """Return the value that a command has masked while it runs."""
    return f"lrn{hashlib.md5(token.encode()).hexdigest()[:16]}"


def output_of(command: Command) -> bytes:
    """Return what is to be kept of all that *command* prints."""
    text = "".join(f"{line}\n" for line in _lines(command))
    return (b"" if command.skip_init else INIT) + text.encode()


def _lines(command: Command) -> Iterator[str]:
    for count in range(1, command.lines + 1):
        check = count * 7919 % 65521
        yield (
            f"{command.token} {count:06} {check:05} "
            "The quick brown fox jumps over the lazy dog."
        )
    yield f"raw {_HIDDEN}"
    yield f"base64 {_HIDDEN}"
    yield f"hex {_HIDDEN}"
    yield f'json "{_HIDDEN}"'
    yield f"learned {_HIDDEN}"
    yield f"{command.token} ends with {command.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How many bytes of an output are not there, and how many too many."""

    lost: int
    doubled: int
    is_disordered: bool = False


def difference(expected: bytes, found: bytes) -> Difference | None:
    """Compare line by line; None: they are the same."""
    if expected == found:
        return None
    wanted = Counter(expected.splitlines(keepends=True))
    got = Counter(found.splitlines(keepends=True))
    lost = sum(len(line) * count for line, count in (wanted - got).items())
    doubled = sum(len(line) * count for line, count in (got - wanted).items())
    return Difference(lost=lost, doubled=doubled, is_disordered=not lost + doubled)
