"""Take, release, steal and freeze: what people and keys do with their holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.control.access import Access
from bot.control.hold_refusals import HoldRefusals
from bot.control.wish import former
from bot.domain import hold_sentences as say
from bot.domain.errors import Refusal, Refused
from bot.domain.lock import EVERY, Hold, blocker
from bot.domain.people import Actor, ActorKind, Role
from bot.domain.run import ThreadId
from bot.domain.sentences import frozen_since
from bot.domain.stack import Catalog, Stack, StackName
from bot.domain.telling import Said
from bot.ports import Archive, Clock, Record

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=30)
EXTENSION: Final = timedelta(hours=1)
LONGEST_REASON: Final = 500
_NONE: Final[Mapping[StackName, Stack]] = {}


class Holds:
    """Each raises Refused with the sentence for that very actor.

    Reasons are masked before they come here. With a *thread*, what changed nothing is
    said in it. With the *ts* of a word, LateWord is raised as by the record.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        access: Access,
        record: Record,
        archive: Archive,
        clock: Clock,
        wake: Callable[[], None],
        refusals: HoldRefusals,
    ) -> None:
        self._catalog = catalog
        self._access = access
        self._record = record
        self._archive = archive
        self._clock = clock
        self._wake = wake
        self._why = refusals

    async def named(
        self, role: Role, actor: Actor, stacks: Sequence[str]
    ) -> tuple[Stack, ...]:
        """Return the stacks of that name, if *actor* has *role* on every one."""
        known = _known(self._catalog, stacks)
        for stack in known:
            await self._access.require(role, actor, stack)
        return known

    async def releasable(
        self, actor: Actor, stacks: Sequence[str]
    ) -> tuple[Stack, ...]:
        """Return the stacks of that name; to a global admin held ones of before too."""
        return self._releasable(actor, stacks, await self._held())

    async def take(
        self,
        actor: Actor,
        stacks: Sequence[str],
        *,
        reason: str = "",
        duration: timedelta | None = None,
        thread: ThreadId | None = None,
        ts: str = "",
    ) -> tuple[Hold, ...]:
        """Hold all of *stacks*, or none. What is left unsaid stays as it was.

        A freeze of another person is not in the way: the runs wait, the hold does not.
        """
        now = self._clock()
        asked = self._hold(EVERY, actor, reason, _until(duration, now), thread)
        known = await self.named(Role.WRITER, actor, stacks)
        held = await self._held()
        own = _of(held, actor, known)
        if len(own) == len(known) and not reason and duration is None:
            await self._say(thread, actor, say.held_already(own))
            return own
        answer = await self._record.hold(
            [_changed(held, replace(asked, stack=stack.name)) for stack in known], ts
        )
        if not answer.taken:
            raise await self._why.in_the_way(
                actor, answer.holds, several=len(known) > 1
            )
        self._wake()
        await self._say_what_freezes(held.get(EVERY), actor, thread)
        return answer.holds

    async def release(
        self,
        actor: Actor,
        stacks: Sequence[str],
        *,
        reason: str = "",
        thread: ThreadId | None = None,
        ts: str = "",
    ) -> tuple[Hold, ...]:
        """Release all of *stacks*, or none; another's only as an admin who says why.

        Nothing is returned where none of them is held. Whoever lost the role on a
        stack may still release what they hold of it.
        """
        held = await self._held()
        known = self._releasable(actor, stacks, held)
        if not any(stack.name in held for stack in known):
            for stack in known:
                await self._access.require(Role.READER, actor, stack)
            nobody = say.nobody_holds(stack.name for stack in known)
            freeze = held.get(EVERY)
            told = f"{nobody} {frozen_since(freeze)}" if freeze else nobody
            await self._say(thread, actor, told)
            return ()
        await self._why.refuse_foreign(actor, known, held, reason)
        return await self._released(
            tuple(held[stack.name] for stack in known), actor, reason, thread, ts
        )

    async def release_all(
        self,
        actor: Actor,
        *,
        reason: str = "",
        thread: ThreadId | None = None,
        ts: str = "",
    ) -> tuple[Hold, ...]:
        """Release every stack that *actor* holds; a freeze stays."""
        held = await self._held()
        own = tuple(
            hold
            for hold in held.values()
            if hold.actor.is_same(actor) and hold.stack != EVERY
        )
        if not own:
            await self._say(thread, actor, say.HOLDS_NOTHING)
            return ()
        return await self._released(own, actor, reason, thread, ts)

    async def steal(
        self,
        actor: Actor,
        stack: str,
        reason: str,
        thread: ThreadId | None = None,
        *,
        since: datetime | None = None,
        ts: str = "",
    ) -> Hold:
        """Take over another's hold, as an admin who says why.

        With *since*, exactly the hold that began then.
        """
        (known,) = await self.named(Role.ADMIN, actor, [stack])
        held = (await self._held()).get(known.name)
        if since is not None and (held is None or held.since != since):
            raise await self._why.changed(actor, known.name)
        if held is None:
            raise Refused(
                f"{say.nobody_holds([known.name])} To hold it yourself, reply lock.",
                reason=Refusal.TOO_LATE,
            )
        if held.actor.is_same(actor):
            raise Refused(say.held_already([held]), reason=Refusal.TOO_LATE)
        if not reason:
            raise Refused(say.WHY_STEAL, reason=Refusal.NO_REASON)
        wanted = self._hold(known.name, actor, reason, None, thread)
        if not await self._record.steal(held, wanted, ts):
            raise await self._why.changed(actor, known.name)
        self._wake()
        return wanted

    async def freeze(
        self,
        actor: Actor,
        duration: timedelta | None = None,
        reason: str = "",
        thread: ThreadId | None = None,
        ts: str = "",
    ) -> Hold:
        """Hold every stack, as a global admin."""
        self._require_above(actor)
        until = _until(duration, self._clock())
        asked = self._hold(EVERY, actor, reason, until, thread)
        held = await self._held()
        freeze = held.get(EVERY)
        is_own = freeze is not None and freeze.actor.is_same(actor)
        if freeze is not None and is_own and not reason and duration is None:
            await self._say(thread, actor, say.held_already([freeze]))
            return freeze
        answer = await self._record.freeze(_changed(held, asked), ts)
        if not answer.taken:
            raise await self._why.in_the_way(actor, answer.holds, several=False)
        self._wake()
        return answer.holds[0]

    async def unfreeze(
        self,
        actor: Actor,
        reason: str = "",
        thread: ThreadId | None = None,
        ts: str = "",
    ) -> tuple[Hold, ...]:
        """End a freeze, as a global admin; another's only with a reason."""
        self._require_above(actor)
        freeze = (await self._held()).get(EVERY)
        if freeze is None:
            await self._say(thread, actor, say.NOTHING_FROZEN)
            return ()
        if not freeze.actor.is_same(actor) and not reason:
            raise self._why.held(actor, Role.ADMIN, freeze)
        return await self._released((freeze,), actor, reason, thread, ts)

    async def extend(
        self, actor: Actor, stack: StackName, since: datetime, ts: str = ""
    ) -> Hold:
        """Let exactly that hold last an hour longer."""
        hold = await self._noticed(actor, stack, since)
        await self._require_holder_still(actor, stack)
        now = self._clock()
        until = None if hold.until is None else hold.until + EXTENSION
        if until is None or until - now > LONGEST:
            raise Refused(
                f"{say.held_so(hold)} {say.HOLD_LENGTHS}", reason=Refusal.BAD_COMMAND
            )
        return await self._lasting(hold, until, ts)

    async def keep(self, actor: Actor, stack: StackName, since: datetime) -> Hold:
        """Return exactly that hold, which goes on as it is and is asked about anew."""
        hold = await self._noticed(actor, stack, since)
        return await self._lasting(hold, hold.until, "")

    async def let_go(
        self, actor: Actor, stack: StackName, since: datetime, ts: str = ""
    ) -> Hold:
        """Release exactly that hold."""
        hold = await self._noticed(actor, stack, since)
        await self._released((hold,), actor, "", None, ts)
        return hold

    async def notify(self, actor: Actor, stack: str) -> bool:
        """Have *actor* told when *stack* is free for them; False: it is free now."""
        (known,) = await self.named(Role.WRITER, actor, [stack])
        if actor.kind is not ActorKind.PERSON:
            raise Refused(say.NO_MESSAGES, reason=Refusal.BAD_COMMAND)
        if await self._is_free(known.name, actor):
            return False
        await self._record.notify_when_free(known.name, actor, self._clock())
        return True

    def _releasable(
        self, actor: Actor, stacks: Sequence[str], held: Mapping[StackName, Hold]
    ) -> tuple[Stack, ...]:
        left = held.keys() - self._catalog.stacks.keys() - {EVERY}
        if not self._access.is_above(actor):
            left = set()
        return _known(self._catalog, stacks, {name: former(name) for name in left})

    async def _is_free(self, stack: StackName, actor: Actor) -> bool:
        occupancy = await self._archive.occupancy(stack)
        if blocker(occupancy, actor, above=self._catalog.above) is not None:
            return False
        return not await self._archive.queue(stack)

    async def _held(self) -> Mapping[StackName, Hold]:
        return {hold.stack: hold for hold in await self._archive.holds()}

    def _hold(
        self,
        stack: StackName,
        actor: Actor,
        reason: str,
        until: datetime | None,
        thread: ThreadId | None,
    ) -> Hold:
        return Hold(
            stack=stack,
            actor=actor,
            reason=_short(reason),
            since=self._clock(),
            until=until,
            thread=thread,
        )

    async def _released(
        self,
        holds: tuple[Hold, ...],
        actor: Actor,
        reason: str,
        thread: ThreadId | None,
        ts: str,
    ) -> tuple[Hold, ...]:
        if not await self._record.release_holds(
            holds, actor, _short(reason), self._clock(), thread, ts
        ):
            raise Refused(say.ANOTHER_WAS_FIRST, reason=Refusal.TOO_LATE)
        self._wake()
        return holds

    async def _noticed(self, actor: Actor, stack: StackName, since: datetime) -> Hold:
        """Return the hold that a notice was about, if it is in force."""
        hold = (await self._held()).get(stack)
        if hold is None or not hold.actor.is_same(actor) or hold.since != since:
            raise await self._why.changed(actor, stack)
        return hold

    async def _lasting(self, hold: Hold, until: datetime | None, ts: str = "") -> Hold:
        if not await self._record.extend(hold, until, self._clock(), ts):
            raise await self._why.changed(hold.actor, hold.stack)
        return replace(hold, until=until)

    async def _require_holder_still(self, actor: Actor, stack: StackName) -> None:
        if stack == EVERY:
            self._require_above(actor)
        else:
            await self.named(Role.WRITER, actor, [stack])

    def _require_above(self, actor: Actor) -> None:
        if not self._access.is_above(actor):
            raise Refused(say.NOT_ABOVE, reason=Refusal.NOT_ALLOWED)

    async def _say_what_freezes(
        self, freeze: Hold | None, actor: Actor, thread: ThreadId | None
    ) -> None:
        is_kept = freeze is not None and not freeze.actor.is_same(actor)
        if freeze is not None and is_kept and not self._access.is_above(actor):
            sentence = say.held_while_frozen(freeze)
            await self._say(thread, actor, sentence)

    async def _say(self, thread: ThreadId | None, actor: Actor, sentence: str) -> None:
        if thread is not None:
            await self._record.tell(thread, [Said(text=sentence, to=actor)])


