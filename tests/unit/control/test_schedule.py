"""Runs are started oldest first, one per stack, as many as there are slots."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.control.schedule import Schedule
from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, Run, RunId, RunState
from bot.ports import Ended
from tests.support.builders import a_new_run, an_actor, later
from tests.unit.control.stand_ins import Stage, utc_now

LOST = Ended(state=RunState.FAILED, actor=HANDRAIL, reason=Reason.LOST)


@dataclass
class Drives:
    """Drives runs until a test lets them end."""

    stage: Stage
    driven: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    let_go: list[int] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    most: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ends: defaultdict[int, asyncio.Event] = field(
        default_factory=lambda: defaultdict(asyncio.Event)
    )

    async def __call__(self, run: Run, stop: asyncio.Event) -> None:
        self.driven.append(run.id)
        self.most = max(self.most, len(self.driven) - len(self.ended))
        self.news.set()
        try:
            await self._drive(run, stop)
        except asyncio.CancelledError:
            self.let_go.append(run.id)
            raise

    async def _drive(self, run: Run, stop: asyncio.Event) -> None:
        if run.id in self.broken:
            self.ended.append(run.id)
            raise RuntimeError("a bug")
        await self.stage.record.start(run.id, utc_now())
        ways = [self.ends[run.id].wait(), stop.wait()]
        waiting = [asyncio.create_task(way) for way in ways]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await self.stage.record.end(run.id, LOST, utc_now())
        self.ended.append(run.id)
        self.news.set()

    async def reached(self, number: int) -> None:
        """Wait until *number* runs were started."""
        await self._grown(self.driven, number)

    async def over(self, number: int) -> None:
        """Wait until *number* runs have ended."""
        await self._grown(self.ended, number)

    async def _grown(self, runs: list[int], number: int) -> None:
        async with asyncio.timeout(10):
            while len(runs) < number:
                await self.news.wait()
                self.news.clear()


@asynccontextmanager
async def serving(drives: Drives, *, slots: int) -> AsyncIterator[Schedule]:
    schedule = Schedule(
        record=drives.stage.record,
        archive=drives.stage.store.archive,
        perform=drives,
        slots=slots,
        clock=utc_now,
    )
    serve = asyncio.create_task(schedule.serve())
    try:
        yield schedule
    finally:
        serve.cancel()
        await asyncio.gather(serve, return_exceptions=True)


async def submitted(stage: Stage, *stacks: str) -> list[Run]:
    return [
        await stage.record.submit(a_new_run(stack=stack), later(0)) for stack in stacks
    ]


async def test_no_more_runs_go_on_than_there_are_slots(stage: Stage) -> None:
    runs, drives = await submitted(stage, "a", "b", "c", "d", "e"), Drives(stage)

    async with serving(drives, slots=2):
        for number, run in enumerate(runs):
            await drives.reached(min(number + 2, 5))
            drives.ends[run.id].set()
        await drives.reached(5)

    assert drives.driven == [run.id for run in runs]
    assert drives.most == 2


async def test_runs_of_one_stack_follow_each_other(stage: Stage) -> None:
    runs, drives = await submitted(stage, "a", "a", "a"), Drives(stage)
    for run in runs:
        drives.ends[run.id].set()

    async with serving(drives, slots=10):
        await drives.reached(3)

    assert drives.driven == [run.id for run in runs]
    assert drives.most == 1


async def test_a_run_that_cannot_be_driven_stops_no_other(stage: Stage) -> None:
    bad, good, later_one = await submitted(stage, "a", "b", "c")
    drives = Drives(stage, broken={bad.id})

    async with serving(drives, slots=1):
        await drives.reached(2)
        drives.ends[good.id].set()
        await drives.reached(3)

    assert {bad.id, good.id, later_one.id} <= set(drives.driven)
    occupancy = await stage.store.archive.occupancy(bad.stack)
    assert occupancy.claim is not None


async def test_what_is_submitted_later_is_started_at_once(stage: Stage) -> None:
    drives = Drives(stage)
    async with serving(drives, slots=2) as schedule:
        (run,) = await submitted(stage, "a")

        await schedule.promote()
        async with asyncio.timeout(2):
            await drives.reached(1)

    assert drives.driven == [run.id]


async def test_a_stop_reaches_the_run_that_it_is_for(stage: Stage) -> None:
    one, other = await submitted(stage, "a", "b")
    drives = Drives(stage)
    async with serving(drives, slots=2) as schedule:
        await drives.reached(2)

        schedule.stop(other.id)
        schedule.stop(RunId(99))
        await drives.over(1)

    assert drives.ended == [other.id]
    assert drives.let_go == [one.id]


async def test_a_run_that_was_asked_to_stop_is_taken_up_with_the_wish(
    stage: Stage,
) -> None:
    run = await stage.preparing()
    await stage.record.ask_stop(run.id, an_actor("bob"), later(3))
    asked, heard = await stage.store.archive.run(run.id), asyncio.Event()

    async def drive(_: Run, stop: asyncio.Event) -> None:
        await stop.wait()
        heard.set()

    async with serving(Drives(stage), slots=1) as schedule:
        schedule.take_up(asked, drive)
        async with asyncio.timeout(5):
            await heard.wait()


async def test_a_store_that_is_away_starts_nothing_until_it_is_back(
    stage: Stage,
) -> None:
    await submitted(stage, "a")
    stage.record.away["ready"] = 2
    drives = Drives(stage)

    async with serving(drives, slots=1) as schedule:
        for _ in range(3):
            schedule.wake()
            await asyncio.sleep(0.05)
        await drives.reached(1)

    assert stage.record.away["ready"] == 0


async def test_runs_are_let_go_when_the_bot_goes_away(stage: Stage) -> None:
    runs, drives = await submitted(stage, "a", "b"), Drives(stage)

    async with serving(drives, slots=2):
        await drives.reached(2)

    assert sorted(drives.let_go) == [run.id for run in runs]
    assert drives.ended == []
