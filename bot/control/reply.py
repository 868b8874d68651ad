"""Act on the words that people reply in a thread, and on its buttons."""

import asyncio
from dataclasses import dataclass
from typing import Final, assert_never

from bot.control.access import Access
from bot.control.redact import Redact as Redaction
from bot.control.schedule import Schedule
from bot.control.secrecy import Secrecy
from bot.domain.audit import Deed, Verb
from bot.domain.errors import Refusal, Refused, RoleSourceUnavailable
from bot.domain.lock import Hold
from bot.domain.people import Actor, ActorKind, ChannelId, Person, Role, TeamId, UserId
from bot.domain.run import RunId
from bot.domain.sentences import HELP, held_by_another, status
from bot.domain.stack import Catalog, Stack
from bot.domain.telling import Said
from bot.domain.words import (
    Help,
    Lock,
    Redact,
    Release,
    Status,
    Stop,
    Unlock,
    Word,
)
from bot.ports import Archive, Clock, DeliveryKey, Record, StopAnswer, Thread

_QUICK_SECONDS: Final = (0.0, 0.3, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uttered:
    """A word that a person said in a thread, by reply or by button."""

    key: DeliveryKey
    word: Word
    user: UserId
    team: TeamId
    channel: ChannelId
    thread_ts: str
    ts: str = ""  #: of the reply; a button has none


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A word in its place: who said it, where, about what."""

    person: Person
    role: Role
    stack: Stack
    thread: Thread


class Reply:
    """Acts at most once on each delivery; what is refused has an audit row."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        record: Record,
        archive: Archive,
        clock: Clock,
        secrecy: Secrecy,
        redact: Redaction,
        schedule: Schedule,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._record = record
        self._archive = archive
        self._clock = clock
        self._secrecy = secrecy
        self._redact = redact
        self._schedule = schedule

    async def __call__(self, uttered: Uttered) -> bool:
        """Act on *uttered*, or raise Refused. False: not our thread, or repeated."""
        thread = await self._thread(uttered)
        if thread is None:
            return False
        if not await self._record.first_seen(uttered.key, self._clock()):
            return False
        try:
            await self._act(uttered, thread)
        except RoleSourceUnavailable as unheard:
            refusal = Refused(
                f"{unheard} Nothing was done. Try again in a minute.",
                reason=Refusal.UNAVAILABLE,
            )
            await self._note(refusal, uttered, thread)
            raise refusal from unheard
        except Refused as refusal:
            await self._note(refusal, uttered, thread)
            raise
        return True

    async def _thread(self, uttered: Uttered) -> Thread | None:
        # Slack shows a message a moment before the record knows its `ts`, and
        # somebody may be quick.
        for pause in _QUICK_SECONDS:
            await asyncio.sleep(pause)
            found = await self._archive.thread_at(uttered.channel, uttered.thread_ts)
            if found is not None:
                return found
        return None

    async def _act(self, uttered: Uttered, thread: Thread) -> None:
        person = await self._access.member(uttered.user, uttered.team)
        stack = self._catalog.stack(thread.stack)
        role = await self._access.require(_needed(uttered.word), person, stack)
        wish = _Wish(person=person, role=role, stack=stack, thread=thread)
        match uttered.word:
            case Lock(reason=reason):
                await self._lock(wish, await self._hidden(reason, stack))
            case Unlock(reason=reason):
                await self._unlock(wish, await self._hidden(reason, stack))
            case Stop():
                await self._stop_run(wish)
            case Release(reason=reason):
                await self._release(wish, await self._hidden(reason, stack))
            case Redact(text=text):
                await self._redact_run(wish, text, uttered.ts)
            case Status():
                await self._say(wish, await self._status(stack))
            case Help():
                await self._say(wish, HELP)
            case _:
                assert_never(uttered.word)

    async def _hidden(self, reason: str, stack: Stack) -> str:
        return (await self._secrecy.about(stack)).text(reason) if reason else ""

    async def _lock(self, wish: _Wish, reason: str) -> None:
        wanted = Hold(
            stack=wish.stack.name,
            actor=wish.person.actor,
            reason=reason,
            since=self._clock(),
        )
        in_force = await self._record.hold(wanted, wish.thread.id)
        if not in_force.actor.is_same(wanted.actor):
            raise Refused(
                held_by_another(in_force, wish.role, self._clock()), reason=Refusal.HELD
            )
        if in_force != wanted:
            await self._say(wish, f"You hold {wish.stack.name} already.")

    async def _unlock(self, wish: _Wish, reason: str) -> None:
        hold = (await self._archive.occupancy(wish.stack.name)).hold
        if hold is None:
            await self._say(wish, f"Nobody holds {wish.stack.name}.")
            return
        if not hold.actor.is_same(wish.person.actor):
            self._refuse_foreign_unlock(hold, wish.role, reason)
        released = await self._record.release_hold(
            hold, wish.person.actor, reason, self._clock(), wish.thread.id
        )
        if not released:
            await self._say(wish, "Another hand was first: nothing was released.")
        self._schedule.wake()

    def _refuse_foreign_unlock(self, hold: Hold, role: Role, reason: str) -> None:
        if role is not Role.ADMIN or not reason:
            raise Refused(
                held_by_another(hold, role, self._clock()), reason=Refusal.HELD
            )

    async def _stop_run(self, wish: _Wish) -> None:
        run = _run_of(wish, "stop")
        answer = await self._record.ask_stop(run, wish.person.actor, self._clock())
        match answer:
            case StopAnswer.ASKED:
                self._schedule.stop(run)
            case StopAnswer.DISCARDED:
                self._schedule.wake()
            case StopAnswer.TOO_LATE:
                raise Refused(
                    "The command performs, and it may be changing state, so it "
                    "cannot be stopped by anyone. It ends by itself or by the "
                    "stack's time limit.",
                    reason=Refusal.TOO_LATE,
                )
            case StopAnswer.OVER:
                await self._say(wish, f"Run {run} is over already.")
            case _:
                assert_never(answer)

    async def _release(self, wish: _Wish, reason: str) -> None:
        if not reason:
            raise Refused(
                "Say why, because it goes on the record: release: <reason>. Make "
                "sure first that the run's container is really gone.",
                reason=Refusal.BAD_COMMAND,
            )
        claim = (await self._archive.occupancy(wish.stack.name)).claim
        released = claim is not None and await self._record.release_claim(
            claim.run, wish.person.actor, reason, self._clock()
        )
        if not released:
            await self._say(wish, f"No run that is over keeps {wish.stack.name} busy.")
        self._schedule.wake()

    async def _redact_run(self, wish: _Wish, text: str, ts: str) -> None:
        run = _run_of(wish, "redact: <text>")
        done = await self._redact(
            run, text, by=wish.person.actor, channel=wish.thread.channel, ts=ts
        )
        await self._say(wish, done)
        self._schedule.wake()  # a run that had not begun may have been discarded

    async def _status(self, stack: Stack) -> str:
        occupancy = await self._archive.occupancy(stack.name)
        claim = occupancy.claim
        running = None if claim is None else await self._archive.run(claim.run)
        queue = await self._archive.queue(stack.name)
        return status(stack.name, occupancy, running, queue, self._clock())

    async def _say(self, wish: _Wish, text: str) -> None:
        await self._record.tell(wish.thread.id, [Said(text=text, to=wish.person.actor)])

    async def _note(self, refusal: Refused, uttered: Uttered, thread: Thread) -> None:
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=Actor(kind=ActorKind.PERSON, id=uttered.user, team=uttered.team),
                at=self._clock(),
                stack=thread.stack,
                run=thread.run,
                detail=f"{refusal.reason}: {type(uttered.word).__name__.lower()}",
            )
        )


def _run_of(wish: _Wish, word: str) -> RunId:
    if wish.thread.run is None:
        raise Refused(
            f"There is no run in this thread. Reply {word} in the thread of the run "
            "that you mean.",
            reason=Refusal.BAD_COMMAND,
        )
    return wish.thread.run


def _needed(word: Word) -> Role:
    match word:
        case Lock() | Unlock() | Stop() | Redact():
            return Role.WRITER
        case Release():
            return Role.ADMIN
        case Status() | Help():
            return Role.READER
        case _:
            assert_never(word)
