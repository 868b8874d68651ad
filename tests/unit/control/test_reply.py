"""A word is acted on once, in its time, and in the order in which it was said."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import text

from bot.control.hold_words import HoldWords
from bot.control.reply import Reply, Uttered
from bot.control.run_words import RunWords
from bot.control.secrecy import Secrecy
from bot.control.wish import Wish
from bot.domain.audit import Verb
from bot.domain.errors import (
    LateWord,
    Refusal,
    Refused,
    StoreUnavailable,
    WordUnheard,
)
from bot.domain.people import Actor, TeamId, UserId
from bot.domain.words import (
    Confirm,
    ForceUnlock,
    Lock,
    NotifyMe,
    Release,
    Status,
    Steal,
    Stop,
    Unlock,
    Word,
)
from bot.ports import DeliveryKey
from bot.store.approvals import SqlApprovals
from tests.support.builders import CHANNEL, STACK
from tests.unit.control.holding import ADA, ANN, DORA, RITA, Holding, a_holding
from tests.unit.control.stand_ins import Safe

OLD = timedelta(minutes=11)


@dataclass
class Deeds:
    """What stands for the words about runs, and keeps them."""

    done: list[Word] = field(default_factory=list)

    async def __call__(self, wish: Wish, word: Word) -> None:
        self.done.append(word)


@dataclass
class Thread:
    """The card of net-prod, on which people reply."""

    stage: Holding
    reply: Reply
    deeds: Deeds
    ts: str

    async def say(
        self,
        word: Word,
        by: Actor,
        *,
        ago: timedelta = timedelta(),
        pressed: bool = False,
        times: int = 1,
    ) -> list[bool]:
        """Say *word* as it was said a while *ago*; tell whether it was heard."""
        uttered = self.uttered(word, by, ago=ago, pressed=pressed)
        return [await self.reply(uttered) for _ in range(times)]

    def uttered(
        self, word: Word, by: Actor, *, ago: timedelta, pressed: bool = False
    ) -> Uttered:
        """Return *word* as it was said a while *ago*."""
        ts = f"{(self.stage.now - ago).timestamp():.6f}"
        return Uttered(
            key=DeliveryKey(f"message:{CHANNEL}:{ts}:{by.id}"),
            word=word,
            user=UserId(by.id),
            team=TeamId(by.team),
            channel=CHANNEL,
            thread_ts=self.ts,
            ts="" if pressed else ts,
            pressed_ts=ts if pressed else "",
        )


@pytest.fixture
async def thread(tmp_path: Path) -> AsyncIterator[Thread]:
    async with a_holding(tmp_path) as stage:
        deeds = Deeds()
        reply = Reply(
            catalog=stage.catalog,
            access=stage.access,
            record=stage.record,
            archive=stage.store.archive,
            approvals=SqlApprovals(stage.store.database),
            words=stage.words,
            clock=stage.clock,
            about_holds=HoldWords(
                holds=stage.holds,
                access=stage.access,
                record=stage.record,
                words=stage.words,
                secrecy=Secrecy((), Safe()),
            ),
            about_runs=cast("RunWords", deeds),
        )
        ts = (await stage.store.archive.thread(stage.thread)).ts
        assert ts is not None
        yield Thread(stage, reply, deeds, ts)


async def test_a_word_is_acted_on_once_however_often_it_comes(thread: Thread) -> None:
    assert await thread.say(Stop(), ANN, times=3) == [True, False, False]
    assert thread.deeds.done == [Stop()]


@pytest.mark.parametrize(
    ("word", "by"),
    [
        (Stop(), ANN),
        (Confirm(), ANN),
        (Release(reason="x"), DORA),
        (ForceUnlock(), ADA),
    ],
)
async def test_an_old_word_about_a_run_is_asked_for_again(
    thread: Thread, word: Word, by: Actor
) -> None:
    assert await thread.say(word, by, ago=OLD) == [True]

    (sentence,) = await thread.stage.said()
    assert "Handrail hears it only now, so nothing was done" in sentence
    assert thread.deeds.done == []
    assert (await thread.stage.verbs())[-1] is Verb.ASKED_AGAIN


async def test_the_audit_row_says_what_was_said_and_when(thread: Thread) -> None:
    await thread.say(Unlock(), ANN, ago=OLD)

    deed = (await thread.stage.store.deeds())[-1]
    assert (deed.verb, deed.actor.id, deed.stack) == (Verb.ASKED_AGAIN, ANN.id, STACK)
    assert deed.detail.startswith("unlock, said at 2026-11-20 11:49:00")


async def test_an_old_word_that_is_not_allowed_is_refused_as_ever(
    thread: Thread,
) -> None:
    with pytest.raises(Refused, match="You are no writer"):
        await thread.say(Stop(), RITA, ago=OLD)

    assert await thread.stage.said() == []


async def test_an_old_word_that_does_no_harm_is_acted_on(thread: Thread) -> None:
    await thread.say(Status(), RITA, ago=OLD)
    await thread.say(NotifyMe(), ANN, ago=OLD)

    said = await thread.stage.said()
    assert len(said) == 2
    assert not any("only now" in sentence for sentence in said)


async def test_an_old_lock_is_taken_for_the_rest_of_its_time(thread: Thread) -> None:
    await thread.say(Lock(duration=timedelta(hours=1)), ANN, ago=OLD)

    hold = (await thread.stage.held())[STACK]
    assert hold.until == thread.stage.now + timedelta(minutes=49)
    assert "You asked for this lock at" in (await thread.stage.said())[-1]


async def test_a_fresh_lock_says_nothing_of_when_it_was_asked_for(
    thread: Thread,
) -> None:
    await thread.say(Lock(), ANN, ago=timedelta(minutes=9))

    assert await thread.stage.said() == []


async def test_an_old_lock_that_would_be_over_is_asked_for_again(
    thread: Thread,
) -> None:
    await thread.say(Lock(duration=timedelta(minutes=10)), ANN, ago=OLD)

    assert await thread.stage.held() == {}
    assert "You said lock at" in (await thread.stage.said())[-1]


@pytest.mark.parametrize("newer", [Unlock(), Unlock(all_mine=True)])
async def test_an_old_lock_is_not_taken_once_its_old_unlock_is_foreseen(
    thread: Thread, newer: Word
) -> None:
    await thread.reply.foresee(thread.uttered(newer, ANN, ago=OLD))

    with pytest.raises(Refused, match="said something newer"):
        await thread.say(Lock(), ANN, ago=2 * OLD)
    await thread.say(newer, ANN, ago=OLD)

    assert await thread.stage.held() == {}
    assert "You said unlock at" in (await thread.stage.said())[-1]


async def test_a_fresh_word_or_one_that_is_not_allowed_overtakes_nothing(
    thread: Thread,
) -> None:
    fresh = thread.uttered(Unlock(), ANN, ago=timedelta(minutes=8))
    await thread.reply.foresee(fresh)
    eve = replace(ANN, team=TeamId("T0ELSE"))
    await thread.reply.foresee(thread.uttered(Steal(), eve, ago=OLD))
    await thread.reply.foresee(thread.uttered(Stop(), ANN, ago=OLD))

    await thread.say(Lock(), ANN, ago=2 * OLD)

    assert set(await thread.stage.held()) == {STACK}


async def test_a_word_that_cannot_be_foreseen_is_unheard(thread: Thread) -> None:
    async with thread.stage.store.database.write("lose it") as db:
        await db.execute(text("DROP TABLE lock_words"))

    with pytest.raises(WordUnheard):
        await thread.reply.foresee(thread.uttered(Unlock(), ANN, ago=OLD))


async def test_a_word_that_was_overtaken_is_refused_with_an_audit_row(
    thread: Thread,
) -> None:
    await thread.say(Unlock(), ANN)

    with pytest.raises(Refused, match="something newer about that lock") as refused:
        await thread.say(Lock(), ANN, ago=timedelta(seconds=1))

    assert refused.value.reason is Refusal.STALE
    assert isinstance(refused.value.__cause__, LateWord)
    assert (await thread.stage.refusals())[-1].detail == "stale: lock"
    assert await thread.stage.held() == {}


async def test_a_press_is_in_the_order_too(thread: Thread) -> None:
    await thread.say(Lock(), ANN, pressed=True)

    with pytest.raises(Refused, match="something newer about that lock"):
        await thread.say(Unlock(), ANN, ago=timedelta(seconds=1), pressed=True)

    assert set(await thread.stage.held()) == {STACK}


async def test_a_reply_that_cannot_be_noted_is_left_for_later(thread: Thread) -> None:
    thread.stage.record.away["first_seen"] = 1

    with pytest.raises(WordUnheard) as unheard:
        await thread.say(Stop(), ANN)

    assert "Your reply is heard as soon as that is over" in unheard.value.sentence
    assert await thread.say(Stop(), ANN) == [True]


async def test_a_press_that_cannot_be_noted_is_to_be_made_again(
    thread: Thread,
) -> None:
    thread.stage.record.away["first_seen"] = 1

    with pytest.raises(StoreUnavailable):
        await thread.say(Stop(), ANN, pressed=True)
