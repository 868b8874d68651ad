"""Which letter goes when, and that none goes twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from bot.domain.people import ChannelId, UserId
from bot.domain.run import RunId, ThreadId
from bot.domain.telling import Final, Header, Said, Tail, Telling, Waiting
from bot.ports import Archive, Letter, LetterId, Posted, Shown, Thread
from bot.slack.delivery import Delivery
from bot.slack.pacing import Budget, Pace
from bot.slack.post import Post
from tests.support.builders import CHANNEL, NOON, STACK

RUN = RunId(1)


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
    trouble: list[Exception] = field(default_factory=list)
    forgotten: int = 0
    places: list[tuple[str | None, ChannelId | None]] = field(default_factory=list)
    reads: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

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

    async def postpone(self, letter: Letter, until: datetime, error: str) -> None:
        raise AssertionError

    async def closing(self, _at: datetime) -> tuple[Letter, ...]:
        return tuple(self.ending)

    async def move(
        self, letter: Letter, to: ChannelId, why: str, *, admins: Sequence[UserId]
    ) -> None:
        raise AssertionError

    async def give_up(
        self, letter: Letter, error: str, at: datetime, *, everywhere: bool = False
    ) -> None:
        raise AssertionError

    async def __call__(self, letter: Letter, *, doubtful: bool) -> Posted:
        self.sent.append(letter)
        if self.trouble:
            raise self.trouble.pop(0)
        return Posted(channel=CHANNEL, ts=f"{doubtful}")

    def forget(self) -> None:
        self.forgotten += 1

    async def read(self, times: int) -> None:
        """Wait until the outbox was read so often from now on."""
        while not self.reads.empty():
            self.reads.get_nowait()
        for _ in range(times):
            await self.reads.get()


@asynccontextmanager
async def delivering(letters: Letters) -> AsyncIterator[None]:
    delivery = Delivery(
        outbox=letters,
        archive=cast(Archive, None),
        post=cast(Post, letters),
        pace=Pace(Budget(posts=(1_000, 1_000), updates=(1_000, 1_000))),
        clock=lambda: NOON,
    )
    task = asyncio.create_task(delivery.serve())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_was_redacted_goes_before_everything_else() -> None:
    final = a_letter(1, Final(run=RUN))
    header = a_letter(2, Header(run=RUN), message_ts="1.1")
    waiting = a_letter(4, Waiting(run=RUN), message_ts="4.1")
    tail = a_letter(3, Tail(run=RUN), message_ts="2.2")
    redacted = [
        a_letter(8, Said(text="*****"), message_ts="3.3", revision=1),
        a_letter(9, Tail(run=RUN), message_ts="4.4", revision=1),
    ]
    letters = Letters([tail, header, waiting, final, *redacted])

    async with delivering(letters):
        await letters.read(2)

    assert letters.sent == [*redacted, final, header, waiting, tail]


async def test_it_is_noted_where_a_letter_was_posted() -> None:
    letters = Letters([a_letter(1, Said(text="x"))])

    async with delivering(letters):
        await letters.read(3)

    assert letters.places == [("True", CHANNEL)]


async def test_a_letter_that_was_read_just_before_its_note_does_not_go_twice() -> None:
    letters = Letters([a_letter(1, Said(text="x"))])

    async with delivering(letters):
        await letters.read(3)

    assert len(letters.sent) == 1


async def test_a_letter_that_was_redacted_since_goes_again() -> None:
    letter = a_letter(1, Said(text="x"))
    again = replace(letter, message_ts="2.2", revision=1)
    newer = replace(a_letter(7, Said(text="y")), thread=letter.thread)
    letters = Letters()

    async with delivering(letters):
        for letter_now in (letter, again, newer, replace(again, revision=2)):
            letters.waiting = [letter_now]
            await letters.read(2)

    assert [(each.id, each.revision) for each in letters.sent] == [
        (1, 0),
        (1, 1),
        (7, 0),
        (1, 2),
    ]


async def test_a_redacted_tail_does_not_wait_for_its_turn() -> None:
    tail = a_letter(1, Tail(run=RUN), message_ts="2.2")
    letters = Letters([tail])

    async with delivering(letters):
        await letters.read(2)
        letters.waiting = [replace(tail, id=LetterId(2), revision=1)]
        await letters.read(2)

    assert len(letters.sent) == 2
