"""A hundred runs at once that print all the time, beside the same without a bot."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.bench.chaos.engine import own_engine
from tests.bench.load.bare import Bare, bare
from tests.bench.load.served import Served, served
from tests.bench.table import Table, Target

RUNS: Final = 100
SECONDS: Final = 30
_LINES: Final = RUNS * SECONDS * 100


async def measure() -> Table:
    """Run the containers alone, and then as tasks."""
    with own_engine() as engine, TemporaryDirectory() as folder:
        image = await asyncio.to_thread(engine.image)
        alone = await bare(engine, image, RUNS, SECONDS)
        ours = await served(engine, image, RUNS, SECONDS, Path(folder))
    return _table(ours, alone)


def _table(ours: Served, alone: Bare) -> Table:
    lines = len(ours.lags.lags)
    rows = [
        ("lag from line printed to stored, median and p99", *ours.lags.shown),
        ("lag from line printed to read, without the bot", *alone.lags.shown),
        (
            "processor, the bot and dockerd",
            f"{ours.busy:.0f} s",
            f"{ours.engine:.0f} s",
        ),
        ("processor, dockerd without the bot", "", _s(alone.engine)),
        ("memory, idle and peak", f"{ours.idle:.0f} MB", f"{ours.peak:.0f} MB"),
        ("calls to Slack, in all and per run", f"{ours.calls}", _per_run(ours)),
        ("to the last end, and to its last message", _s(ours.took), _s(ours.told)),
    ]
    return Table(
        title=f"{RUNS} runs at once over {RUNS} stacks, 100 lines a second each for "
        f"{SECONDS} s, one process",
        columns=("", "", ""),
        rows=rows,
        targets=[
            Target(name="lines lost", measured=_LINES - lines, at_most=0),
            Target(name="runs that did not finish", measured=ours.unlike, at_most=0),
        ],
        notes=(
            f"{lines} lines stored, {len(alone.lags.lags)} read without the bot",
            f"the bot keeps {ours.busy / ours.took:.2f} processors busy on average",
            "without the bot: as many containers, each log followed by itself",
        ),
    )


def _s(seconds: float) -> str:
    return f"{seconds:.0f} s"


def _per_run(ours: Served) -> str:
    return f"{ours.calls / RUNS:.1f}"
