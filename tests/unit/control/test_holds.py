"""Holds: all or none, by the right hand, and a sentence for whoever may not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.audit import Verb
from bot.domain.errors import Refusal, Refused
from bot.domain.lock import EVERY
from bot.domain.stack import StackName
from bot.domain.telling import Held, Released, Stolen
from tests.support.builders import NOON, STACK
from tests.unit.control.holding import (
    ADA,
    AMY,
    ANN,
    BOB,
    DB,
    DORA,
    RITA,
    VAULT,
    Holding,
    a_holding,
)

TWO_HOURS = timedelta(hours=2)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Holding]:
    async with a_holding(tmp_path) as holding:
        yield holding


async def test_a_hold_has_its_reason_its_end_and_its_thread(stage: Holding) -> None:
    (hold,) = await stage.holds.take(
        ANN, [STACK], reason="moving", duration=TWO_HOURS, thread=stage.thread
    )

    assert await stage.held() == {STACK: hold}
    assert (hold.actor, hold.reason, hold.thread) == (ANN, "moving", stage.thread)
    assert (hold.since, hold.until) == (NOON, NOON + TWO_HOURS)
    assert [told.holds for told in await stage.told(Held)] == [(hold,)]
    assert stage.woken == 1


async def test_a_list_is_held_as_a_whole(stage: Holding) -> None:
    taken = await stage.holds.take(ANN, [STACK, DB, STACK], reason="both")

    assert {hold.stack for hold in taken} == {STACK, DB} == set(await stage.held())
    assert await stage.verbs() == [Verb.HELD]


async def test_a_list_of_which_somebody_has_one_is_not_held_at_all(
    stage: Holding,
) -> None:
    await stage.holds.take(BOB, [DB], reason="restore")
    stage.passes(minutes=20)

    with pytest.raises(Refused, match="all or none") as caught:
        await stage.holds.take(ANN, [STACK, DB])

    assert "bob has held db-prod for 20 min: restore" in str(caught.value)
    assert (caught.value.reason, caught.value.stack) == (Refusal.HELD, DB)
    assert set(await stage.held()) == {DB}


async def test_every_unknown_name_of_a_list_is_told_with_its_neighbours(
    stage: Holding,
) -> None:
    with pytest.raises(Refused) as caught:
        await stage.holds.take(ANN, ["net-prd", STACK, "dbprod"])

    assert caught.value.reason is Refusal.UNKNOWN_STACK
    assert "'net-prd'. Did you mean net-prod" in str(caught.value)
    assert "'dbprod'. Did you mean db-prod" in str(caught.value)
    assert await stage.held() == {}


async def test_no_stack_is_no_list(stage: Holding) -> None:
    with pytest.raises(Refused, match="Name at least one stack"):
        await stage.holds.take(ANN, [])


async def test_whoever_holds_a_list_writes_every_stack_of_it(stage: Holding) -> None:
    with pytest.raises(Refused, match="no writer of vault") as caught:
        await stage.holds.take(ANN, [STACK, VAULT])

    assert caught.value.reason is Refusal.NOT_ALLOWED
    assert await stage.held() == {}


@pytest.mark.parametrize(
    "length", [timedelta(), timedelta(seconds=59), timedelta(days=30, seconds=1)]
)
async def test_a_hold_lasts_from_a_minute_to_thirty_days(
    stage: Holding, length: timedelta
) -> None:
    with pytest.raises(Refused, match="from 1 minute to 30 days"):
        await stage.holds.take(ANN, [STACK], duration=length)
    with pytest.raises(Refused, match="from 1 minute to 30 days"):
        await stage.holds.freeze(ADA, length)

    for bound in (timedelta(minutes=1), timedelta(days=30)):
        await stage.holds.take(ANN, [STACK], duration=bound)


async def test_a_second_lock_says_since_when_and_until_when(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], reason="moving", duration=TWO_HOURS)
    stage.passes(minutes=5)

    (hold,) = await stage.holds.take(ANN, [STACK], thread=stage.thread)

    assert hold.since == NOON
    (sentence,) = await stage.said()
    assert sentence == (
        "You hold net-prod already, since 2026-11-20 12:00 UTC, until 2026-11-20 "
        "14:00 UTC: moving"
    )
    assert await stage.verbs() == [Verb.HELD]


async def test_what_is_left_unsaid_stays_as_it_was(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], reason="moving", duration=TWO_HOURS)
    stage.passes(minutes=5)

    (why,) = await stage.holds.take(ANN, [STACK], reason="still moving")
    (longer,) = await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)

    assert (why.reason, why.until) == ("still moving", NOON + TWO_HOURS)
    assert longer.reason == "still moving"
    assert longer.until == stage.now + TWO_HOURS
    assert (why.since, longer.since) == (NOON, NOON)


async def test_a_list_of_which_one_is_held_already_gets_the_rest(
    stage: Holding,
) -> None:
    await stage.holds.take(ANN, [DB], reason="restore")

    await stage.holds.take(ANN, [STACK, DB])

    reasons = {stack: hold.reason for stack, hold in (await stage.held()).items()}
    assert reasons == {STACK: "", DB: "restore"}


async def test_a_stack_can_be_held_while_somebody_froze_all(stage: Holding) -> None:
    await stage.holds.freeze(ADA, reason="incident")

    await stage.holds.take(ANN, [STACK], thread=stage.thread)

    assert set(await stage.held()) == {STACK, EVERY}
    (sentence,) = await stage.said()
    assert "ada froze every stack" in sentence
    assert "your runs wait until that ends" in sentence


async def test_no_admin_of_all_waits_for_another_s_freeze(stage: Holding) -> None:
    await stage.holds.freeze(ADA)

    await stage.holds.take(AMY, [STACK], thread=stage.thread)

    assert await stage.said() == []


async def test_an_api_key_holds_as_its_role_says(stage: Holding) -> None:
    ci = await stage.a_key()

    await stage.holds.take(ci, [STACK])

    with pytest.raises(Refused, match="no writer of db-prod"):
        await stage.holds.take(ci, [DB])
    with pytest.raises(Refused, match="Only the admins"):
        await stage.holds.freeze(ci)
    with pytest.raises(Refused, match="cannot be told anything directly"):
        await stage.holds.notify(ci, STACK)
    assert await stage.holds.release_all(ci) != ()


async def test_the_holder_releases(stage: Holding) -> None:
    (hold,) = await stage.holds.take(ANN, [STACK])

    assert await stage.holds.release(ANN, [STACK], thread=stage.thread) == (hold,)

    assert await stage.held() == {}
    assert [told.actor for told in await stage.told(Released)] == [ANN]
    assert stage.woken == 2


async def test_a_free_stack_cannot_be_released(stage: Holding) -> None:
    assert await stage.holds.release(ANN, [STACK, DB], thread=stage.thread) == ()

    assert await stage.said() == ["Nobody holds net-prod or db-prod."]
    assert await stage.verbs() == []
    await stage.holds.freeze(ADA)
    await stage.holds.release(ANN, [STACK], thread=stage.thread)
    (sentence,) = await stage.said()
    assert sentence.startswith(
        "Nobody holds net-prod. ada froze every stack at 2026-11-20 12:00 UTC"
    )


async def test_a_third_person_is_told_who_since_when_why_and_what_to_reply(
    stage: Holding,
) -> None:
    await stage.holds.take(ANN, [STACK], reason="moving")
    stage.passes(minutes=20)

    with pytest.raises(Refused) as caught:
        await stage.holds.release(BOB, [STACK], reason="I want to")

    assert "ann has held net-prod for 20 min: moving" in str(caught.value)
    assert "Ask ann to reply unlock" in str(caught.value)
    assert (caught.value.reason, caught.value.stack) == (Refusal.HELD, STACK)
    assert set(await stage.held()) == {STACK}


async def test_a_half_held_list_releases_nothing_and_says_which_is_not_theirs(
    stage: Holding,
) -> None:
    await stage.holds.take(ANN, [STACK])

    with pytest.raises(Refused, match="Nobody holds db-prod") as free:
        await stage.holds.release(ANN, [STACK, DB])
    await stage.holds.take(BOB, [DB])
    with pytest.raises(Refused, match="bob has held db-prod") as foreign:
        await stage.holds.release(ANN, [STACK, DB])

    for refused in (free.value, foreign.value):
        assert "Nothing was released" in str(refused)
        assert "net-prod for" not in str(refused)
    assert set(await stage.held()) == {STACK, DB}


async def test_an_admin_releases_another_s_hold_with_a_reason(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK, DB])

    with pytest.raises(Refused, match="unlock: <reason>"):
        await stage.holds.release(DORA, [STACK, DB])
    await stage.holds.release(DORA, [STACK, DB], reason="ann is away")

    assert await stage.held() == {}
    assert "U0ANN released" in await stage.noticed()


async def test_whoever_lost_the_role_still_releases_what_they_hold(
    stage: Holding,
) -> None:
    await stage.record.hold([stage.orphan()])

    await stage.holds.release(RITA, [VAULT])

    assert await stage.held() == {}


async def test_who_holds_what_is_not_told_to_whoever_may_not_read_it(
    stage: Holding,
) -> None:
    for _ in range(2):
        with pytest.raises(Refused, match="no reader of vault"):
            await stage.holds.release(ANN, [VAULT])
        await stage.holds.take(BOB, [VAULT])


async def test_all_mine_are_mine_alone_and_no_freeze(stage: Holding) -> None:
    await stage.holds.freeze(ADA)
    await stage.holds.take(ADA, [STACK])
    await stage.holds.take(BOB, [DB])

    (released,) = await stage.holds.release_all(ADA)

    assert released.stack == STACK
    assert set(await stage.held()) == {EVERY, DB}
    assert await stage.holds.release_all(ADA, thread=stage.thread) == ()
    assert await stage.said() == ["You hold no stack."]


async def test_a_release_that_came_second_releases_nothing(stage: Holding) -> None:
    (hold,) = await stage.holds.take(ANN, [STACK])
    stage.record.first = lambda: stage.record.steal(hold, stage.taken_over())

    with pytest.raises(Refused, match="Another hand was first") as caught:
        await stage.holds.release(ANN, [STACK])

    assert caught.value.reason is Refusal.TOO_LATE
    assert (await stage.held())[STACK].actor == ADA


async def test_a_steal_tells_the_one_who_lost(stage: Holding) -> None:
    (lost,) = await stage.holds.take(ANN, [STACK], thread=stage.thread)
    stage.passes(minutes=1)

    hold = await stage.holds.steal(DORA, STACK, "incident", stage.thread)

    assert await stage.held() == {STACK: hold}
    assert (hold.actor, hold.reason, hold.since) == (DORA, "incident", stage.now)
    told = await stage.told(Stolen)
    assert [(stolen.held, stolen.wanted) for stolen in told] == [(lost, hold)]
    assert Verb.STOLEN in await stage.verbs()


async def test_a_steal_needs_an_admin_a_reason_and_another_s_hold(
    stage: Holding,
) -> None:
    with pytest.raises(Refused, match=r"Nobody holds net-prod\..* reply lock") as free:
        await stage.holds.steal(DORA, STACK, "incident")
    await stage.holds.take(ANN, [STACK])
    with pytest.raises(Refused, match="no admin of net-prod") as writer:
        await stage.holds.steal(BOB, STACK, "incident")
    with pytest.raises(Refused, match="steal: <reason>") as silent:
        await stage.holds.steal(DORA, STACK, "")
    await stage.holds.take(DORA, [DB])
    with pytest.raises(Refused, match="You hold db-prod already, since") as own:
        await stage.holds.steal(DORA, DB, "incident")

    assert [caught.value.reason for caught in (free, writer, silent, own)] == [
        Refusal.TOO_LATE,
        Refusal.NOT_ALLOWED,
        Refusal.NO_REASON,
        Refusal.TOO_LATE,
    ]
    assert (await stage.held())[STACK].actor == ANN


async def test_a_steal_that_came_second_says_what_is_the_case(stage: Holding) -> None:
    (hold,) = await stage.holds.take(ANN, [STACK])
    stage.record.first = lambda: stage.record.steal(hold, stage.taken_over())

    with pytest.raises(Refused, match=r"is over\. ada has held net-prod"):
        await stage.holds.steal(DORA, STACK, "incident")


async def test_only_the_hold_that_was_seen_is_stolen(stage: Holding) -> None:
    (seen,) = await stage.holds.take(ANN, [STACK])
    await stage.holds.release(ANN, [STACK])
    with pytest.raises(Refused, match=r"is over\. Nobody holds net-prod"):
        await stage.holds.steal(DORA, STACK, "incident", since=seen.since)
    stage.passes(minutes=1)
    (later_one,) = await stage.holds.take(BOB, [STACK])

    with pytest.raises(Refused, match=r"is over\. bob has held net-prod") as caught:
        await stage.holds.steal(DORA, STACK, "incident", since=seen.since)

    assert caught.value.reason is Refusal.TOO_LATE
    assert await stage.held() == {STACK: later_one}
    await stage.holds.steal(DORA, STACK, "incident", since=later_one.since)
    assert (await stage.held())[STACK].actor == DORA


async def test_only_an_admin_of_all_freezes(stage: Holding) -> None:
    for nobody in (ANN, DORA):
        with pytest.raises(Refused, match="Only the admins") as caught:
            await stage.holds.freeze(nobody)
        assert caught.value.reason is Refusal.NOT_ALLOWED
        with pytest.raises(Refused, match="Only the admins"):
            await stage.holds.unfreeze(nobody)

    freeze = await stage.holds.freeze(ADA, TWO_HOURS, "incident", stage.thread)

    assert await stage.held() == {EVERY: freeze}
    assert (freeze.reason, freeze.until) == ("incident", NOON + TWO_HOURS)
    assert await stage.verbs() == [Verb.FROZEN]


async def test_there_is_one_freeze_at_a_time(stage: Holding) -> None:
    await stage.holds.freeze(ADA, reason="incident", duration=TWO_HOURS)
    stage.passes(minutes=20)

    with pytest.raises(Refused, match="ada froze every stack 20 min ago: incident"):
        await stage.holds.freeze(AMY)
    again = await stage.holds.freeze(ADA, thread=stage.thread)
    other = await stage.holds.freeze(ADA, reason="worse")

    assert again.since == NOON
    (sentence,) = await stage.said()
    assert sentence.startswith("You hold every stack already, since 2026-11-20 12:00")
    assert (other.reason, other.until) == ("worse", NOON + TWO_HOURS)


async def test_another_s_freeze_ends_with_a_reason(stage: Holding) -> None:
    await stage.holds.freeze(ADA)

    with pytest.raises(Refused, match="unfreeze: <reason>"):
        await stage.holds.unfreeze(AMY)
    await stage.holds.unfreeze(AMY, "over")

    assert await stage.held() == {}
    assert await stage.holds.unfreeze(AMY, thread=stage.thread) == ()
    assert await stage.said() == ["Nothing is frozen."]


async def test_what_is_held_of_a_stack_of_before_is_released_from_above_alone(
    stage: Holding,
) -> None:
    gone = StackName("gone-prod")
    await stage.record.hold([replace(stage.taken_over(), stack=gone, actor=ANN)])

    for actor in (ANN, DORA):
        with pytest.raises(Refused, match="There is no stack 'gone-prod'"):
            await stage.holds.release(actor, [gone], reason="it is gone")
    with pytest.raises(Refused, match="unlock: <reason>"):
        await stage.holds.release(ADA, [gone])
    with pytest.raises(Refused, match="There is no stack 'gone-pro'"):
        await stage.holds.release(ADA, ["gone-pro"], reason="it is gone")
    await stage.holds.release(ADA, [gone], reason="it is gone")

    assert await stage.held() == {}


async def test_a_reason_has_five_hundred_characters_at_most(stage: Holding) -> None:
    why, longest = "x" * 501, "x" * 500
    await stage.holds.take(BOB, [DB])

    for wish in (
        stage.holds.take(ANN, [STACK], reason=why),
        stage.holds.freeze(ADA, reason=why),
        stage.holds.steal(DORA, DB, why),
        stage.holds.release(DORA, [DB], reason=why),
        stage.holds.release_all(BOB, reason=why),
    ):
        with pytest.raises(Refused, match="at most 500 characters") as caught:
            await wish
        assert caught.value.reason is Refusal.BAD_COMMAND
    await stage.holds.take(ANN, [STACK], reason=longest)

    assert set(await stage.held()) == {STACK, DB}
