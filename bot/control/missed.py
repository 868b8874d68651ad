"""Hear the words that people said in threads while nobody could."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.errors import RepliesUnavailable, StoreUnavailable, WordUnheard
from bot.domain.late_words import said_at
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

    def look(self) -> None:
        """Have the threads read: words may have been said that nobody heard."""
        self._asked.set()

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
        try:
            if not await self._is_its_turn():
                return False
            threads = await self._words.open_threads(self._clock())
            unread = await self._read_each(threads)
            with suppress(RepliesUnavailable):  # these wait for the next time
                await self._read_each(unread)
        except (RepliesUnavailable, StoreUnavailable, WordUnheard) as error:
            log.warning("replies not read", error=str(error))
            return False
        return True

    async def _read_each(self, threads: Sequence[OpenThread]) -> list[OpenThread]:
        """Return those that could not be read, while others could."""
        unread: list[OpenThread] = []
        in_a_row = 0
        for thread in threads:
            try:
                await self._read(thread)
            except RepliesUnavailable as error:
                unread.append(thread)
                in_a_row += 1
                log.warning("thread not read", thread=thread.id, error=str(error))
                if in_a_row == min(_AWAY, len(threads)):
                    raise
            else:
                in_a_row = 0
            if not await self._is_its_turn():
                raise RepliesUnavailable("another replica reads by now")
        return unread

    async def _is_its_turn(self) -> bool:
        return await self._replicas.take(Duty.CATCH_UP, self._clock())

    async def _read(self, thread: OpenThread) -> None:
        newest = thread.seen_ts
        for channel, ts in thread.places:
            since = _since(thread.seen_ts or ts, self._clock())
            newest = max(newest, await self._replies.hear(channel, ts, since))
        if newest != thread.seen_ts:
            await self._words.note_read(thread.id, newest)


def _since(seen_ts: str, now: datetime) -> str:
    seen = said_at(seen_ts) or now
    return f"{max(seen - _READ_TWICE, now - _OLDEST).timestamp():.6f}"
