"""Act on the words about holds: lock, unlock, steal, freeze, notify me."""

from collections.abc import Iterable
from typing import assert_never

from bot.control.access import Access
from bot.control.holds import Holds
from bot.control.secrecy import Secrecy
from bot.control.wish import Wish, answer
from bot.domain import hold_sentences as say
from bot.domain.lock import EVERY
from bot.domain.people import Actor, Role
from bot.domain.stack import Stack, StackName
from bot.domain.words import (
    ALL_MINE,
    Freeze,
    Lock,
    NotifyMe,
    Steal,
    Unfreeze,
    Unlock,
)
from bot.ports import Record
from bot.ports.words import Words

HoldWord = Lock | Unlock | Steal | Freeze | Unfreeze | NotifyMe


class HoldWords:
    """Masks the reasons, and names the thread's own stack where none is named."""

    def __init__(
        self,
        *,
        holds: Holds,
        access: Access,
        record: Record,
        words: Words,
        secrecy: Secrecy,
    ) -> None:
        self._words = words
        self._holds = holds
        self._access = access
        self._record = record
        self._secrecy = secrecy

    async def __call__(self, wish: Wish, word: HoldWord) -> None:
        """Do what *word* says, or raise Refused or LateWord.

        Every word is noted before anything is asked for: whatever the same person
        said before, and is heard of later, is void from then on.
        """
        actor, stack, thread, ts = wish.actor, wish.stack, wish.thread.id, wish.said_ts
        match word:
            case Lock():
                await self._lock(wish, word)
            case Unlock():
                await self._unlock(wish, word)
            case Steal(reason=said, since=since):
                reason = await self._noted(wish, stack.name, said)
                await self._holds.steal(
                    actor, stack.name, reason, thread, since=since, ts=ts
                )
            case Freeze(duration=duration, reason=said):
                reason = await self._noted(wish, EVERY, said)
                await self._holds.freeze(actor, duration, reason, thread, ts)
            case Unfreeze(reason=said):
                reason = await self._noted(wish, EVERY, said)
                await self._holds.unfreeze(actor, reason, thread, ts)
            case NotifyMe():
                waits = await self._holds.notify(actor, stack.name)
                told = say.will_be_told if waits else say.is_free
                await answer(wish, told(stack.name), self._record)
            case _:
                assert_never(word)

    async def note(self, wish: Wish, word: HoldWord) -> None:
        """Note a *word* that is not acted on, because it is asked for again."""
        match word:
            case Lock(stacks=names) | Unlock(stacks=names, all_mine=False):
                named = await self._holds.releasable(
                    wish.actor, names or (wish.stack.name,)
                )
                await self._note(wish, named)
            case Unlock():
                await self._words.note(wish.actor, [ALL_MINE], wish.said_ts)
            case Steal():
                await self._note(wish, [wish.stack])
            case Freeze() | Unfreeze():
                await self._words.note(wish.actor, [EVERY], wish.said_ts)
            case NotifyMe():
                pass
            case _:
                assert_never(word)

    async def _lock(self, wish: Wish, word: Lock) -> None:
        names = word.stacks or (wish.stack.name,)
        stacks = await self._holds.named(Role.NONE, wish.actor, names)
        await self._note(wish, stacks)
        await self._holds.take(
            wish.actor,
            names,
            reason=await self._hidden(word.reason, wish.actor, stacks),
            duration=word.duration,
            thread=wish.thread.id,
            ts=wish.said_ts,
        )

    async def _unlock(self, wish: Wish, word: Unlock) -> None:
        actor, thread, ts = wish.actor, wish.thread.id, wish.said_ts
        if word.all_mine:
            reason = await self._noted(wish, ALL_MINE, word.reason)
            await self._holds.release_all(actor, reason=reason, thread=thread, ts=ts)
            return
        names = word.stacks or (wish.stack.name,)
        stacks = await self._holds.releasable(actor, names)
        await self._note(wish, stacks)
        reason = await self._hidden(word.reason, actor, stacks)
        await self._holds.release(actor, names, reason=reason, thread=thread, ts=ts)

    async def _noted(self, wish: Wish, about: StackName, reason: str) -> str:
        """Note a word *about* one lock, and return its reason without secrets."""
        await self._words.note(wish.actor, [about], wish.said_ts)
        return await self._hidden(reason, wish.actor, [wish.stack])

    async def _note(self, wish: Wish, stacks: Iterable[Stack]) -> None:
        names = [stack.name for stack in stacks]
        await self._words.note(wish.actor, names, wish.said_ts)

    async def _hidden(self, reason: str, actor: Actor, stacks: Iterable[Stack]) -> str:
        """Return *reason* without the secrets of any of *stacks*."""
        for stack in stacks if reason else ():
            # For who may nothing there, no program is run that reads a secret.
            if await self._access.role(actor, stack) >= Role.WRITER:
                reason = await self._secrecy.of_writer(reason, stack)
            else:
                reason = await self._secrecy.of_anybody(reason, stack)
        return self._secrecy.hidden(reason)
