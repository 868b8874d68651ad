"""Runs on a rig, and the same runs taken up again."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.events import Outcome
from runner.execute import execute, resume
from runner.job import Job
from runner.masking.masker import Masks
from runner.source import Sources
from tests.contract.runner.rigs import Rig
from tests.support.runs import SEAL, Record, a_job, masks_for


def job_for(rig: Rig, command: str, **changes: Any) -> Job:
    return a_job(command, image=rig.image, installation=rig.installation, **changes)


async def run(rig: Rig, record: Record, job: Job, stop: asyncio.Event) -> Outcome:
    return await execute(
        job,
        rig.engine,
        record,
        masks=masks_for(job),
        seal=SEAL,
        stop=stop,
        sources=Sources(Path("unused")),
        grace=timedelta(seconds=5),
    )


async def again(rig: Rig, record: Record, job: Job, seen: Record) -> Outcome:
    return await resume(
        job.run,
        job.installation,
        rig.engine,
        record,
        limits=job.limits,
        masks=Masks(),
        seal=SEAL,
        stop=asyncio.Event(),
        reached=seen.reached,
        position=seen.position,
    )


async def called_off(running: "asyncio.Task[Outcome]") -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
