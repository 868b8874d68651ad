"""Act on the words about runs: stop, confirm, discard, release, redact and again."""

from dataclasses import dataclass
from typing import assert_never

from bot.control.approve import Approve as Approval
from bot.control.approve import Wanted
from bot.control.deploy import Deploy
from bot.control.enlist import Enlist
from bot.control.outside import Outside
from bot.control.redact import Redact as Redaction
from bot.control.schedule import Schedule
from bot.control.secrecy import Secrecy
from bot.control.wish import Wish, answer
from bot.domain.approval import Decision
from bot.domain.errors import Refusal, Refused
from bot.domain.late_words import said_at
from bot.domain.people import Actor
from bot.domain.run import RunId
from bot.domain.sentences import cannot_stop
from bot.domain.words import (
    Approve,
    Confirm,
    Discard,
    ForceUnlock,
    Redact,
    Reject,
    Release,
    RunAgain,
    Stop,
)
from bot.ports import Archive, Clock, Record, StopAnswer

RunWord = (
    Stop
    | Confirm
    | Discard
    | Approve
    | Reject
    | ForceUnlock
    | RunAgain
    | Release
    | Redact
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What the words lead to."""

    redact: Redaction
    schedule: Schedule
    deploy: Deploy
    enlist: Enlist
    outside: Outside
    approve: Approval


class RunWords:
    """Acts on the run of the thread in which the word was said."""

    def __init__(
        self,
        *,
        record: Record,
        archive: Archive,
        clock: Clock,
        secrecy: Secrecy,
        ways: Ways,
    ) -> None:
        self._record = record
        self._archive = archive
        self._clock = clock
        self._secrecy = secrecy
        self._ways = ways

    async def __call__(self, wish: Wish, word: RunWord) -> None:
        """Do what *word* says, or raise Refused."""
        actor, channel = wish.actor, wish.thread.channel
        match word:
            case Stop():
                await self._stop(wish)
            case Confirm():
                await self._ways.deploy.confirm(wish.run("confirm"), actor)
            case Discard():
                await self._discard(wish)
            case Approve() | Reject():
                await self._review(wish, word)
            case ForceUnlock():
                run = wish.run("force-unlock")
                await self._ways.enlist.force_unlock(run, actor, channel=channel)
            case RunAgain():
                run = wish.run("again")
                stack = wish.stack.name
                await self._ways.enlist.again(run, actor, stack=stack, channel=channel)
            case Release(reason=reason):
                await self._release(wish, reason)
            case Redact(text=text):
                await self._redact(wish, text)
            case _:
                assert_never(word)

    async def _stop(self, wish: Wish, word: str = "stop") -> None:
        run = wish.run(word)
        became = await self._record.ask_stop(run, wish.actor, self._clock())
        match became:
            case StopAnswer.ASKED:
                self._ways.schedule.stop(run)
            case StopAnswer.DISCARDED:
                self._ways.schedule.wake()
            case StopAnswer.TOO_LATE:
                sentence = cannot_stop(await self._archive.run(run))
                raise Refused(sentence, reason=Refusal.TOO_LATE)
            case StopAnswer.OVER:
                await self._say(wish, f"Run {run} is over already.")
            case _:
                assert_never(became)

    async def _discard(self, wish: Wish) -> None:
        if wish.is_former:
            # No role on the stack can be asked for; only those above come here.
            await self._stop(wish, "discard")
        else:
            await self._ways.deploy.discard(wish.run("discard"), wish.actor)

    async def _review(self, wish: Wish, word: Approve | Reject) -> None:
        says_yes = isinstance(word, Approve)
        run = wish.run("approve" if says_yes else "reject: <reason>")
        if not says_yes and not word.note:
            raise Refused(
                "Say why, because it goes on the record: reject: <reason>.",
                reason=Refusal.NO_REASON,
            )
        wanted = Wanted(
            actor=wish.actor,
            decision=Decision.APPROVE if says_yes else Decision.REJECT,
            note=word.note,
            subject=word.subject,
            said_at=said_at(wish.said_ts),
        )
        await self._ways.approve.review(run, wanted)

    async def _release(self, wish: Wish, reason: str) -> None:
        if not reason:
            raise Refused(
                "Say why, because it goes on the record: release: <reason>. Make "
                "sure first that the run's container is really gone.",
                reason=Refusal.NO_REASON,
            )
        reason = await self._secrecy.of_writer(reason, wish.stack)
        claim = (await self._archive.occupancy(wish.stack.name)).claim
        released = claim is not None and await self._settled(
            claim.run, wish.actor, reason
        )
        if not released:
            await self._say(wish, f"No run that is over keeps {wish.stack.name} busy.")
        self._ways.schedule.wake()

    async def _settled(self, run: RunId, actor: Actor, reason: str) -> bool:
        return await self._ways.outside.settle(
            actor, run, reason
        ) or await self._record.release_claim(run, actor, reason, self._clock())

    async def _redact(self, wish: Wish, text: str) -> None:
        run = wish.run("redact: <text>")
        done = await self._ways.redact(
            run, text, by=wish.actor, channel=wish.thread.channel, ts=wish.ts
        )
        await self._say(wish, done)
        self._ways.schedule.wake()  # a run that had not begun may have been discarded

    async def _say(self, wish: Wish, text: str) -> None:
        await answer(wish, text, self._record)
