"""Hear the words that people said in threads while nobody could."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.control.reply import Uttered
from bot.domain.errors import RepliesUnavailable, StoreUnavailable, WordUnheard
from bot.domain.late_words import may_be_void, said_at
from bot.ports import Clock, Duty, Replicas
from bot.ports.words import OpenThread, Replies, Words

log = structlog.get_logger(__name__)

#: Slack may show a reply a moment after a newer one
_READ_TWICE: Final = timedelta(minutes=1)
#: words that were heard are known for thirty days
_OLDEST: Final = timedelta(days=29)
#: seconds; a word that Slack delivered to a process that died is found so at last
_ANYWAY: Final = 3_600.0
#: seconds, while Slack or the database is away: twice as many each time
_AGAIN: Final = 1.0
_AT_MOST: Final = 30.0
#: threads in a row that cannot be read, for Slack itself to be away
_AWAY: Final = 3
#: seconds that a word waits for what may have been missed
_PATIENCE: Final = 30.0


@dataclass(slots=True)
class _Round:
    """One reading of all threads."""

    unread: list[OpenThread] = field(default_factory=list)  #: while others could be
    #: acts on what had to wait until all were read
    left: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


class Missed:
    """Reads the open threads whenever somebody says that words may be missing.

    What was heard already is known by its key, so reading too much does no harm. One
    replica reads at a time, and whoever was asked takes its turn: Slack counts what
    all of them ask for together.
    """

    def __init__(
        self,
        *,
        words: Words,
        replies: Replies,
        replicas: Replicas,
        clock: Clock,
        anyway: float = _ANYWAY,
        again: float = _AGAIN,
    ) -> None:
        self._words = words
        self._replies = replies
        self._replicas = replicas
        self._clock = clock
        self._anyway = anyway
        self._again = again
        self._asked = asyncio.Event()
        self._waiting: list[asyncio.Event] = []

    def look(self) -> None:
        """Have the threads read: words may have been said that nobody heard."""
        self._asked.set()

    async def let_pass(self, uttered: Uttered) -> None:
        """Have what was missed heard before *uttered*, if that may be void by now.

        Slack delivered it late, so it may be late with others too. Not for ever.
        """
        if not may_be_void(uttered.word, uttered.said_ts, self._clock()):
            return
        read = asyncio.Event()
        self._waiting.append(read)
        self.look()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await read.wait()

    async def serve(self) -> None:
        """Read whenever it is asked for, and every hour anyway, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._anyway):
                    await self._asked.wait()
            pause = self._again
            while not await self._read_all():
                await asyncio.sleep(pause)
                pause = min(2 * pause, _AT_MOST)

    async def _read_all(self) -> bool:
        """Read every open thread; False: not all of it yet."""
        self._asked.clear()
        waiting = self._waiting.copy()
        try:
            if not await self._is_its_turn():
                return False
            await self._read_round()
        except (RepliesUnavailable, StoreUnavailable, WordUnheard) as error:
            log.warning("replies not read", error=str(error))
            return False
        for read in waiting:
            read.set()
            self._waiting.remove(read)
        return True

    async def _read_round(self) -> None:
        await self._words.give_up(self._clock())
        threads = await self._words.open_threads(self._clock())
        first, again = _Round(), _Round()
        await self._read_each(threads, first)
        with suppress(RepliesUnavailable):  # these wait for the next time
            await self._read_each(first.unread, again)
        for act in (*first.left, *again.left):
            await act()

    async def _read_each(self, threads: Sequence[OpenThread], now: _Round) -> None:
        in_a_row = 0
        for thread in threads:
            try:
                await self._read(thread, now)
            except RepliesUnavailable as error:
                now.unread.append(thread)
                in_a_row += 1
                log.warning("thread not read", thread=thread.id, error=str(error))
                if in_a_row == min(_AWAY, len(threads)):
                    raise
            else:
                in_a_row = 0
            if not await self._is_its_turn():
                raise RepliesUnavailable("another replica reads by now")

    async def _is_its_turn(self) -> bool:
        return await self._replicas.take(Duty.CATCH_UP, self._clock())

    async def _read(self, thread: OpenThread, now: _Round) -> None:
        newest = thread.seen_ts
        left: list[Callable[[], Awaitable[None]]] = []
        for channel, ts in thread.places:
            since = _since(thread.seen_ts or ts, self._clock())
            heard = await self._replies.hear(channel, ts, since)
            newest = max(newest, heard.newest)
            left += [heard.rest] if heard.rest else []

        async def end() -> None:
            for act in left:
                await act()
            if newest != thread.seen_ts:
                await self._words.note_read(thread.id, newest)

        if left:
            now.left.append(end)
        else:
            await end()


def _since(seen_ts: str, now: datetime) -> str:
    seen = said_at(seen_ts) or now
    return f"{max(seen - _READ_TWICE, now - _OLDEST).timestamp():.6f}"
