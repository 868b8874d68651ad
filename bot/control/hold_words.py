"""Act on the words about holds: lock, unlock, steal, freeze, notify me."""

from collections.abc import Iterable
from typing import assert_never

from bot.control.access import Access
from bot.control.holds import Holds
from bot.control.secrecy import Secrecy
from bot.control.wish import Wish, answer
from bot.domain import hold_sentences as say
from bot.domain.people import Actor, Role
from bot.domain.stack import Stack
from bot.domain.words import Freeze, Lock, NotifyMe, Steal, Unfreeze, Unlock
from bot.ports import Record

HoldWord = Lock | Unlock | Steal | Freeze | Unfreeze | NotifyMe


class HoldWords:
    """Masks the reasons, and names the thread's own stack where none is named."""

    def __init__(
        self, *, holds: Holds, access: Access, record: Record, secrecy: Secrecy
    ) -> None:
        self._holds = holds
        self._access = access
        self._record = record
        self._secrecy = secrecy

    async def __call__(self, wish: Wish, word: HoldWord) -> None:
        """Do what *word* says, or raise Refused."""
        actor, stack, thread = wish.actor, wish.stack, wish.thread.id
        match word:
            case Lock():
                await self._lock(wish, word)
            case Unlock():
                await self._unlock(wish, word)
            case Steal(reason=said, since=since):
                reason = await self._hidden(said, actor, [stack])
                await self._holds.steal(actor, stack.name, reason, thread, since=since)
            case Freeze(duration=duration, reason=said):
                reason = await self._hidden(said, actor, [stack])
                await self._holds.freeze(actor, duration, reason, thread)
            case Unfreeze(reason=said):
                reason = await self._hidden(said, actor, [stack])
                await self._holds.unfreeze(actor, reason, thread)
            case NotifyMe():
                waits = await self._holds.notify(actor, stack.name)
                told = say.will_be_told if waits else say.is_free
                await answer(wish, told(stack.name), self._record)
            case _:
                assert_never(word)

    async def _lock(self, wish: Wish, word: Lock) -> None:
        names = word.stacks or (wish.stack.name,)
        stacks = await self._holds.named(Role.NONE, wish.actor, names)
        await self._holds.take(
            wish.actor,
            names,
            reason=await self._hidden(word.reason, wish.actor, stacks),
            duration=word.duration,
            thread=wish.thread.id,
        )

    async def _unlock(self, wish: Wish, word: Unlock) -> None:
        actor, thread = wish.actor, wish.thread.id
        if word.all_mine:
            reason = await self._hidden(word.reason, actor, [wish.stack])
            await self._holds.release_all(actor, reason=reason, thread=thread)
            return
        names = word.stacks or (wish.stack.name,)
        stacks = await self._holds.releasable(actor, names)
        reason = await self._hidden(word.reason, actor, stacks)
        await self._holds.release(actor, names, reason=reason, thread=thread)

    async def _hidden(self, reason: str, actor: Actor, stacks: Iterable[Stack]) -> str:
        """Return *reason* without the secrets of any of *stacks*."""
        for stack in stacks if reason else ():
            # For who may nothing there, no program is run that reads a secret.
            if await self._access.role(actor, stack) >= Role.WRITER:
                reason = await self._secrecy.of_writer(reason, stack)
            else:
                reason = await self._secrecy.of_anybody(reason, stack)
        return self._secrecy.hidden(reason)
