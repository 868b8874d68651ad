"""Masking beside `grep -F -o -f` over the same patterns on the same output."""

import asyncio
import random
import resource
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from runner.masking.masker import Masks
from runner.masking.secrets import Secret, encodings, forms
from tests.bench.ordinary import ordinary
from tests.bench.table import Table, Target

SIZE: Final = 100_000_000
WRITE: Final = 64 * 1024
COUNTS: Final = (1, 10, 100, 1000)
ROUNDS: Final = 3

#: How much of the output is written in lines.
IN_LINES: Final = 2_000_000
LINE: Final = 120

KINDS: Final = ["aws_instance", "aws_iam_role", "google_compute_network"]
KEYS: Final = ["ami", "arn", "description", "instance_type", "tags", "user_data"]


def secrets(count: int) -> list[Secret]:
    """Make tokens of 20 to 40 letters, and in every tenth place a key of 25 lines."""
    chance = random.Random(count)

    def value(nth: int) -> bytes:
        if nth % 10 == 9:
            body = b64encode(chance.randbytes(1200))
            return b"\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return b64encode(chance.randbytes(chance.randint(15, 30)))

    return [Secret(f"S{nth}", value(nth)) for nth in range(count)]


def plan(known: list[Secret], size: int = SIZE) -> bytes:
    """Write *size* bytes like the output of `terraform plan`, a secret every 20 KB."""
    chance = random.Random(1)
    lines: list[bytes] = []
    written = 0
    while written < 1_000_000:
        block = b"".join(_block(chance))
        if written // 20_000 < (written + len(block)) // 20_000:
            value = chance.choice(known).value.replace(b"\n", b"\n        ")
            block += b'      + token = "' + value + b'"\n'
        lines.append(block)
        written += len(block)
    once = b"".join(lines)
    return (once * (size // len(once) + 1))[:size]


def _block(chance: random.Random) -> Iterator[bytes]:
    kind, nth = chance.choice(KINDS), chance.randrange(10**6)
    yield f"  # {kind}.n{nth} will be \x1b[32mcreated\x1b[0m\n".encode()
    yield f'  \x1b[32m+\x1b[0m resource "{kind}" "n{nth}" {{\n'.encode()
    for key in chance.sample(KEYS, 4):
        value = b64encode(chance.randbytes(chance.randint(4, 60))).decode()
        yield f'      \x1b[32m+\x1b[0m {key} = "{value}"\n'.encode()
        yield b"      \x1b[32m+\x1b[0m id = (known after apply)\n"


def mask(masks: Masks, writes: Iterable[bytes], *, flushed: bool = False) -> int:
    """Feed *writes* to a new masker; return how many bytes it shows."""
    masker = masks.stream()
    shown = 0
    for write in writes:
        shown += len(masker.feed(write))
        if flushed:
            shown += len(masker.flush())
    return shown + len(masker.flush())


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """Give *data* in writes of *size* bytes."""
    return (data[at : at + size] for at in range(0, len(data), size))


def lines_of(data: bytes) -> list[bytes]:
    """Return lines of LINE bytes, whatever the lines of *data* are."""
    return [part[:-1].replace(b"\n", b" ") + b"\n" for part in cut(data, LINE)]


def grep(patterns: Path, data: Path) -> None:
    """Write every place in *data* that has one of *patterns* to a file."""
    # To /dev/null it would stop at the first place.
    with tempfile.TemporaryFile() as found:
        command = ["grep", "-F", "-o", "-f", str(patterns), str(data)]
        environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
        subprocess.run(command, check=False, stdout=found, env=environment)


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds of processor time that *work* takes, children and all."""
    before = _spent()
    work()
    return _spent() - before


def _spent() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


async def measure() -> Table:
    """Measure each number of secrets, then what masking must not do."""
    return await asyncio.to_thread(_measured)


def _measured() -> Table:
    with tempfile.TemporaryDirectory() as place:
        found = {count: _Found(count, Path(place)) for count in COUNTS}
    return Table(
        title=f"Masking {SIZE / 1e6:.0f} MB like the coloured output of a plan",
        columns=_COLUMNS,
        rows=[each.row() for each in found.values()],
        targets=[*_targets(found), *_harmless()],
        notes=[
            f"processor time, best of {ROUNDS} in turn; builds are not in the MB/s",
            "a secret every 20 KB; grep writes to a file, in the C locale",
            "what bounds it: half goes into leaving out what codes may be made of,",
            "and into the one scan; from 1000 secrets on its table leaves the caches",
        ],
    )


_COLUMNS: Final = (
    *("", "forms", "build", "grep's build", "masker MB/s", "grep -F -o MB/s", "ratio"),
    *("120 B writes MB/s", "line and flush"),
)


class _Found:
    """What was measured with some number of secrets."""

    def __init__(self, count: int, place: Path) -> None:
        known = secrets(count)
        made = (forms(secret) | encodings(secret) for secret in known)
        every = {form for each in made for form in each if b"\n" not in form}
        patterns, path, nothing = (place / name for name in ("p", "data", "nothing"))
        patterns.write_bytes(b"\n".join(every))
        nothing.touch()
        data = plan(known)
        path.write_bytes(data)
        masks = Masks(known)
        lines = lines_of(data[:IN_LINES])
        took = best(
            {
                "build": lambda: Masks(known),
                "mask": lambda: mask(masks, cut(data, WRITE)),
                "grep": lambda: grep(patterns, path),
                "grep's build": lambda: grep(patterns, nothing),
                "writes": lambda: mask(masks, cut(data[:IN_LINES], LINE)),
                "lines": lambda: mask(masks, lines, flushed=True),
            }
        )
        self._name = f"{count} secret{'s' * (count > 1)}"
        self._forms = len(every)
        self.build, self._grep_build = took["build"], took["grep's build"]
        self._mask, self._writes = took["mask"], took["writes"]
        self._grep = max(took["grep"] - took["grep's build"], 1e-9)
        self.line = took["lines"] / len(lines) * 1e6

    @property
    def share(self) -> float:
        """How much of grep's time the masker takes."""
        return self._mask / self._grep

    def row(self) -> list[str]:
        """Return its row of the table."""
        size = SIZE / 1e6
        return [
            *(self._name, str(self._forms)),
            *(f"{self.build:.2f} s", f"{self._grep_build:.2f} s"),
            *(f"{size / self._mask:.0f}", f"{size / self._grep:.0f}"),
            *(f"{1 / self.share:.2f}", f"{IN_LINES / 1e6 / self._writes:.1f}"),
            f"{self.line:.1f} µs",
        ]


def _targets(found: Mapping[int, _Found]) -> Iterator[Target]:
    for count in (100, 1000):
        name = f"time with {count} secrets, in times of grep's"
        yield Target(name=name, measured=found[count].share, at_most=0.5)
    for count in (10, 100):
        name = f"a line that is flushed alone, with {count} secrets"
        yield Target(name=name, measured=found[count].line, at_most=25, unit=" µs")
    build = found[1000].build
    yield Target(name="build for 1000 secrets", measured=build, at_most=2, unit=" s")


def _harmless() -> Iterator[Target]:
    """Measure what is changed of ordinary output, and the memory that 100 MB take."""
    changed = sum(map(changed_bytes, (1, 2)))
    name = f"bytes changed of {SIZE / 1e6:.0f} MB in which nothing is secret"
    yield Target(name=name, measured=changed, at_most=0)
    small, large = (_peak_in_another_process(size) for size in (SIZE // 10, SIZE))
    name = "memory for ten times the output"
    yield Target(name=name, measured=large - small, at_most=2, unit=" MB more")


def changed_bytes(seed: int, size: int = SIZE // 2) -> int:
    """Return how many bytes of ordinary output 1000 random secrets change."""
    chance = random.Random(seed)
    values = (chance.randbytes(chance.randint(5, 30)) for _ in range(1000))
    masker = Masks(Secret("S", b64encode(value)) for value in values).stream()
    given = shown = b""
    changed = 0
    for write in ordinary(chance, size):
        given, shown = given + write, shown + masker.feed(write)
        changed += (
            sum(map(int.__ne__, given, shown)) if given[: len(shown)] != shown else 0
        )
        given, shown = given[len(shown) :], b""
    return changed + abs(len(masker.flush()) - len(given))


def best(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the seconds of the best of ROUNDS, in which all take turns."""
    rounds = [
        {name: seconds(work) for name, work in works.items()} for _ in range(ROUNDS)
    ]
    return {name: min(each[name] for each in rounds) for name in works}


def _peak_in_another_process(size: int) -> float:
    command = [sys.executable, "-m", "tests.bench.masking", str(size)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _peak(size: int) -> float:
    """Return the most MB that masking *size* bytes took, made as they are masked."""
    known = secrets(100)
    masks = Masks(known)
    once = plan(known, 1_000_000)
    mask(masks, (write for _ in range(size // len(once)) for write in cut(once, WRITE)))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    print(_peak(int(sys.argv[1])))
