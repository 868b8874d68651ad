"""Act on the words that people reply in a thread, and on its buttons."""

import asyncio
from dataclasses import dataclass
from typing import Final, assert_never

from bot.control.access import Access
from bot.control.hold_words import HoldWords
from bot.control.run_words import RunWords
from bot.control.wish import Wish, answer, former
from bot.domain.audit import Deed, Verb
from bot.domain.errors import Refusal, Refused, RoleSourceUnavailable
from bot.domain.people import Actor, ActorKind, ChannelId, Role, TeamId, UserId
from bot.domain.sentences import HELP, not_any_more, status
from bot.domain.stack import Catalog, Stack, StackName
from bot.domain.words import (
    Confirm,
    Discard,
    ForceUnlock,
    Freeze,
    Help,
    Lock,
    NotifyMe,
    Redact,
    Release,
    RunAgain,
    Status,
    Steal,
    Stop,
    Unfreeze,
    Unlock,
    Word,
)
from bot.ports import Archive, Clock, DeliveryKey, Record, Thread

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
        about_holds: HoldWords,
        about_runs: RunWords,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._record = record
        self._archive = archive
        self._clock = clock
        self._about_holds = about_holds
        self._about_runs = about_runs

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
        actor = (await self._access.member(uttered.user, uttered.team)).actor
        stack = self._stack(thread.stack, actor, uttered.word)
        await self._access.require(_needed(uttered.word), actor, stack)
        wish = Wish(
            actor=actor,
            stack=stack,
            thread=thread,
            ts=uttered.ts,
            is_former=stack.name not in self._catalog.stacks,
        )
        match uttered.word:
            case Status():
                await answer(wish, await self._status(stack), self._record)
            case Help():
                await answer(wish, HELP, self._record)
            case Lock() | Unlock() | Steal() | Freeze() | Unfreeze() | NotifyMe():
                await self._about_holds(wish, uttered.word)
            case _:
                await self._about_runs(wish, uttered.word)

    def _stack(self, name: StackName, actor: Actor, word: Word) -> Stack:
        known = self._catalog.stacks.get(name)
        if known is not None:
            return known
        # What it still has must not stay for ever, and its own admins are not known.
        can_end = isinstance(word, Unlock | Release | Discard)
        if not can_end or not self._access.is_above(actor):
            raise Refused(not_any_more(name), reason=Refusal.UNKNOWN_STACK)
        return former(name)

    async def _status(self, stack: Stack) -> str:
        occupancy = await self._archive.occupancy(stack.name)
        claim = occupancy.claim
        running = None if claim is None else await self._archive.run(claim.run)
        queue = await self._archive.queue(stack.name)
        return status(stack.name, occupancy, running, queue)

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


def _needed(word: Word) -> Role:
    """Return what to be on the thread's stack; of holds the named stacks count too."""
    match word:
        case Unlock():
            return Role.NONE  # whoever lost their role may still release what they hold
        case Status() | Help() | Lock() | Steal() | Freeze() | Unfreeze() | NotifyMe():
            return Role.READER
        case Stop() | Redact() | Confirm() | Discard() | RunAgain():
            return Role.WRITER
        case Release() | ForceUnlock():
            return Role.ADMIN
        case _:
            assert_never(word)
