"""Act on the words that people reply in a thread, and on its buttons."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from bot.control.access import Access
from bot.control.hold_words import HoldWord, HoldWords
from bot.control.reviewers import reviews_of
from bot.control.run_words import RunWords
from bot.control.wish import Wish, answer, former
from bot.domain import late_words as late
from bot.domain.audit import Deed, Verb
from bot.domain.errors import (
    LateWord,
    Refusal,
    Refused,
    RoleSourceUnavailable,
    StoreUnavailable,
    WordUnheard,
)
from bot.domain.people import Actor, ActorKind, ChannelId, Role, TeamId, UserId
from bot.domain.run import Run
from bot.domain.sentences import HELP, not_any_more, status
from bot.domain.stack import Catalog, Stack, StackName
from bot.domain.telling import Said
from bot.domain.words import (
    Approve,
    Confirm,
    Discard,
    ForceUnlock,
    Freeze,
    Help,
    Lock,
    NotifyMe,
    Redact,
    Reject,
    Release,
    RunAgain,
    Status,
    Steal,
    Stop,
    Unfreeze,
    Unlock,
    Word,
)
from bot.ports import Approvals, Archive, Clock, DeliveryKey, Record, Thread
from bot.ports.words import Words

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
    pressed_ts: str = ""  #: Slack's timestamp of the press of a button

    @property
    def said_ts(self) -> str:
        """Return Slack's timestamp of the word; a form has none."""
        return self.ts or self.pressed_ts