def _known(
    catalog: Catalog, names: Sequence[str], left: Mapping[StackName, Stack] = _NONE
) -> tuple[Stack, ...]:
    """Return the stacks of that name, each once, or refuse those there are not.

    *left* are those that count although *catalog* does not know them any more.
    """
    found: list[Stack] = []
    unknown: list[str] = []
    for name in dict.fromkeys(names):
        try:
            found.append(left.get(StackName(name)) or catalog.stack(name))
        except Refused as refusal:
            unknown.append(str(refusal))
    if unknown:
        raise Refused("\n".join(unknown), reason=Refusal.UNKNOWN_STACK)
    if not found:
        raise Refused(say.NO_STACK, reason=Refusal.UNKNOWN_STACK)
    return tuple(found)


def _short(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        raise Refused(
            f"A reason has at most {LONGEST_REASON} characters, that one has "
            f"{len(reason)}. Nothing was done.",
            reason=Refusal.BAD_COMMAND,
        )
    return reason


def _until(duration: timedelta | None, now: datetime) -> datetime | None:
    if duration is None:
        return None
    if not SHORTEST <= duration <= LONGEST:
        raise Refused(say.HOLD_LENGTHS, reason=Refusal.BAD_COMMAND)
    return now + duration


def _changed(held: Mapping[StackName, Hold], wanted: Hold) -> Hold:
    """Return *wanted* with what it leaves unsaid as it is in the same actor's hold."""
    now = held.get(wanted.stack)
    if now is None or not now.actor.is_same(wanted.actor):
        return wanted
    return replace(
        wanted, reason=wanted.reason or now.reason, until=wanted.until or now.until
    )


def _of(
    held: Mapping[StackName, Hold], actor: Actor, stacks: Sequence[Stack]
) -> tuple[Hold, ...]:
    found = (held.get(stack.name) for stack in stacks)
    return tuple(hold for hold in found if hold and hold.actor.is_same(actor))
