"""Act on the buttons of what was said to one person alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.control.access import Access
from bot.control.holds import Holds
from bot.domain import hold_sentences as say
from bot.domain import late_words as late
from bot.domain.audit import Deed, Verb
from bot.domain.errors import LateWord, Refusal, Refused, RoleSourceUnavailable
from bot.domain.people import Actor, ActorKind, TeamId, UserId
from bot.domain.stack import StackName
from bot.ports import Clock, DeliveryKey, Record
from bot.ports.words import Words

_UNREADABLE: Final = (
    "That button is of another version of Handrail. Reply in a thread of the stack."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button that a person pressed, in a direct message or on a refusal."""

    key: DeliveryKey
    action: str  #: extend, keep_hold or release_hold; notify
    value: str  #: the stack, `|`, since when it is held; of notify the stack alone
    user: UserId
    team: TeamId
    ts: str = ""  #: Slack's timestamp of the press


class Notices:
    """Acts at most once on each delivery; what is refused has an audit row."""

    def __init__(
        self,
        *,
        holds: Holds,
        access: Access,
        record: Record,
        words: Words,
        clock: Clock,
    ) -> None:
        self._words = words
        self._holds = holds
        self._access = access
        self._record = record
        self._clock = clock

    async def __call__(self, pressed: Pressed) -> str | None:
        """Return what to show to whoever pressed, or raise Refused. None: repeated."""
        if not await self._record.first_seen(pressed.key, self._clock()):
            return None
        with self._record.answering(pressed.key):
            return await self._answer(pressed)

    async def _answer(self, pressed: Pressed) -> str:
        try:
            return await self._act(pressed)
        except RoleSourceUnavailable as unheard:
            refusal = unheard.refused()
            await self._note(refusal, pressed)
            raise refusal from unheard
        except LateWord as word:
            refusal = Refused(late.overtaken("press"), reason=Refusal.STALE)
            await self._note(refusal, pressed)
            raise refusal from word
        except Refused as refusal:
            await self._note(refusal, pressed)
            raise

    async def _act(self, pressed: Pressed) -> str:
        actor = (await self._access.member(pressed.user, pressed.team)).actor
        if pressed.action == "notify":
            stack = StackName(pressed.value)
            waits = await self._holds.notify(actor, stack)
            return say.will_be_told(stack) if waits else say.is_free(stack)
        stack, since = _hold_named(pressed.value)
        ts = pressed.ts
        await self._words.note(actor, [stack], ts)
        match pressed.action:
            case "extend":
                return say.held_so(await self._holds.extend(actor, stack, since, ts))
            case "keep_hold":
                return say.held_so(await self._holds.keep(actor, stack, since))
            case "release_hold":
                await self._holds.let_go(actor, stack, since, ts)
                return say.let_go(stack)
            case _:
                raise Refused(_UNREADABLE, reason=Refusal.BAD_COMMAND)

    async def _note(self, refusal: Refused, pressed: Pressed) -> None:
        await self._record.refuse(
            Deed(
                verb=Verb.REFUSED,
                actor=Actor(kind=ActorKind.PERSON, id=pressed.user, team=pressed.team),
                at=self._clock(),
                stack=pressed.value.partition("|")[0],
                detail=f"{refusal.reason}: {pressed.action}",
            )
        )


def _hold_named(value: str) -> tuple[StackName, datetime]:
    stack, _, since = value.partition("|")
    try:
        return StackName(stack), datetime.fromisoformat(since)
    except ValueError as unreadable:
        raise Refused(_UNREADABLE, reason=Refusal.BAD_COMMAND) from unreadable
