"""What a container keeps of its output is what its engine logs, to the byte."""

import asyncio
import io
import re
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runner.docker.address import connect
from runner.driver import KEPT_OUTPUT
from runner.events import Concluded, Ending, Event, Output
from runner.execute import execute
from runner.job import DirectorySource, Job, workspace_of
from tests.support.docker import (
    engine_address,
    image_of_user,
    image_without_room,
    wait_for_end,
)
from tests.support.docker_runs import GRACE, Bench, a_bench
from tests.support.runs import SEAL, Record, masks_for

MARK = re.compile(rb"\x1ehandrail \w+ \w+\x1f\n")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(tmp_path) as bench:
        yield bench
        for run in await bench.engine.left_workspaces(bench.installation):
            assert await bench.engine.forget_workspace(run, bench.installation)


class Dying(Record):
    """Goes away as soon as it is told of output."""

    async def tell(self, event: Event) -> None:
        if isinstance(event, Output):
            raise OSError("the bot is gone")
        await super().tell(event)


class Comparing(Record):
    """Takes out of the container what it keeps, before it is removed."""

    def __init__(self, bench: Bench, job: Job) -> None:
        super().__init__()
        self.name = f"handrail-{bench.installation}-{job.run}"
        self.kept = b""

    async def tell(self, event: Event) -> None:
        await super().tell(event)
        if isinstance(event, Concluded):
            await asyncio.to_thread(self._take)

    def _take(self) -> None:
        client = connect(engine_address())
        try:
            chunks, _ = client.api.get_archive(self.name, KEPT_OUTPUT)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                file = archive.extractfile("output")
                assert file is not None
                self.kept = MARK.sub(b"", file.read())
        finally:
            client.close()


async def compared(bench: Bench, job: Job) -> Comparing:
    record = Comparing(bench, job)
    await bench.execute(job, record)
    return record


@pytest.mark.parametrize("user", ["", "ann", "1042:7"])
@pytest.mark.parametrize("kept", [False, True])
async def test_the_copy_has_what_the_log_has(
    bench: Bench, tmp_path: Path, user: str, kept: bool
) -> None:
    (tmp_path / "code").mkdir()
    changes = {"image": image_of_user(user)} if user else {}
    job = bench.job(
        "seq 1 3000; cat /bin/busybox; echo err >&2; printf tail",
        run="run-1",
        source=DirectorySource(directory=tmp_path / "code"),
        volume=workspace_of("run-1") if kept else None,
        initializing=("echo init",),
        after_run=("echo bye",),
        **changes,
    )

    record = await compared(bench, job)

    assert record.kept == record.output
    assert record.output.endswith(b"bye\n")


async def test_a_second_container_of_a_workspace_keeps_its_own(bench: Bench) -> None:
    again: dict[str, Any] = {
        "run": "run-1",
        "volume": workspace_of("run-1"),
        "image": image_of_user("ann"),
    }
    await bench.execute(bench.job("echo first", **again))

    record = await compared(bench, bench.job("echo second", is_laid=True, **again))

    assert record.kept == record.output == b"second\n"


async def test_a_script_that_ends_its_whole_group_has_said_what_it_said(
    bench: Bench,
) -> None:
    outcome = await bench.run("trap 'kill 0' EXIT; seq 1 500; exit 0")

    assert bench.record.output == b"".join(b"%d\n" % n for n in range(1, 501))
    assert outcome.exit_code == 143


async def test_a_script_that_takes_the_place_of_the_shell_has_said_all(
    bench: Bench,
) -> None:
    outcome = await bench.run("true", initializing=("exec seq 1 500",))

    assert bench.record.output == b"".join(b"%d\n" % n for n in range(1, 501))
    assert outcome.ending is Ending.EXITED


async def test_what_a_command_leaves_running_does_not_keep_its_container(
    bench: Bench,
) -> None:
    leaving = "(trap '' HUP INT TERM; while :; do sleep 1 & wait; done) & echo said"

    outcome = await bench.run(f"{leaving}; {leaving}")

    assert bench.record.output == b"said\nsaid\n"
    assert outcome.exit_code == 0


async def test_an_image_that_can_keep_nothing_tells_all_the_same(bench: Bench) -> None:
    job = bench.job("seq 1 500; exit 3", image=image_without_room())
    dying = Dying()
    await asyncio.gather(bench.execute(job, dying), return_exceptions=True)

    outcome, record = await bench.resume(job, dying)

    assert record.output == b"".join(b"%d\n" % n for n in range(1, 501))
    assert outcome.exit_code == 3


async def test_a_stop_while_initializing_is_heard_by_the_init(bench: Bench) -> None:
    init = "sh -c 'trap \"echo heard; exit 3\" INT; echo on; while :; do sleep 1; done'"
    job = bench.job("true", initializing=(init,))
    record, stop = Record(), asyncio.Event()
    running = asyncio.create_task(
        execute(
            job,
            bench.engine,
            record,
            masks=masks_for(job),
            seal=SEAL,
            stop=stop,
            sources=bench.sources,
            grace=GRACE,
        )
    )
    await record.printed(b"on\n")

    stop.set()
    outcome = await running

    assert record.output == b"on\nheard\n"
    assert outcome.ending is Ending.STOPPED


async def test_a_copy_that_was_removed_is_missed_by_nobody(bench: Bench) -> None:
    job = bench.job("echo one; rm -rf /mnt/handrail; echo two; exit 4")
    dying = Dying()
    await asyncio.gather(bench.execute(job, dying), return_exceptions=True)
    await asyncio.to_thread(wait_for_end, f"handrail-{bench.installation}-{job.run}")

    outcome, record = await bench.resume(job, dying)

    assert dying.output + record.output == b"one\ntwo\n"
    assert outcome.exit_code == 4
