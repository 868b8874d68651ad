"""How a job comes to its turn: announced, waited for, begun, or given up."""

import asyncio
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from bot.client.api import Api, Away, Denied, Tracked, Untrusted
from bot.client.told import Told
from bot.client.wish import NOT_NOW, NotRun, Pace, Wish, now, refused

_READY: Final = "ready"
_PERFORMING: Final = "performing"
_OVER: Final = frozenset({"finished", "failed", "discarded", "stopped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The stack is ours to change, as this run."""

    run: int
    fence: int


@dataclass(kw_only=True)
class Queue:
    """One wish's way to its turn. *say* takes a sentence for whoever reads the job."""

    wish: Wish
    api: Api
    told: Told
    say: Callable[[str], None]
    pace: Pace
    _is_away: bool = field(default=False, init=False)
    _is_unanswered: bool = field(default=False, init=False)

    async def turn(self) -> Turn:
        """Wait for the turn, or raise NotRun with the run taken back."""
        name = str(uuid4())  # so that it is granted once, however often it is sent
        try:
            run = await self._announced(name)
        except NotRun as given_up:
            if self._is_unanswered:
                await self._forget(name, given_up.code)
            raise
        self.say(f"run {run.id} on {self.wish.stack} is announced")
        try:
            return Turn(run=run.id, fence=await self._fence(run))
        except NotRun as given_up:
            await self._take_back(run.id, given_up.code)
            raise

    async def _announced(self, name: str) -> Tracked:
        deadline = now() + self.pace.announcing
        pause = self.pace.first
        while True:
            try:
                return await self._announce(name)
            except Denied as refusal:
                raise refused(refusal) from refusal
            except Away as away:
                # Who is not trusted was not told anything.
                self._is_unanswered |= not isinstance(away, Untrusted)
                if isinstance(away, Untrusted) or now() >= deadline:
                    sentence = f"Handrail could not be asked: {away}."
                    raise NotRun(sentence, code=NOT_NOW) from away
            await self._pause(pause)
            pause = self.pace.longer(pause)

    async def _announce(self, name: str) -> Tracked:
        command = _written(self.wish.command)
        return await self.api.announce(self.wish.stack, command, name)

    async def _forget(self, name: str, code: int) -> None:
        """Take back the run of an announcement that may have been heard."""
        with suppress(Away, Denied, TimeoutError):
            async with asyncio.timeout(self.pace.forgetting):
                run = await self._announce(name)
                await self._take_back(run.id, code)

    async def _fence(self, run: Tracked) -> int:
        """Wait until the run may be performed, begin it, and return its fence."""
        deadline = now() + self.wish.wait.total_seconds()
        pause = self.pace.first
        while True:
            fence = await self._begun(run)
            if fence is not None:
                return fence
            left = deadline - now()
            if left <= 0:
                raise NotRun(_too_late(run), code=NOT_NOW)
            await self._pause(min(pause, left))
            run = await self._seen_again(run)
            pause = self.pace.longer(pause)

    async def _begun(self, run: Tracked) -> int | None:
        if run.state in _OVER:
            raise NotRun(_over_before(run), code=NOT_NOW)
        if run.state == _PERFORMING:  # the answer to `begin` was lost
            return run.fence
        if run.state != _READY:
            return None
        try:
            return await self.api.begin(run.id)
        except Away:
            return None  # whether it was heard, the next look tells
        except Denied as refusal:
            if refusal.is_about_now:
                return None
            raise refused(refusal) from refusal

    async def _seen_again(self, run: Tracked) -> Tracked:
        try:
            seen = await self._heard(run.id)
        except Denied as refusal:
            raise refused(refusal) from refusal
        except Away as away:
            # A place in the queue is kept for longer than most outages take.
            if not self._is_away:
                self.say(f"Handrail could not be asked ({away}); still waiting")
            self._is_away = True
            return run
        self._is_away = False
        return seen

    async def _heard(self, run: int) -> Tracked:
        try:
            return await self.api.heartbeat(run, None)
        except Denied as refusal:
            if not refusal.is_about_now:
                raise
            return await self.api.run(run)  # it has begun, or is over

    async def _pause(self, seconds: float) -> None:
        await self.told.sleep(seconds)
        if self.told.last is not None:
            sentence = f"Ended by {self.told.last.name} before its turn."
            raise NotRun(sentence, code=128 + self.told.last)

    async def _take_back(self, run: int, code: int) -> None:
        deadline = now() + self.pace.withdrawing
        pause = self.pace.first
        while True:
            try:
                return await self._left(run, code)
            except Denied:
                return None  # it is over, or not ours to speak of any more
            except Away as away:
                if now() + pause >= deadline:
                    self.say(f"run {run} could not be taken back: {away}")
                    return None
            await asyncio.sleep(pause)
            pause = self.pace.longer(pause)

    async def _left(self, run: int, code: int) -> None:
        """Leave the queue; what has begun unheard is reported to have ended."""
        try:
            await self.api.stop(run)
        except Denied:
            seen = await self.api.run(run)
            if seen.state == _PERFORMING and seen.fence is not None:
                await self.api.finish(run, seen.fence, code)


def _written(command: Sequence[str]) -> str:
    """Return *command* as a shell would read it; bytes that are no text, escaped."""
    raw = shlex.join(command).encode(errors="surrogateescape")
    return raw.decode(errors="backslashreplace")


def _too_late(run: Tracked) -> str:
    place = f", place {run.place} in the queue" if run.place else ""
    return f"The turn of run {run.id} did not come in time ({run.state}{place})."


def _over_before(run: Tracked) -> str:
    why = f": {run.note}" if run.note else "."
    return f"Run {run.id} was {run.state} before its turn{why}"
