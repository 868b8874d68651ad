"""Runs on the real engine, without a bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from runner.docker.engine import DockerEngine
from runner.events import Outcome
from runner.execute import execute, resume
from runner.job import Job
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.source import Sources
from tests.support.docker import busybox_image, docker_engine
from tests.support.runs import SEAL, Record, a_job, masks_for

GRACE = timedelta(seconds=2)


class Bench:
    """The real engine, an installation of its own and one run after the other."""

    def __init__(self, engine: DockerEngine, installation: str, cache: Path) -> None:
        self.engine = engine
        self.installation = installation
        self.sources = Sources(cache)
        self.record = Record()
        self._runs = 0

    def job(self, command: str, **changes: Any) -> Job:
        self._runs += 1
        given = {"image": busybox_image(), "run": f"run-{self._runs}"} | changes
        return a_job(command, installation=self.installation, **given)

    async def run(self, command: str, *secrets: Secret, **changes: Any) -> Outcome:
        return await self.execute(self.job(command, **changes), None, *secrets)

    async def execute(
        self, job: Job, record: Record | None = None, *secrets: Secret
    ) -> Outcome:
        self.record = record or Record()
        return await execute(
            job,
            self.engine,
            self.record,
            masks=masks_for(job, *secrets),
            seal=SEAL,
            stop=asyncio.Event(),
            sources=self.sources,
            grace=GRACE,
        )

    async def resume(self, job: Job, seen: Record) -> tuple[Outcome, Record]:
        """Take *job* up where *seen* was left."""
        record = Record()
        outcome = await resume(
            job.run,
            job.installation,
            self.engine,
            record,
            limits=job.limits,
            masks=Masks(),
            seal=SEAL,
            stop=asyncio.Event(),
            reached=seen.reached,
            position=seen.position,
            grace=GRACE,
        )
        return outcome, record


@asynccontextmanager
async def a_bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Yield the real engine for an installation that may leave no container behind."""
    installation = f"e2e-{uuid4().hex[:8]}"
    async with docker_engine(installation) as engine:
        yield Bench(engine, installation, tmp_path / "cache")
