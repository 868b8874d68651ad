"""A bot that is told to end ends, whatever does not answer."""

import signal
import subprocess
import sys

STUBBORN = """
import asyncio, time
from bot.cli.commands import _run

async def work():
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            {then}

_run(work(), within=0.2)
"""


def ended(then: str) -> int:
    """Return the exit code of a process that does *then* when it is told to end."""
    command = [sys.executable, "-c", STUBBORN.format(then=then)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        return process.wait(30)


def test_what_does_not_heed_it_is_ended_for_good() -> None:
    assert ended("continue") == 0


def test_a_loop_that_hangs_is_ended_for_good() -> None:
    assert ended("time.sleep(1000)") == 0


def test_what_heeds_it_ends_by_itself() -> None:
    assert ended("raise") == 0
