"""Bring the outbox to Slack: in order per thread, at the pace that Slack allows."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from aiohttp import ClientError
from slack_sdk.errors import SlackClientError

from bot.domain.errors import StoreUnavailable
from bot.domain.run import RunId, ThreadId
from bot.domain.telling import Card, Header, Tail, Waiting
from bot.ports import Archive, Clock, Letter, LetterId, Outbox, Posted, Shown
from bot.slack.pacing import Pace
from bot.slack.post import Post
from bot.slack.refusals import is_hopeless, seconds_to_wait

log = structlog.get_logger(__name__)

_LOOK_AGAIN_SECONDS: Final = 0.2
_AT_ONCE: Final = 8
_LAST_SECONDS: Final = 3.0
#: a tail is changed at most this often while its run goes on
TAIL_SECONDS: Final = 3.0


class Delivery:
    """The one sender of a workspace. Slack being away delays, and loses nothing."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        archive: Archive,
        post: Post,
        pace: Pace,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._archive = archive
        self._post = post
        self._pace = pace
        self._clock = clock
        self._monotonic = monotonic
        self._sending: dict[ThreadId, asyncio.Task[None]] = {}
        self._tails: dict[RunId, float] = {}
        #: the last letter of each thread whose fate was noted, in which revision
        self._settled: dict[ThreadId, tuple[LetterId, int]] = {}
        #: letters that may have reached Slack without a note of it
        self._doubtful: set[LetterId] = set()
        self._has_read = False

    async def serve(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                await self._deliver_what_is_due()
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        # What Slack may have taken already is noted, if Slack answers soon.
        tasks = tuple(self._sending.values())
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver_what_is_due(self) -> None:
        try:
            for letter in sorted(await self._due(), key=_urgency):
                if len(self._sending) >= _AT_ONCE:
                    return
                if await self._may_go(letter):
                    self._start(letter)
        except StoreUnavailable as away:
            log.warning("store away, nothing is delivered", error=str(away))

    async def _due(self) -> tuple[Letter, ...]:
        letters = await self._outbox.due(self._clock())
        if not self._has_read:
            # An earlier process may have ended between sending and noting it.
            self._doubtful.update(letter.id for letter in letters)
            self._has_read = True
        return letters

    async def _may_go(self, letter: Letter) -> bool:
        if letter.thread.id in self._sending or self._is_settled(letter):
            return False
        tail = _that_can_wait(letter)
        if tail is not None and await self._is_early(tail):
            return False
        if letter.message_ts is None:
            return self._pace.post(letter.thread.channel) == 0
        return self._pace.update(matters=tail is None) == 0

    def _is_settled(self, letter: Letter) -> bool:
        # The outbox may have been read just before the letter's fate was noted.
        settled = self._settled.get(letter.thread.id)
        return settled == (letter.id, letter.revision)

    async def _is_early(self, tail: Tail) -> bool:
        last = self._tails.get(tail.run)
        if last is None or self._monotonic() - last >= TAIL_SECONDS:
            return False
        return not (await self._archive.run(tail.run)).state.is_terminal

    def _start(self, letter: Letter) -> None:
        task = asyncio.create_task(self._deliver(letter), name=f"letter {letter.id}")
        self._sending[letter.thread.id] = task
        task.add_done_callback(lambda _: self._sending.pop(letter.thread.id))

    async def _deliver(self, letter: Letter) -> None:
        try:
            await self._attempt(letter)
        except StoreUnavailable as away:
            log.warning("delivery not noted", letter=letter.id, error=str(away))

    async def _attempt(self, letter: Letter) -> None:
        doubtful = letter.attempts > 0 or letter.id in self._doubtful
        self._doubtful.add(letter.id)  # until its fate is noted
        try:
            posted = await self._post(letter, doubtful=doubtful)
        except (SlackClientError, ClientError, TimeoutError) as error:
            await self._missed(letter, error)
        except StoreUnavailable:
            raise
        except Exception as error:
            # The top of the worker: one letter that cannot be made stops no other.
            log.exception("letter not made", letter=letter.id)
            await self._give_up(letter, type(error).__name__)
        else:
            await self._note(letter, posted)

    async def _note(self, letter: Letter, posted: Posted | None) -> None:
        if isinstance(letter.telling, Tail):
            self._tails[letter.telling.run] = self._monotonic()
        if posted is None:
            await self._outbox.delivered(letter, None)
        else:
            shown = Shown(
                digest=posted.digest, replaced=posted.replaced, at=self._clock()
            )
            await self._outbox.delivered(letter, posted.ts, posted.channel, shown=shown)
        self._settle(letter)

    async def _missed(self, letter: Letter, error: Exception) -> None:
        if is_hopeless(error):
            log.error("letter given up", letter=letter.id, error=str(error))
            await self._give_up(letter, str(error))
            return
        wait = seconds_to_wait(error, letter.attempts)
        log.warning("letter waits", letter=letter.id, seconds=wait, error=str(error))
        until = self._clock() + timedelta(seconds=wait)
        await self._outbox.postpone(letter, until, str(error))

    async def _give_up(self, letter: Letter, error: str) -> None:
        await self._outbox.give_up(letter, error)
        self._settle(letter)

    def _settle(self, letter: Letter) -> None:
        self._settled[letter.thread.id] = (letter.id, letter.revision)
        self._doubtful.discard(letter.id)


def _that_can_wait(letter: Letter) -> Tail | None:
    if letter.revision or not isinstance(letter.telling, Tail):
        return None
    return letter.telling


def _urgency(letter: Letter) -> tuple[int, int]:
    # When the budget is short: what must no longer be read, then what is said once,
    # then what is only refreshed.
    match letter.telling:
        case _ if letter.revision:
            rank = -1
        case Tail():
            rank = 2
        case Header() | Card() | Waiting() if letter.message_ts is not None:
            rank = 1
        case _:
            rank = 0
    return rank, letter.id
