"""Bring the outbox to Slack: in order per thread, at the pace that Slack allows."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from bot.domain.errors import StoreUnavailable, Superseded
from bot.domain.run import RunId, ThreadId
from bot.domain.telling import Card, Header, Notice, Tail, Waiting
from bot.domain.telling import Final as Ending
from bot.ports import Archive, Clock, Letter, LetterId, Outbox, Posted, Shown
from bot.slack.pacing import Pace
from bot.slack.post import Post
from bot.slack.reach import Reach
from bot.slack.refuge import Refuge
from bot.slack.refusals import (
    CALL_FAILED,
    Trouble,
    code_of,
    is_denied,
    method_of,
    seconds_to_wait,
    trouble,
)

log = structlog.get_logger(__name__)

_LOOK_AGAIN_SECONDS: Final = 0.2
#: between looks, however often it is woken
_REST_SECONDS: Final = 0.05
_AT_ONCE: Final = 8
_LAST_SECONDS: Final = 3.0
#: a tail is changed at most this often while its run goes on
TAIL_SECONDS: Final = 3.0
#: and is posted anew at most this often where Slack lets nobody change it
_NEW_TAIL_SECONDS: Final = 60.0
#: for a thread that can go on nowhere
_NOWHERE_SECONDS: Final = 3_600.0
#: after so many attempts a letter that is refused for no known reason goes elsewhere
_PATIENCE: Final = 12

#: asks whether this replica is the one that delivers; called before every look, and
#: before every call that is seen in Slack
HasDuty = Callable[[], Awaitable[bool]]


async def _always() -> bool:
    return True


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
        duty: HasDuty = _always,
        refuge: Refuge | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._archive = archive
        self._post = post
        post.ask_first(self._may_send)
        self._pace = pace
        self._clock = clock
        self._duty = duty
        self._refuge = refuge or Refuge()
        self._monotonic = monotonic
        self._reach = Reach(monotonic)
        self._woken = asyncio.Event()
        self._sending: dict[ThreadId, asyncio.Task[None]] = {}
        #: when the tail of each run may be changed again
        self._tails: dict[RunId, float] = {}
        #: the last letter of each thread whose fate was noted, in which revision
        self._settled: dict[ThreadId, tuple[LetterId, int]] = {}
        #: letters that may have reached Slack without a note of it
        self._doubtful: set[LetterId] = set()
        #: how often each was sent while Slack was away
        self._in_vain: Counter[LetterId] = Counter()
        #: threads of what is on its way since before the duty was taken last
        self._outdated: set[ThreadId] = set()
        #: how many letters were taken, and how many before each was denied first
        self._taken = 0
        self._denied: dict[LetterId, int] = {}
        #: threads that every place refused, until when they rest
        self._nowhere: dict[ThreadId, float] = {}
        self._delivers = False
        self._has_read = False

    async def serve(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                await self._deliver_what_is_due()
                await asyncio.sleep(_REST_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AGAIN_SECONDS - _REST_SECONDS):
                        await self._woken.wait()
                self._woken.clear()
        finally:
            await self._let_go()

    def wake(self) -> None:
        """Look now: something may have been told."""
        self._woken.set()

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
            if not await self._has_duty():
                return
            await self._start_some(await self._due())
            if self._pace.is_short_of_updates():
                await self._start_some(await self._outbox.closing(self._clock()))
        except StoreUnavailable as away:
            log.warning("store away, nothing is delivered", error=str(away))

    async def _has_duty(self) -> bool:
        has = await self._duty()
        had, self._delivers = self._delivers, has
        if self._delivers and not had:
            # Another replica may have sent since, and not have noted it.
            self._settled.clear()
            self._tails.clear()
            self._post.forget()
            self._outdated.update(self._sending)
            self._has_read = False
        return self._delivers

    async def _may_send(self, letter: Letter) -> bool:
        # This process may have stood still for longer than another waits for it.
        has = await self._duty()
        self._delivers = self._delivers and has
        return has and letter.thread.id not in self._outdated

    async def _due(self) -> tuple[Letter, ...]:
        letters = await self._outbox.due(self._clock())
        if not self._has_read:
            # An earlier process may have ended between sending and noting it, and
            # its budget for changes may have been short.
            first = (*letters, *await self._outbox.closing(self._clock()))
            self._doubtful.update(letter.id for letter in first)
            self._has_read = True
        return letters

    async def _start_some(self, letters: Sequence[Letter]) -> None:
        for letter in sorted(letters, key=_urgency):
            under_way = len(self._sending)
            if under_way >= _AT_ONCE or not self._reach.may_ask(under_way):
                return
            if await self._may_go(letter):
                self._start(letter)

    async def _may_go(self, letter: Letter) -> bool:
        if letter.thread.id in self._sending or self._is_settled(letter):
            return False
        if self._is_nowhere(letter):
            return False
        if self._pace.is_resting(_methods(letter, doubtful=self._is_doubtful(letter))):
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

    def _is_nowhere(self, letter: Letter) -> bool:
        until = self._nowhere.get(letter.thread.id, 0.0)
        return self._monotonic() < until and not _is_bound(letter)

    def _is_doubtful(self, letter: Letter) -> bool:
        return letter.attempts > 0 or letter.id in self._doubtful

    async def _is_early(self, tail: Tail) -> bool:
        if self._monotonic() >= self._tails.get(tail.run, 0.0):
            return False
        return not (await self._archive.run(tail.run)).state.is_terminal

    def _start(self, letter: Letter) -> None:
        task = asyncio.create_task(self._deliver(letter), name=f"letter {letter.id}")
        self._sending[letter.thread.id] = task
        task.add_done_callback(lambda _: self._sent(letter.thread.id))

    def _sent(self, thread: ThreadId) -> None:
        del self._sending[thread]
        self._outdated.discard(thread)
        self.wake()  # the next one of its thread may go

    async def _deliver(self, letter: Letter) -> None:
        try:
            await self._attempt(letter)
        except StoreUnavailable as away:
            log.warning("delivery not noted", letter=letter.id, error=str(away))
        except Superseded as over:
            log.warning("letter not sent", letter=letter.id, because=str(over))

    async def _attempt(self, letter: Letter) -> None:
        doubtful, since = self._is_doubtful(letter), self._reach.now()
        self._doubtful.add(letter.id)  # until its fate is noted
        try:
            posted = await self._posted(letter, doubtful=doubtful)
        except CALL_FAILED as error:
            kind = self._trouble(letter, error)
            if kind is Trouble.AWAY:
                self._reach.failed(since)
            else:
                self._reach.answered()
            await self._missed(letter, error, kind, doubtful=doubtful)
        else:
            self._reach.answered()
            self._taken += 1
            await self._note(letter, posted)

    async def _posted(self, letter: Letter, *, doubtful: bool) -> Posted | None:
        try:
            return await self._post(letter, doubtful=doubtful)
        except CALL_FAILED:
            raise
        except (StoreUnavailable, Superseded):
            raise
        except Exception as error:
            # The top of the worker: one letter that cannot be made stops no other.
            log.exception("letter not made", letter=letter.id)
            posted = await self._post.unmade_ending(letter)
            if posted is None:
                await self._give_up(letter, type(error).__name__)
            return posted

    async def _note(self, letter: Letter, posted: Posted | None) -> None:
        if isinstance(letter.telling, Tail):
            self._tails[letter.telling.run] = self._monotonic() + _until_next(
                letter, posted
            )
        if self._is_settled(letter):
            return
        if posted is None:
            await self._outbox.delivered(letter, None)
        else:
            shown = Shown(
                digest=posted.digest, replaced=posted.replaced, at=self._clock()
            )
            await self._outbox.delivered(letter, posted.ts, posted.channel, shown=shown)
        self._settle(letter)

    async def _missed(
        self, letter: Letter, error: Exception, kind: Trouble, *, doubtful: bool
    ) -> None:
        match kind:
            case Trouble.LIMITED if method_of(error) in _methods(letter, doubtful=True):
                self._rest(letter, error, doubtful=doubtful)
            case Trouble.CLOSED | Trouble.THREAD_GONE:
                await self._go_elsewhere(letter, error)
            case Trouble.MESSAGE_GONE:
                await self._give_up(letter, code_of(error))
            case Trouble.ODD if letter.attempts >= _PATIENCE:
                await self._go_elsewhere(letter, error)
            case _:
                await self._wait(letter, error)

    def _trouble(self, letter: Letter, error: Exception) -> Trouble:
        if not is_denied(error):
            return trouble(error)
        before = self._denied.setdefault(letter.id, self._taken)
        return Trouble.CLOSED if self._taken > before else trouble(error)

    def _rest(self, letter: Letter, error: Exception, *, doubtful: bool) -> None:
        # Nothing was taken, so there is nothing to look for before it goes again.
        if not doubtful:
            self._doubtful.discard(letter.id)
        method, seconds = method_of(error), seconds_to_wait(error, letter.attempts)
        log.warning("method rests", method=method, seconds=seconds)
        self._pace.rest(method, seconds)

    async def _wait(self, letter: Letter, error: Exception) -> None:
        often = max(letter.attempts, self._in_vain[letter.id])
        wait = seconds_to_wait(error, often)
        log.warning("letter waits", letter=letter.id, seconds=wait, error=str(error))
        until = self._clock() + timedelta(seconds=wait)
        # What nobody's letter was taken for is held against none of them.
        counts = trouble(error) is Trouble.ODD
        self._in_vain[letter.id] += not counts
        await self._outbox.postpone(letter, until, str(error), counts=counts)

    async def _go_elsewhere(self, letter: Letter, error: Exception) -> None:
        is_gone = trouble(error) is Trouble.THREAD_GONE
        to = letter.thread.channel if is_gone else self._refuge.after(letter)
        is_bound = _is_bound(letter)
        has_begun_anew_often = is_gone and letter.attempts > _PATIENCE
        if to is None or is_bound or has_begun_anew_often:
            everywhere = not is_gone and not is_bound
            await self._give_up(letter, code_of(error), everywhere=everywhere)
            return
        log.warning("thread moves", letter=letter.id, to=to, error=str(error))
        admins = () if is_gone or letter.moved else self._refuge.admins
        others = [admin for admin in admins if str(admin) != str(to)]
        await self._outbox.move(letter, to, code_of(error), admins=others)

    async def _give_up(
        self, letter: Letter, error: str, *, everywhere: bool = False
    ) -> None:
        log.error("letter given up", letter=letter.id, error=error)
        now = self._clock()
        await self._outbox.give_up(letter, error, now, everywhere=everywhere)
        if everywhere:
            self._nowhere[letter.thread.id] = self._monotonic() + _NOWHERE_SECONDS
        if not isinstance(letter.telling, Header | Card):  # that may come again
            self._settle(letter)

    def _settle(self, letter: Letter) -> None:
        self._settled[letter.thread.id] = (letter.id, letter.revision)
        self._doubtful.discard(letter.id)
        self._in_vain.pop(letter.id, None)
        self._denied.pop(letter.id, None)


def _until_next(letter: Letter, posted: Posted | None) -> float:
    is_new = posted is None or posted.ts != letter.message_ts
    return _NEW_TAIL_SECONDS if letter.message_ts and is_new else TAIL_SECONDS


def _methods(letter: Letter, *, doubtful: bool) -> set[str]:
    """Return the methods of the Web API that *letter* may need."""
    is_new = letter.message_ts is None
    methods = {"chat.postMessage" if is_new else "chat.update"}
    if doubtful:
        where = "history" if letter.thread.ts is None else "replies"
        methods.add(f"conversations.{where}")
    if isinstance(letter.telling, Ending):
        methods |= {"files.getUploadURLExternal", "files.completeUploadExternal"}
    if isinstance(letter.telling, Waiting):
        methods.add("chat.getPermalink")
    if letter.revision:
        methods |= {"chat.delete", "chat.postMessage", "files.delete"}
    return methods


def _is_bound(letter: Letter) -> bool:
    # To a person, or to the message that shows what was redacted.
    is_revised = letter.revision > 0 and letter.message_ts is not None
    return is_revised or isinstance(letter.telling, Notice)


def _that_can_wait(letter: Letter) -> Tail | None:
    if letter.revision or not isinstance(letter.telling, Tail):
        return None
    return letter.telling


def _urgency(letter: Letter) -> tuple[int, int]:
    # When the budget is short: what must no longer be read, then how runs ended, then
    # what is said once, then what is only refreshed.
    match letter.telling:
        case _ if letter.revision:
            rank = -2
        case Ending():
            rank = -1
        case Tail():
            rank = 2
        case Header() | Card() | Waiting() if letter.message_ts is not None:
            rank = 1
        case _:
            rank = 0
    return rank, letter.id
