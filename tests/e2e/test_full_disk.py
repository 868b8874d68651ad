"""A disk that is full, and one that breaks: nothing new starts, nothing is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL

from bot.domain.run import Reason
from tests.support.disks import (
    BreakableDisk,
    SmallDisk,
    a_breakable_disk,
    a_small_disk,
)
from tests.support.docker import run_in, wait_for_end
from tests.support.setup import Setup, a_setup

UNTIL_TOLD = "until [ -e /tmp/go ]; do sleep 0.1; done"
#: more in the second part than fits where there was room at the last moment
COMMAND = f"seq 1 2000; {UNTIL_TOLD}; seq 2001 90000; exit 3"
LINES = b"".join(b"%d\n" % number for number in range(1, 90001))


@asynccontextmanager
async def on_a_small_disk(tmp_path: Path) -> AsyncIterator[tuple[Setup, SmallDisk]]:
    async with a_setup(tmp_path) as setup:
        with a_small_disk(tmp_path / "data", "8m") as disk:
            (disk.at / "installation").write_text(setup.installation)
            yield setup, disk


@asynccontextmanager
async def on_a_breakable_disk(
    tmp_path: Path,
) -> AsyncIterator[tuple[Setup, BreakableDisk]]:
    async with a_setup(tmp_path) as setup:
        with a_breakable_disk(tmp_path / "data", tmp_path / "disk") as disk:
            (disk.at / "installation").write_text(setup.installation)
            yield setup, disk


async def waits(setup: Setup) -> str:
    """Have a run print its first part, and return its thread."""
    ts = await setup.seen.task(f"net-prod {COMMAND}")
    await setup.seen.tells(ts, "1999\n2000")
    return ts


def goes_on_to_its_end(setup: Setup) -> None:
    run_in(setup.container(1), ": > /tmp/go")


async def is_refused(setup: Setup, why: str) -> None:
    await setup.seen.slash("net-prod date", by="bob")
    assert "nothing was run" in await setup.seen.whispers("bob", why)
    assert len(setup.seen.roots()) == 1


async def has_come_to_its_true_end(setup: Setup, ts: str) -> None:
    await setup.seen.tells(ts, "failed: the command failed, exit code 3")
    run, output = await setup.recorded(1)
    assert output == LINES
    assert (run.reason, run.exit_code) == (Reason.EXIT_CODE, 3)


async def test_a_full_disk_refuses_new_runs_and_loses_nothing_of_those_under_way(
    tmp_path: Path,
) -> None:
    async with on_a_small_disk(tmp_path) as (setup, disk), setup.serving():
        ts = await waits(setup)
        disk.fill()

        await is_refused(setup, "Handrail's disk is full")
        goes_on_to_its_end(setup)
        await is_refused(setup, "Handrail's disk is full")
        disk.make_room()

        await has_come_to_its_true_end(setup, ts)
        again = await setup.seen.task("net-prod date")
        await setup.seen.tells(again, "finished")


async def test_a_bot_killed_on_a_full_disk_finds_all_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    async with on_a_small_disk(tmp_path) as (setup, disk):
        async with setup.serving() as first:
            ts = await waits(setup)
            disk.fill()
            goes_on_to_its_end(setup)
            wait_for_end(setup.container(1))
            await is_refused(setup, "Handrail's disk is full")
            await first.told(SIGKILL)
        disk.make_room()

        async with setup.serving():
            await has_come_to_its_true_end(setup, ts)


async def test_a_disk_that_turns_read_only_refuses_new_runs_and_keeps_what_was_kept(
    tmp_path: Path,
) -> None:
    async with on_a_breakable_disk(tmp_path) as (setup, disk):
        async with setup.serving() as first:
            ts = await waits(setup)
            disk.break_down()
            await is_refused(setup, "Handrail's disk cannot be written to")
            goes_on_to_its_end(setup)
            wait_for_end(setup.container(1))
            await first.told(SIGKILL)
        disk.repair()

        async with setup.serving():
            await has_come_to_its_true_end(setup, ts)
