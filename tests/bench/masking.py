"""Masking throughput beside `grep -F -c` on the same data: MB/s over 100 MB."""

import asyncio
import random
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.masking.masker import Masks
from runner.masking.secrets import Secret, encodings, forms
from tests.bench.table import Table

SIZE = 100_000_000
WRITE = 64 * 1024
COUNTS = (10, 100)
KINDS = ["aws_instance", "aws_iam_role", "google_compute_network", "null_resource"]
KEYS = ["ami", "arn", "description", "instance_type", "subnet_id", "tags", "user_data"]


def secrets(count: int) -> list[Secret]:
    """Make tokens of 20 to 40 letters, and in every tenth place a key of 25 lines."""
    chance = random.Random(count)

    def value(nth: int) -> bytes:
        if nth % 10 == 9:
            body = b64encode(chance.randbytes(1200))
            return b"\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return b64encode(chance.randbytes(chance.randint(15, 30)))

    return [Secret(f"S{nth}", value(nth)) for nth in range(count)]


def plan(known: list[Secret]) -> bytes:
    """Write SIZE bytes like the output of `terraform plan`, a secret every 20 KB."""
    chance = random.Random(1)
    lines: list[bytes] = []
    while (written := sum(map(len, lines))) < 1_000_000:
        block = b"".join(_block(chance))
        if written // 20_000 < (written + len(block)) // 20_000:
            value = chance.choice(known).value.replace(b"\n", b"\n        ")
            block += b'      + token = "' + value + b'"\n'
        lines.append(block)
    once = b"".join(lines)
    return (once * (SIZE // len(once) + 1))[:SIZE]


def _block(chance: random.Random) -> Iterator[bytes]:
    kind, nth = chance.choice(KINDS), chance.randrange(10**6)
    yield f"  # {kind}.n{nth} will be \x1b[32mcreated\x1b[0m\n".encode()
    yield f'  \x1b[32m+\x1b[0m resource "{kind}" "n{nth}" {{\n'.encode()
    for key in chance.sample(KEYS, 4):
        value = b64encode(chance.randbytes(chance.randint(4, 60))).decode()
        yield f'      \x1b[32m+\x1b[0m {key} = "{value}"\n'.encode()
        yield b"      \x1b[32m+\x1b[0m id = (known after apply)\n"


def mask(known: list[Secret], data: bytes, write: int) -> None:
    """Feed *data* to a new masker in writes of *write* bytes."""
    masker = Masks(known).stream()
    for at in range(0, len(data), write):
        masker.feed(data[at : at + write])
    masker.flush()


def grep(patterns: set[bytes], data: Path) -> None:
    """Count the lines of *data* that have one of *patterns*."""
    with tempfile.NamedTemporaryFile() as listed:
        Path(listed.name).write_bytes(b"\n".join(patterns))
        command = ["grep", "-F", "-c", "-f", listed.name, str(data)]
        subprocess.run(command, check=False, stdout=subprocess.PIPE)


def rate(work: Callable[[], None], size: int) -> float:
    """Return the MB/s of the best of three goes."""
    took: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return size / 1e6 / min(took)


async def measure() -> Table:
    """Measure with 10 and with 100 secrets."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "plan.txt"
        rows = [await asyncio.to_thread(_row, count, path) for count in COUNTS]
    return Table(
        title=f"Throughput over {SIZE / 1e6:.0f} MB like the output of a plan, in MB/s",
        columns=(
            "",
            "forms",
            "masker, 64 KiB writes",
            "masker, 120 B writes",
            "grep -F -c, values",
            "grep -F -c, forms",
        ),
        rows=rows,
        notes=["best of three; the writes of 120 B are a tenth of the data"],
    )


def _row(count: int, path: Path) -> list[str]:
    known = secrets(count)
    data = plan(known)
    path.write_bytes(data)
    values = {line for secret in known for line in secret.value.splitlines()}
    every = {form for secret in known for form in forms(secret) | encodings(secret)}
    every = {form for form in every if b"\n" not in form}
    lines = data[: SIZE // 10]
    columns = (
        rate(lambda: mask(known, data, WRITE), len(data)),
        rate(lambda: mask(known, lines, 120), len(lines)),
        rate(lambda: grep(values, path), len(data)),
        rate(lambda: grep(every, path), len(data)),
    )
    return [f"{count} secrets", str(len(every)), *(f"{mb_s:.0f}" for mb_s in columns)]
