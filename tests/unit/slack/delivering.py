"""An outbox, a clock and a sender that do what a test says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from bot.domain.errors import Superseded
from bot.domain.people import ChannelId, UserId
from bot.domain.run import RunId, ThreadId
from bot.domain.telling import (
    Final,
    Telling,
)
from bot.ports import Archive, Letter, LetterId, Posted, Shown, Thread
from bot.slack.delivery import Delivery
from bot.slack.pacing import Budget, Pace
from bot.slack.post import Post
from bot.slack.refuge import Refuge
from bot.slack.sending import MaySend
from tests.support.builders import CHANNEL, NOON, STACK

RUN = RunId(1)
PLENTY = Budget(posts=(1_000, 1_000), updates=(1_000, 1_000))


def a_letter(
    number: int, telling: Telling, *, message_ts: str | None = None, revision: int = 0
) -> Letter:
    thread = ThreadId(number)
    return Letter(
        id=LetterId(number),
        thread=Thread(id=thread, channel=CHANNEL, ts="1.1", stack=STACK, run=RUN),
        telling=telling,
        attempts=0,
        message_ts=message_ts,
        revision=revision,
    )


@dataclass
class Letters:
    """An outbox that hands out what a test says, whatever was delivered."""

    waiting: list[Letter] = field(default_factory=list)
    ending: list[Letter] = field(default_factory=list)
    sent: list[Letter] = field(default_factory=list)
    fates: list[str] = field(default_factory=list)
    doubts: list[bool] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    unmade: list[Letter] = field(default_factory=list)
    forgotten: int = 0
    places: list[tuple[str | None, ChannelId | None]] = field(default_factory=list)
    reads: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    #: what is made stands still before it is sent while this is cleared
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    may_send: MaySend | None = None

    def __post_init__(self) -> None:
        self.goes_on.set()

    def ask_first(self, may_send: MaySend) -> None:
        self.may_send = may_send

    async def due(self, _at: datetime) -> tuple[Letter, ...]:
        self.reads.put_nowait(None)
        return tuple(self.waiting)

    async def delivered(
        self,
        letter: Letter,
        message_ts: str | None,
        channel: ChannelId | None = None,
        *,
        shown: Shown | None = None,
    ) -> None:
        assert shown is not None
        self.places.append((message_ts, channel))

    async def postpone(
        self, letter: Letter, until: datetime, error: str, *, counts: bool = True
    ) -> None:
        wait = f"{letter.id} waits {(until - NOON).total_seconds():g}"
        self.fates.append(wait if counts else f"{wait} for Slack")

    async def closing(self, _at: datetime) -> tuple[Letter, ...]:
        return tuple(self.ending)

    async def move(
        self, letter: Letter, to: ChannelId, why: str, *, admins: Sequence[UserId]
    ) -> None:
        self.fates.append(f"{letter.id} to {to}: {why}, {','.join(admins)}")

    async def give_up(
        self, letter: Letter, error: str, at: datetime, *, everywhere: bool = False
    ) -> None:
        self.fates.append(f"{letter.id} given up{' everywhere' * everywhere}: {error}")

    async def __call__(self, letter: Letter, *, doubtful: bool) -> Posted:
        await self.goes_on.wait()
        if self.may_send is None or not await self.may_send(letter):
            raise Superseded("another replica delivers")
        self.sent.append(letter)
        self.doubts.append(doubtful)
        if self.trouble:
            raise self.trouble.pop(0)
        return Posted(channel=CHANNEL, ts=f"{doubtful}")

    async def unmade_ending(self, letter: Letter) -> Posted | None:
        self.unmade.append(letter)
        if not isinstance(letter.telling, Final):
            return None
        return Posted(channel=CHANNEL, ts="bare")

    def forget(self) -> None:
        self.forgotten += 1

    async def read(self, times: int) -> None:
        """Wait until the outbox was read so often from now on."""
        while not self.reads.empty():
            self.reads.get_nowait()
        for _ in range(times):
            await self.reads.get()


@dataclass
class Hand:
    """A clock that a test turns, and a duty that it gives and takes."""

    now: float = 100.0
    has_duty: bool = True
    asked: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    def __call__(self) -> float:
        return self.now

    async def duty(self) -> bool:
        self.asked.put_nowait(None)
        return self.has_duty

    async def is_asked(self, times: int) -> None:
        """Wait until it was asked for its duty so often from now on."""
        while not self.asked.empty():
            self.asked.get_nowait()
        for _ in range(times):
            await self.asked.get()


@asynccontextmanager
async def delivering(
    letters: Letters,
    *,
    hand: Hand | None = None,
    budget: Budget = PLENTY,
) -> AsyncIterator[Delivery]:
    hand = hand or Hand()
    delivery = Delivery(
        outbox=letters,
        archive=cast(Archive, letters),
        post=cast(Post, letters),
        pace=Pace(budget, hand),
        clock=lambda: NOON,
        duty=hand.duty,
        refuge=Refuge(fallback=ChannelId("C0RECORDS"), admins=(UserId("U0ADA"),)),
        monotonic=hand,
    )
    task = asyncio.create_task(delivery.serve())
    yield delivery
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
