"""How soon a stack that becomes free is taken by the run that waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bot.domain.run import RunId, RunState
from bot.settings import Settings
from runner.scripted import ScriptedEngine
from tests.bench.table import Table, Target, percentile
from tests.support import postgres
from tests.support.bot import Bot, a_bot, a_stack

QUEUES = 10
LENGTH = 5  #: runs of a queue
AT_MOST_MS = 250.0
KEY = "0123456789abcdef" * 4


async def measure() -> Table:
    """Queue runs on one stack, and see when each follows the one before it."""
    one = await _waits(_alone)
    two = await _waits(_as_two_replicas)
    return _table({"SQLite, one process": one, "PostgreSQL, two replicas": two})


async def _waits(
    served: Callable[[Bot], AbstractAsyncContextManager[None]],
) -> list[float]:
    """Return the milliseconds from each run's end to the next one's start."""
    with TemporaryDirectory() as place:
        async with (
            a_bot(Path(place), ScriptedEngine(), a_stack("net-prod")) as bot,
            served(bot),
        ):
            for queue in range(QUEUES):
                await _queued(bot, queue)
            return [
                await _wait(bot, *two)
                for first in range(1, QUEUES * LENGTH, LENGTH)
                for two in pairwise(range(first, first + LENGTH))
            ]


async def _queued(bot: Bot, nth: int) -> None:
    """Queue runs behind one that waits until they are there, and see them through."""
    engine: ScriptedEngine = bot.engine
    engine.on(f"first {nth}", block=True)
    await bot.slash(f"net-prod first {nth}")
    await engine.reached(f"first {nth}")
    for place in range(1, LENGTH):
        await bot.slash(f"net-prod terraform state list {place}")
    await _until(bot, nth * LENGTH + LENGTH, over=False)
    engine.release(f"first {nth}")
    await _until(bot, nth * LENGTH + LENGTH, over=True)


async def _until(bot: Bot, number: int, *, over: bool) -> None:
    """Wait until so many runs are recorded, or *over*."""
    archive = bot.handrail.archive
    async with asyncio.timeout(120):
        while True:
            runs = await archive.last_runs(None, number)
            ended = all(run.state.is_terminal for run in runs)
            if len(runs) == number and (ended or not over):
                return
            await asyncio.sleep(0.1)


async def _wait(bot: Bot, before: int, after: int) -> float:
    archive = bot.handrail.archive
    ended = (await archive.transitions(RunId(before)))[-1].at
    steps = await archive.transitions(RunId(after))
    started = next(step.at for step in steps if step.to_state is RunState.PREPARING)
    return (started - ended).total_seconds() * 1000


@asynccontextmanager
async def _alone(bot: Bot) -> AsyncIterator[None]:
    async with bot.start() as bot.handrail:
        yield


@asynccontextmanager
async def _as_two_replicas(bot: Bot) -> AsyncIterator[None]:
    with postgres.serving(()) as server:
        async with server.database() as url:
            shared = {"HANDRAIL_DATABASE_URL": url, "HANDRAIL_SEAL_KEY": KEY}
            bot.settings = Settings.read(bot.environ | shared)
            async with bot.start() as bot.handrail, bot.start():
                yield


def _table(waits: dict[str, list[float]]) -> Table:
    return Table(
        title=f"From a run's end to the start of the next of {LENGTH} on its stack",
        columns=("", "median", "p90", "longest"),
        rows=[
            (name, *(f"{one:.0f} ms" for one in _figures(found)))
            for name, found in waits.items()
        ],
        targets=[
            Target(
                name=f"{name}, p90",
                measured=percentile(found, 90),
                at_most=AT_MOST_MS,
                unit=" ms",
            )
            for name, found in waits.items()
        ],
        notes=["scripted engine, the workspace and the bot in one process"],
    )


def _figures(found: list[float]) -> tuple[float, float, float]:
    return median(found), percentile(found, 90), max(found)
