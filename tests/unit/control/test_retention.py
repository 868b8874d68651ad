"""When what is kept for a time only goes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.control.retention import Retention
from bot.domain.errors import StoreUnavailable
from bot.domain.run import RunId
from bot.domain.stack import KeptFor
from tests.support.builders import NOON


@dataclass
class Remembering:
    """Perishables that note what was asked of them; away for the first *away* asks."""

    away: int = 0
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    old: tuple[RunId, ...] = ()  #: whose output is overdue
    asked_after: list[RunId] = field(default_factory=list)
    swept: asyncio.Event = field(default_factory=asyncio.Event)

    async def overdue(
        self, ended_before: datetime, limit: int, after: RunId
    ) -> Sequence[RunId]:
        self.asked.append(("output", ended_before))
        self.asked_after.append(after)
        self.swept.set()
        return [run for run in self.old if run > after][:1]

    async def drop_output(self, run: RunId, at: datetime) -> bool:
        return False

    async def forget_deliveries(self, before: datetime) -> bool:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        self.asked.append(("deliveries", before))
        return False

    async def forget_words(self, before: datetime) -> bool:
        self.asked.append(("words", before))
        return False

    async def forget_requests(self, before: datetime) -> bool:
        self.asked.append(("requests", before))
        return False

    async def scrub(self) -> None:
        pass


def sweeping(perishables: Remembering, kept_for: KeptFor) -> Retention:
    return Retention(perishables=perishables, kept_for=kept_for, clock=lambda: NOON)


async def test_each_goes_by_its_own_age() -> None:
    perishables = Remembering()

    await sweeping(perishables, KeptFor(output=timedelta(days=90))).sweep()

    assert dict(perishables.asked) == {
        "output": NOON - timedelta(days=90),
        "deliveries": NOON - timedelta(hours=25),
        "words": NOON - timedelta(days=30),
        "requests": NOON - timedelta(days=30),
    }


async def test_no_run_is_looked_at_twice_in_a_sweep() -> None:
    perishables = Remembering(old=(RunId(3), RunId(7)))

    assert await sweeping(perishables, KeptFor(output=timedelta(days=90))).sweep() == 2

    assert perishables.asked_after == [0, 3, 7]


async def test_output_that_is_kept_for_ever_is_not_even_looked_for() -> None:
    perishables = Remembering()

    assert await sweeping(perishables, KeptFor(output=None)).sweep() == 0

    assert "output" not in dict(perishables.asked)


async def test_a_database_that_is_away_is_swept_once_it_is_back() -> None:
    perishables = Remembering(away=2)
    serving = asyncio.create_task(
        sweeping(perishables, KeptFor()).serve(every=60, again=0)
    )

    async with asyncio.timeout(5):
        await perishables.swept.wait()

    assert not serving.done()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
