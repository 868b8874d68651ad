"""Bots that come and go over one run of a scripted engine."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from runner.events import Event, Outcome, Output, SecretsLearned
from runner.execute import execute, resume
from runner.job import Job, Limits
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from runner.scripted import ScriptedContainer, ScriptedEngine
from runner.seal import Seal, about
from runner.source import Sources
from tests.support.runs import INSTALLATION, SEAL, Record, a_job, masks_for

SOON = timedelta(milliseconds=20)
SHOW = "terraform show -json"
OWN = Secret("TOKEN", b"hunter2hunter2")
IN_STATE = {"sensitive": True, "value": "state-secret"}
STATE = json.dumps(
    {"format_version": "1.0", "values": {"outputs": {"key": IN_STATE}}}
).encode()


@dataclass
class Kept(Record):
    """A record that edits what it has kept, and may fail at one of its events."""

    kept: bytes = b""
    fails_at: int = -1
    left: bool = field(default=False, init=False)

    async def tell(self, event: Event) -> None:
        self._fail_at_its_time()
        await super().tell(event)
        if isinstance(event, Output):
            self.kept += event.data
        elif isinstance(event, SecretsLearned):
            self.kept = Masks(event.secrets).data(self.kept)

    async def may_perform(self) -> bool:
        self._fail_at_its_time()
        return await super().may_perform()

    def _fail_at_its_time(self) -> None:
        if len(self.events) + self.asked == self.fails_at:
            raise OSError("the bot is gone")


class Bench:
    """A scripted engine, and bots that come and go over one run."""

    def __init__(self, cache: Path) -> None:
        self.engine = ScriptedEngine()
        self.engine.prepare(SHOW, STATE)
        self.record = Kept()
        self.masks = Masks([OWN])
        self.stop = asyncio.Event()
        self.sources = Sources(cache)

    async def run(self, job: Job, masks: Masks | None = None) -> Outcome:
        self.masks = masks or masks_for(job, OWN)
        return await execute(
            job,
            self.engine,
            self.record,
            masks=self.masks,
            seal=SEAL,
            stop=self.stop,
            sources=self.sources,
            grace=SOON,
        )

    async def resume(self, job: Job, seal: Seal = SEAL) -> Outcome:
        seen, self.record = self.record, Kept(kept=self.record.kept)
        return await self.take_up(job, seen, seal)

    async def take_up(self, job: Job, seen: Record, seal: Seal = SEAL) -> Outcome:
        """Follow *job* with this record, from where *seen* was left."""
        return await resume(
            job.run,
            job.installation,
            self.engine,
            self.record,
            limits=job.limits,
            masks=Masks([OWN]),
            seal=seal,
            stop=self.stop,
            reached=seen.reached,
            position=seen.position,
            grace=SOON,
        )

    async def container(self) -> ScriptedContainer:
        found = await self.engine.find("run-1", INSTALLATION)
        assert found is not None
        return found

    async def carried(self) -> set[bytes]:
        sealed = await (await self.container()).kept()
        opened = SEAL.opened(sealed, about("run-1", INSTALLATION))
        return {secret.value for secret in opened}


def a_terraform_job(command: str = "apply", **changes: Limits) -> Job:
    return a_job(command, initializing=("init",), reading_state=SHOW, **changes)
