"""What becomes secret while a run goes on, on every engine."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from runner.engine import Container
from runner.errors import ContainerLost
from runner.job import Job, WorkspaceFile
from tests.contract.runner.rigs import (
    ANNOUNCING,
    ASIDE,
    READING,
    STATE,
    STUCK,
    VERBOSE,
    WAITING,
    Rig,
)
from tests.contract.runner.runs import again, called_off, job_for, run
from tests.support.runs import Record

STATE_FILE = WorkspaceFile(path="state.json", content=STATE, mode=0o444, secret=False)
WITHIN = timedelta(seconds=20)


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


async def a_waiting_run(rig: Rig, job: Job) -> Container:
    """Start *job*, whose command is WAITING, and leave it."""
    record = Record()
    running = asyncio.create_task(run(rig, record, job, asyncio.Event()))
    await record.printed(b"first")
    await called_off(running)
    found = await rig.engine.find(job.run, rig.installation)
    assert found is not None
    return found


async def test_a_value_that_the_command_announces_is_hidden_from_there_on(
    rig: Rig, stop: asyncio.Event
) -> None:
    record = Record()

    await run(rig, record, job_for(rig, ANNOUNCING), stop)

    assert record.output == b"said-secret\n*****\n"
    assert [secret.value for secret in record.learned] == [b"said-secret"]


async def test_a_value_that_was_announced_is_hidden_after_a_restart(
    rig: Rig, stop: asyncio.Event
) -> None:
    seen, record = Record(), Record()
    job = job_for(rig, WAITING, initializing=(ANNOUNCING,))
    running = asyncio.create_task(run(rig, seen, job, stop))
    await seen.printed(b"first")
    await called_off(running)

    await rig.release(job.run)
    await again(rig, record, job, seen)

    assert seen.output + record.output == b"said-secret\n*****\nfirst\nsecond\n"
    assert [secret.value for secret in record.learned] == [b"said-secret"]


async def test_what_is_sensitive_in_the_state_is_hidden(
    rig: Rig, stop: asyncio.Event
) -> None:
    record = Record()
    job = job_for(
        rig,
        READING,
        initializing=("echo init",),
        files=(STATE_FILE,),
        reading_state=READING,
    )

    outcome = await run(rig, record, job, stop)

    assert record.remarks == []
    assert record.output == b"init\n" + STATE.replace(b"state-secret", b"*****")
    assert outcome.exit_code == 0


async def test_a_state_that_cannot_be_read_is_told_and_the_run_goes_on(
    rig: Rig, stop: asyncio.Event
) -> None:
    record = Record()
    job = job_for(rig, "echo done", reading_state="echo one; exit 7")

    await run(rig, record, job, stop)

    (remark,) = record.remarks
    assert "exit code 7" in remark
    assert record.output == b"done\n"


async def test_a_script_beside_the_command_leaves_no_trace_in_the_output(
    rig: Rig, stop: asyncio.Event
) -> None:
    job = job_for(rig, WAITING)
    container = await a_waiting_run(rig, job)

    aside = await container.aside(ASIDE, within=WITHIN, most=100)

    record = Record()
    await rig.release(job.run)
    await again(rig, record, job, Record())
    assert (aside.code, aside.output) == (3, b"beside\n")
    assert record.output == b"first\nsecond\n"


@pytest.mark.parametrize(
    ("script", "within", "most"),
    [(STUCK, timedelta(seconds=1), 100), (VERBOSE, WITHIN, 100)],
)
async def test_a_script_beside_the_command_is_bounded(
    rig: Rig, script: str, within: timedelta, most: int
) -> None:
    container = await a_waiting_run(rig, job_for(rig, WAITING))

    aside = await container.aside(script, within=within, most=most)

    assert aside.code is None
    assert len(aside.output) <= most
    assert await container.remove()
    with pytest.raises(ContainerLost):
        await container.aside(ASIDE, within=WITHIN, most=most)


async def test_a_container_that_is_found_knows_how_its_state_is_read(
    rig: Rig, tmp_path: Path
) -> None:
    archive = tmp_path / "empty.tar"
    archive.write_bytes(b"\0" * 10240)
    digest = await rig.engine.resolve(rig.image)
    job = job_for(rig, "true", reading_state=READING)
    created = await rig.engine.create(job, digest, archive)

    found = await rig.engine.find(job.run, rig.installation)

    assert found is not None
    assert (created.reading, found.reading) == (READING, READING)
    assert await found.remove()


def test_the_state_of_these_tests_has_a_secret() -> None:
    assert json.loads(STATE)["values"]["outputs"]["key"]["value"] == "state-secret"
