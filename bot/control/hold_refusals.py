"""Why a wish about holds is refused: who, since when, why, and what *they* can do."""

from collections.abc import Mapping, Sequence

from bot.control.access import Access
from bot.domain import hold_sentences as say
from bot.domain.errors import Refusal, Refused
from bot.domain.lock import EVERY, Hold
from bot.domain.people import Actor, ActorKind, Role
from bot.domain.sentences import held_by_another
from bot.domain.stack import Catalog, Stack, StackName
from bot.ports import Archive, Clock


class HoldRefusals:
    """Each sentence is for one actor, whose role says what they could reply."""

    def __init__(
        self, *, catalog: Catalog, access: Access, archive: Archive, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._archive = archive
        self._clock = clock

    def held(
        self, actor: Actor, role: Role, hold: Hold, *, asked: StackName | None = None
    ) -> Refused:
        """Return that *hold* is in the way of *actor*, and what *role* can do.

        *asked* is the stack that was asked for, where the hold is a freeze.
        """
        sentence = self._sentence(actor, role, hold)
        return Refused(sentence, reason=Refusal.HELD, stack=asked or hold.stack)

    async def in_the_way(
        self, actor: Actor, holds: Sequence[Hold], *, several: bool
    ) -> Refused:
        """Return why stacks were not locked: *holds* are in the way."""
        refusals = [
            self.held(actor, await self._role(actor, hold.stack), hold)
            for hold in holds
        ]
        return _together(refusals, several=several, done="locked")

    async def refuse_foreign(
        self,
        actor: Actor,
        stacks: Sequence[Stack],
        held: Mapping[StackName, Hold],
        reason: str,
    ) -> None:
        """Refuse unless every one of *stacks* is theirs to release."""
        refusals = []
        for stack in stacks:
            hold = held.get(stack.name)
            if hold is not None and hold.actor.is_same(actor):
                continue
            role = await self._access.require(Role.READER, actor, stack)
            if hold is None:
                sentence = say.nobody_holds([stack.name])
                refusals.append(Refused(sentence, reason=Refusal.TOO_LATE))
            elif role is not Role.ADMIN or not reason:
                refusals.append(self.held(actor, role, hold))
        if refusals:
            raise _together(refusals, several=len(stacks) > 1, done="released")

    async def changed(self, actor: Actor, stack: StackName) -> Refused:
        """Return that a hold is over, and what is the case now."""
        holds = {hold.stack: hold for hold in await self._archive.holds()}
        now_is = await self._as_it_is(actor, stack, holds.get(stack))
        return Refused(say.hold_is_over(stack, now_is), reason=Refusal.TOO_LATE)

    async def _as_it_is(self, actor: Actor, stack: StackName, hold: Hold | None) -> str:
        if hold is None:
            return say.NOTHING_FROZEN if stack == EVERY else say.nobody_holds([stack])
        if hold.actor.is_same(actor):
            return say.held_so(hold)
        return self._sentence(actor, await self._role(actor, stack), hold)

    def _sentence(self, actor: Actor, role: Role, hold: Hold) -> str:
        return held_by_another(
            hold,
            role,
            self._clock(),
            is_above=self._access.is_above(actor),
            by_key=actor.kind is ActorKind.API_KEY,
        )

    async def _role(self, actor: Actor, stack: StackName) -> Role:
        if stack not in self._catalog.stacks:  # a freeze, or a stack of before
            return Role.ADMIN if self._access.is_above(actor) else Role.NONE
        return await self._access.role(actor, self._catalog.stacks[stack])


def _together(refusals: Sequence[Refused], *, several: bool, done: str) -> Refused:
    first = refusals[0]
    if not several:
        return first
    sentence = say.whole_or_nothing(map(str, refusals), done=done)
    return Refused(sentence, reason=first.reason, stack=first.stack)