class Reply:
    """Acts at most once on each delivery; what is refused has an audit row.

    A word that is heard long after it was said is asked for again, where acting on
    it could do harm by now.
    """

    def __init__(  # noqa: PLR0913 - for all that can be said
        self,
        *,
        catalog: Catalog,
        access: Access,
        record: Record,
        archive: Archive,
        approvals: Approvals,
        words: Words,
        clock: Clock,
        about_holds: HoldWords,
        about_runs: RunWords,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._record = record
        self._archive = archive
        self._approvals = approvals
        self._words = words
        self._clock = clock
        self._about_holds = about_holds
        self._about_runs = about_runs

    async def __call__(self, uttered: Uttered) -> bool:
        """Act on *uttered*, or raise Refused. False: not our thread, or repeated.

        Raises WordUnheard for a reply that the record knows nothing of yet.
        """
        thread = await self._first_heard_in(uttered)
        if thread is None:
            return False
        with self._record.answering(uttered.key):
            await self._answer(uttered, thread)
        return True

    async def foresee(self, uttered: Uttered) -> None:
        """Let a word that will be asked for again overtake what was said before it.

        What was missed is heard in the order in which it was said: a lock would be
        taken before anybody hears of the unlock after it. Raises WordUnheard.
        """
        word, now = uttered.word, self._clock()
        age = now - (late.said_at(uttered.said_ts) or now) + late.MEANWHILE
        if not isinstance(word, HoldWord) or not late.asks_again(word, age):
            return
        try:
            thread = await self._thread(uttered)
            if thread is not None:
                wish = await self._wish(uttered, thread)
                await self._about_holds.note(wish, word)
        except StoreUnavailable as away:
            raise WordUnheard(away) from away
        except (Refused, LateWord, RoleSourceUnavailable):
            return  # which is said once the word itself is heard

    def may_be_void(self, uttered: Uttered) -> bool:
        """Tell whether what was replied elsewhere is to be heard before *uttered*."""
        return late.may_be_void(uttered.word, uttered.said_ts, self._clock())

    async def _answer(self, uttered: Uttered, thread: Thread) -> None:
        try:
            await self._act(uttered, thread)
        except RoleSourceUnavailable as unheard:
            refusal = unheard.refused()
            await self._note(refusal, uttered, thread)
            raise refusal from unheard
        except LateWord as word:
            sentence = late.overtaken(_name(uttered.word))
            refusal = Refused(sentence, reason=Refusal.STALE)
            await self._note(refusal, uttered, thread)
            raise refusal from word
        except Refused as refusal:
            await self._note(refusal, uttered, thread)
            raise

    async def _first_heard_in(self, uttered: Uttered) -> Thread | None:
        """Return the thread; None: it is not ours, or the word was heard before."""
        try:
            thread = await self._thread(uttered)
            if thread is None:
                return None
            is_new = await self._record.first_seen(uttered.key, self._clock())
        except StoreUnavailable as away:
            if not uttered.ts:
                raise  # nobody can read a press again
            raise WordUnheard(away) from away
        return thread if is_new else None

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
        await self._act_in_time(await self._wish(uttered, thread), uttered.word)

    async def _wish(self, uttered: Uttered, thread: Thread) -> Wish:
        actor = (await self._access.member(uttered.user, uttered.team)).actor
        stack = self._stack(thread.stack, actor, uttered.word)
        if not await self._takes_back(uttered.word, thread, actor):
            await self._access.require(_needed(uttered.word), actor, stack)
        return Wish(
            actor=actor,
            stack=stack,
            thread=thread,
            ts=uttered.ts,
            said_ts=uttered.said_ts,
            is_former=stack.name not in self._catalog.stacks,
        )

    async def _takes_back(self, word: Word, thread: Thread, actor: Actor) -> bool:
        # Whoever ran a preset may be nothing else on the stack.
        if not isinstance(word, Stop) or thread.run is None:
            return False
        run = await self._archive.run(thread.run)
        return run.preset != "" and run.actor.is_same(actor)

    async def _act_in_time(self, wish: Wish, word: Word) -> None:
        now = self._clock()
        said = late.said_at(wish.said_ts) or now
        if late.asks_again(word, now - said):
            await self._ask_again(wish, word, said, now)
            return
        await self._do(wish, late.as_of(word, now - said))
        if isinstance(word, Lock) and now - said > late.LATE:
            await answer(wish, late.asked_for(said, now), self._record)

    async def _ask_again(
        self, wish: Wish, word: Word, said: datetime, now: datetime
    ) -> None:
        if isinstance(word, Lock | Unlock | Steal | Freeze | Unfreeze):
            # What the same person said before it is not to be acted on either.
            await self._about_holds.note(wish, word)
        deed = Deed(
            verb=Verb.ASKED_AGAIN,
            actor=wish.actor,
            at=now,
            stack=wish.stack.name,
            run=wish.thread.run,
            detail=f"{_name(word)}, said at {said:%Y-%m-%d %H:%M:%S} UTC",
        )
        question = Said(text=late.ask_again(word, said, now), to=wish.actor)
        await self._words.ask_again(wish.thread.id, question, deed)

    async def _do(self, wish: Wish, word: Word) -> None:
        match word:
            case Status():
                await answer(wish, await self._status(wish.stack), self._record)
            case Help():
                await answer(wish, HELP, self._record)
            case Lock() | Unlock() | Steal() | Freeze() | Unfreeze() | NotifyMe():
                await self._about_holds(wish, word)
            case _:
                await self._about_runs(wish, word)

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
        agreed = await self._agreed(running) if running else ()
        return status(stack.name, occupancy, running, queue, agreed)

    async def _agreed(self, run: Run) -> tuple[Actor, ...]:
        reviews = await reviews_of(self._approvals, run)
        return tuple(review.actor for review in reviews.approvals)

    async def _note(self, refusal: Refused, uttered: Uttered, thread: Thread) -> None:
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=Actor(kind=ActorKind.PERSON, id=uttered.user, team=uttered.team),
                at=self._clock(),
                stack=thread.stack,
                run=thread.run,
                detail=f"{refusal.reason}: {_name(uttered.word)}",
            )
        )


def _name(word: Word) -> str:
    return type(word).__name__.lower()


def _needed(word: Word) -> Role:
    """Return what to be on the thread's stack; of holds the named stacks count too."""
    match word:
        case Unlock():
            return Role.NONE  # whoever lost their role may still release what they hold
        case Approve() | Reject():
            return Role.NONE  # a rule may ask people who are nothing else on the stack
        case RunAgain():
            return Role.NONE  # whoever may run a preset may be nothing else there, too
        case Status() | Help() | Lock() | Steal() | Freeze() | Unfreeze() | NotifyMe():
            return Role.READER
        case Stop() | Redact() | Confirm() | Discard():
            return Role.WRITER
        case Release() | ForceUnlock():
            return Role.ADMIN
        case _:
            assert_never(word)
