"""How soon slash commands are acknowledged while many come at once."""

import asyncio
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from runner.scripted import ScriptedEngine
from tests.bench.table import Table, Target, percentile
from tests.support.bot import Bot, a_running_bot, a_stack

COMMANDS = 200
A_SECOND = 20
STACKS = 50
AT_MOST_MS = 150.0


async def measure() -> Table:
    """Send the commands at their pace, whether or not earlier ones are answered."""
    stacks = [a_stack(f"stack-{nth}") for nth in range(STACKS)]
    with TemporaryDirectory() as place:
        async with a_running_bot(Path(place), ScriptedEngine(), *stacks) as bot:
            await bot.slash("help")  # opens connections, fills caches
            started = time.perf_counter()
            waits = await asyncio.gather(
                *(_sent(bot, nth, started) for nth in range(COMMANDS))
            )
            await bot.sandbox.wait_for(lambda: len(bot.roots()) == COMMANDS, 60)
            told = time.perf_counter() - started
    return _table(waits, told)


async def _sent(bot: Bot, nth: int, started: float) -> float:
    """Send the *nth* command when its time has come; return the milliseconds."""
    due = started + nth / A_SECOND
    await asyncio.sleep(due - time.perf_counter())
    await bot.slash(f"stack-{nth % STACKS} terraform state list {nth}")
    # From when it was due: a late sender does not hide a late answer.
    return (time.perf_counter() - due) * 1000


def _table(waits: list[float], told: float) -> Table:
    note = (
        f"{STACKS} stacks, scripted engine, the workspace in the same process; all "
        f"{COMMANDS} runs were in the channel {told:.1f} s after the first command"
    )
    p99 = percentile(waits, 99)
    figures = (median(waits), percentile(waits, 90), p99, max(waits))
    return Table(
        title=f"Acknowledgement of {COMMANDS} slash commands at {A_SECOND} a second",
        columns=("", "median", "p90", "p99", "longest"),
        rows=[("typed to acknowledged", *(f"{wait:.1f} ms" for wait in figures))],
        targets=[Target(name="p99", measured=p99, at_most=AT_MOST_MS, unit=" ms")],
        notes=[note],
    )
