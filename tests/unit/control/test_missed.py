"""Open threads are read whenever words may be missing, newest first."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest

from bot.control.missed import Missed
from bot.control.reply import Uttered
from bot.domain.audit import Deed
from bot.domain.errors import (
    HandrailError,
    RepliesUnavailable,
    StoreUnavailable,
    WordUnheard,
)
from bot.domain.people import Actor, ChannelId, TeamId, UserId
from bot.domain.replica import Replica
from bot.domain.run import ThreadId
from bot.domain.telling import Said
from bot.domain.words import Lock, Unlock, Word
from bot.ports import DeliveryKey, Duty
from bot.ports.words import Heard, OpenThread
from tests.support.builders import NOON

CHANNEL = ChannelId("C0INFRA")
NEVER = 1_000.0


def ts(seconds: float) -> str:
    return f"{NOON.timestamp() + seconds:.6f}"


def a_thread(number: int, seen: str = "") -> OpenThread:
    return OpenThread(
        id=ThreadId(number), places=((CHANNEL, ts(number)),), seen_ts=seen
    )


@dataclass
class Shelf:
    """The open threads, and what was noted as read."""

    threads: list[OpenThread]
    read: dict[int, str] = field(default_factory=dict)
    failures: list[HandrailError] = field(default_factory=list)
    given_up: int = 0  #: how often commands were looked for that nobody acts on

    async def note(self, actor: Actor, stacks: object, ts: str) -> None:
        raise AssertionError(stacks)

    async def ask_again(self, thread: ThreadId, said: Said, deed: Deed) -> None:
        raise AssertionError(thread)

    async def give_up(self, at: datetime) -> int:
        self.given_up += 1
        return 0

    async def open_threads(self, at: datetime) -> tuple[OpenThread, ...]:
        if self.failures:
            raise self.failures.pop()
        return tuple(self.threads)

    async def note_read(self, thread: ThreadId, ts: str) -> None:
        self.read[thread] = ts


@dataclass
class Slack:
    """What stands in the threads, by their first message, and what was asked for."""

    newest: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    failures: list[HandrailError] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)  #: what can never be read
    locks: set[str] = field(default_factory=set)  #: where something may be void
    refusals: list[HandrailError] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, channel: ChannelId, thread_ts: str, since: str) -> Heard:
        self.asked.append((thread_ts, since))
        self.changed.set()
        if self.failures:
            raise self.failures.pop()
        if thread_ts in self.broken:
            raise RepliesUnavailable("internal_error")
        newest = self.newest.get(thread_ts, "")
        if thread_ts not in self.locks:
            return Heard(newest=newest)
        return Heard(newest=newest, rest=partial(self._act, thread_ts))

    async def _act(self, thread_ts: str) -> None:
        self.asked.append((thread_ts, "the rest"))
        self.changed.set()
        if self.refusals:
            raise self.refusals.pop()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


def a_word(word: Word, ago: float) -> Uttered:
    """Return what ann said some seconds *ago*."""
    return Uttered(
        key=DeliveryKey("message:1"),
        word=word,
        user=UserId("U0ANN"),
        team=TeamId("T0HOME"),
        channel=CHANNEL,
        thread_ts=ts(1),
        ts=ts(-ago),
    )


@dataclass
class Turns:
    """Whether it is for this replica to read: as a test says, and from then on."""

    answers: list[bool] = field(default_factory=list)
    asked: list[Duty] = field(default_factory=list)

    async def take(self, duty: Duty, at: datetime) -> bool:
        self.asked.append(duty)
        return self.answers.pop(0) if self.answers else True

    async def join(self, at: datetime, *, alone: bool) -> None:
        raise NotImplementedError

    async def renew(self, at: datetime) -> bool:
        raise NotImplementedError

    async def leave(self, at: datetime) -> None:
        raise NotImplementedError

    async def living(self, at: datetime) -> tuple[Replica, ...]:
        raise NotImplementedError


@asynccontextmanager
async def reading(
    shelf: Shelf,
    slack: Slack,
    *,
    anyway: float = NEVER,
    now: datetime = NOON,
    turns: Turns | None = None,
) -> AsyncIterator[Missed]:
    missed = Missed(
        words=shelf,
        replies=slack,
        replicas=turns or Turns(),
        clock=lambda: now,
        anyway=anyway,
        again=0.001,
    )
    serving = asyncio.create_task(missed.serve())
    try:
        yield missed
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_every_open_thread_is_read_once_when_asked_for() -> None:
    shelf, slack = Shelf([a_thread(9), a_thread(4)]), Slack()
    async with reading(shelf, slack) as missed:
        missed.look()
        missed.look()
        await slack.until(lambda: len(slack.asked) == 2)

    assert [thread_ts for thread_ts, _ in slack.asked] == [ts(9), ts(4)]
    assert shelf.given_up == 1


async def test_what_was_read_is_noted_and_read_on_from_a_little_before() -> None:
    shelf = Shelf([a_thread(9, seen=ts(300)), a_thread(4)])
    slack = Slack(newest={ts(9): ts(310)})
    async with reading(shelf, slack) as missed:
        missed.look()
        await slack.until(lambda: len(slack.asked) == 2)

    assert slack.asked == [(ts(9), ts(240)), (ts(4), ts(-56))]
    assert shelf.read == {9: ts(310)}


async def test_what_cannot_be_known_to_be_heard_before_is_not_read() -> None:
    shelf, slack = Shelf([a_thread(9, seen=ts(0))]), Slack()
    async with reading(shelf, slack, now=NOON + timedelta(days=40)) as missed:
        missed.look()
        await slack.until(lambda: bool(slack.asked))

    assert slack.asked == [(ts(9), ts(11 * 86_400))]


async def test_a_thread_is_read_in_all_of_its_places() -> None:
    places = ((CHANNEL, ts(1)), (ChannelId("C0OTHER"), ts(500)))
    shelf = Shelf([OpenThread(id=ThreadId(1), places=places, seen_ts=ts(5))])
    slack = Slack(newest={ts(1): ts(700), ts(500): ts(600)})
    async with reading(shelf, slack) as missed:
        missed.look()
        await slack.until(lambda: len(slack.asked) == 2)

    assert slack.asked == [(ts(1), ts(-55)), (ts(500), ts(-55))]
    assert shelf.read == {1: ts(700)}


async def test_the_threads_are_read_now_and_then_anyway() -> None:
    shelf, slack = Shelf([a_thread(9)]), Slack()
    async with reading(shelf, slack, anyway=0.001):
        await slack.until(lambda: len(slack.asked) >= 3)


async def test_while_slack_or_the_record_is_away_it_is_tried_again() -> None:
    shelf, slack = Shelf([a_thread(n) for n in (9, 8, 7, 6)]), Slack()
    shelf.failures = [StoreUnavailable("away")]
    away = RepliesUnavailable("away")
    slack.failures = [WordUnheard(StoreUnavailable("away")), away, away, away]
    async with reading(shelf, slack) as missed:
        missed.look()
        await slack.until(lambda: len(slack.asked) == 8)

    asked = [thread_ts for thread_ts, _ in slack.asked]
    assert asked == [ts(n) for n in (9, 8, 7, 9, 9, 8, 7, 6)]


async def test_a_thread_that_cannot_be_read_keeps_no_other_from_being_read() -> None:
    shelf, slack = Shelf([a_thread(9), a_thread(4)]), Slack(broken={ts(9)})
    async with reading(shelf, slack) as missed:
        missed.look()
        await slack.until(lambda: len(slack.asked) == 3)
        missed.look()
        await slack.until(lambda: len(slack.asked) == 6)

    asked = [thread_ts for thread_ts, _ in slack.asked]
    assert asked == [ts(9), ts(4), ts(9)] * 2


async def test_whoever_asks_while_it_reads_has_everything_read_again() -> None:
    shelf, slack = Shelf([a_thread(9)]), Slack()
    async with reading(shelf, slack) as missed:
        missed.look()
        await slack.until(lambda: len(slack.asked) == 1)
        missed.look()
        await slack.until(lambda: len(slack.asked) == 2)


async def test_nothing_is_read_while_another_replica_reads() -> None:
    shelf, slack = Shelf([a_thread(9)]), Slack()
    turns = Turns([False, False, True])
    async with reading(shelf, slack, turns=turns) as missed:
        missed.look()
        await slack.until(lambda: bool(slack.asked))

    assert turns.asked[:3] == [Duty.CATCH_UP] * 3
    assert turns.answers == []


async def test_who_loses_the_turn_stops_and_reads_again_in_the_next() -> None:
    shelf, slack = Shelf([a_thread(9), a_thread(4)]), Slack()
    turns = Turns([True, False])
    async with reading(shelf, slack, turns=turns) as missed:
        missed.look()
        await slack.until(lambda: len(slack.asked) == 3)

    assert [thread_ts for thread_ts, _ in slack.asked] == [ts(9), ts(9), ts(4)]


async def test_what_others_may_take_back_is_acted_on_once_all_threads_are_read() -> (
    None
):
    shelf = Shelf([a_thread(n) for n in (9, 8, 4)])
    slack = Slack(newest={ts(9): ts(310)}, locks={ts(9), ts(4)})
    slack.refusals = [WordUnheard(StoreUnavailable("away"))]
    async with reading(shelf, slack) as missed:
        missed.look()
        await slack.until(lambda: len(slack.asked) == 4)
        assert shelf.read == {}
        await slack.until(lambda: len(slack.asked) == 9)

    asked = [(thread_ts, what == "the rest") for thread_ts, what in slack.asked]
    each = [(ts(9), False), (ts(8), False), (ts(4), False), (ts(9), True)]
    assert asked == [*each, *each, (ts(4), True)]
    assert shelf.read == {9: ts(310)}


async def test_a_lock_that_comes_late_waits_until_all_threads_are_read() -> None:
    shelf, slack = Shelf([a_thread(9), a_thread(4)]), Slack()
    slack.failures = [RepliesUnavailable("away")] * 3
    async with reading(shelf, slack) as missed:
        await missed.let_pass(a_word(Lock(), ago=9 * 60 + 1))

    assert [thread_ts for thread_ts, _ in slack.asked] == (
        [ts(9), ts(4), ts(9), ts(4), ts(9)]
    )


@pytest.mark.parametrize(
    "said", [a_word(Lock(), ago=8 * 60), a_word(Unlock(), ago=20 * 60)]
)
async def test_no_other_word_waits_for_what_was_missed(said: Uttered) -> None:
    shelf, slack = Shelf([a_thread(9)]), Slack()
    async with reading(shelf, slack) as missed:
        await missed.let_pass(said)

    assert slack.asked == []
