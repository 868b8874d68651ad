"""How long a task takes, beside `docker run` of the same command in the same minute."""

import asyncio
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from bot.domain.run import RunState
from runner.docker.engine import DockerEngine
from tests.bench.table import Table, Target, percentile
from tests.support.bot import Bot, a_running_bot, a_stack
from tests.support.docker import busybox_image, engine_address

PAIRS = 20
AT_MOST = 1.5
_LOOK_SECONDS = 0.005
_OVER = tuple(state.value for state in RunState if state.is_terminal)


async def measure() -> Table:
    """Compare the two in pairs, each first in every second pair."""
    image = await asyncio.to_thread(busybox_image)
    stack = a_stack("bench", image=image, network="none")
    with TemporaryDirectory() as place:
        async with (
            DockerEngine(engine_address()) as engine,
            a_running_bot(Path(place), engine, stack) as bot,
        ):
            await _pair(bot, image, 0)  # opens connections, fills caches
            pairs = [await _pair(bot, image, nth) for nth in range(1, PAIRS + 1)]
    return _table(pairs)


async def _pair(bot: Bot, image: str, nth: int) -> tuple[float, float]:
    """Return the seconds of a task and of `docker run`."""
    if nth % 2:
        plain = await asyncio.to_thread(_docker_run, image)
        return await _task(bot, nth + 1), plain
    task = await _task(bot, nth + 1)
    return task, await asyncio.to_thread(_docker_run, image)


async def _task(bot: Bot, number: int) -> float:
    """Return the seconds from the typed command to the stored final state."""
    started = time.perf_counter()
    await bot.slash("bench true --no-init")
    took = await _stored(bot, number) - started
    await bot.ends(number)  # its thread is told before anything else is measured
    return took


async def _stored(bot: Bot, number: int) -> float:
    """Return when another connection first saw the run's final state."""
    path = make_url(bot.settings.database_url).database
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        while True:
            query = "SELECT state, exit_code FROM runs WHERE id = ?"
            state, code = database.execute(query, (number,)).fetchone() or ("", None)
            if state in _OVER:
                assert (state, code) == ("finished", 0)
                return time.perf_counter()
            await asyncio.sleep(_LOOK_SECONDS)


def _docker_run(image: str) -> float:
    command = ["docker", "run", "--rm", "--network", "none", image, "true"]
    started = time.perf_counter()
    subprocess.run(command, check=True, env=engine_address().environment)
    return time.perf_counter() - started


def _table(pairs: list[tuple[float, float]]) -> Table:
    tasks, plain = zip(*pairs, strict=True)
    ratios = [task / run for task, run in pairs]
    rows = [
        ("/task bench true --no-init", *_spread(tasks, "{:.3f} s")),
        ("docker run --rm true", *_spread(plain, "{:.3f} s")),
        ("ratio of the pair", *_spread(ratios, "{:.2f}")),
    ]
    return Table(
        title=f"From a typed task to its stored final state ({len(pairs)} pairs)",
        columns=("", "median", "p10", "p90"),
        rows=rows,
        targets=[Target(name="ratio", measured=median(ratios), at_most=AT_MOST)],
    )


def _spread(values: tuple[float, ...] | list[float], shown: str) -> list[str]:
    points = (median(values), percentile(values, 10), percentile(values, 90))
    return [shown.format(point) for point in points]
