"""What is said to one person alone: its buttons, and the wish to be told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.control.notices import Pressed
from bot.domain.audit import Verb
from bot.domain.errors import Refusal, Refused
from bot.domain.lock import EVERY
from bot.domain.people import Standing, TeamId, UserId
from bot.ports import DeliveryKey
from tests.support.builders import NOON, STACK, a_new_run, later
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
from tests.unit.control.stand_ins import TEAM

TWO_HOURS = timedelta(hours=2)
ON_NET_PROD = f"{STACK}|{NOON.isoformat()}"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Holding]:
    async with a_holding(tmp_path) as holding:
        yield holding


def pressed(
    action: str, value: str, *, by: str = "U0ANN", key: str = "action:1"
) -> Pressed:
    return Pressed(
        key=DeliveryKey(key), action=action, value=value, user=UserId(by), team=TEAM
    )


async def test_a_hold_is_extended_by_an_hour(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], reason="moving", duration=TWO_HOURS)
    stage.passes(minutes=115)

    hold = await stage.holds.extend(ANN, STACK, NOON)

    assert await stage.held() == {STACK: hold}
    assert (hold.since, hold.until) == (NOON, later(3 * 3600))
    assert (await stage.store.deeds())[-1].at == stage.now


async def test_a_freeze_is_extended_too(stage: Holding) -> None:
    await stage.holds.freeze(ADA, TWO_HOURS)

    hold = await stage.holds.extend(ADA, EVERY, NOON)

    assert hold.until == later(3 * 3600)
    assert set(await stage.held()) == {EVERY}


async def test_no_hold_is_extended_beyond_thirty_days(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], duration=timedelta(days=30))
    await stage.holds.take(ANN, [DB])

    with pytest.raises(Refused, match="from 1 minute to 30 days"):
        await stage.holds.extend(ANN, STACK, NOON)
    with pytest.raises(Refused, match="without an end"):
        await stage.holds.extend(ANN, DB, NOON)


async def test_whoever_lost_the_role_extends_nothing(stage: Holding) -> None:
    await stage.record.hold([stage.orphan()])

    with pytest.raises(Refused, match="no writer of vault"):
        await stage.holds.extend(RITA, VAULT, NOON)


async def test_a_button_of_a_hold_that_is_over_says_what_is_the_case(
    stage: Holding,
) -> None:
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)
    await stage.holds.release(ANN, [STACK])
    for button in (stage.holds.extend, stage.holds.keep, stage.holds.let_go):
        with pytest.raises(Refused, match=r"is over\. Nobody holds net-prod"):
            await button(ANN, STACK, NOON)
    stage.passes(minutes=20)
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)
    for button in (stage.holds.extend, stage.holds.keep, stage.holds.let_go):
        with pytest.raises(Refused, match=r"is over\. You hold net-prod, .* 12:20"):
            await button(ANN, STACK, NOON)
    await stage.holds.steal(DORA, STACK, "incident")
    for button in (stage.holds.extend, stage.holds.keep, stage.holds.let_go):
        with pytest.raises(Refused, match=r"is over\. dora has held") as caught:
            await button(ANN, STACK, NOON)
        assert caught.value.reason is Refusal.TOO_LATE
    with pytest.raises(Refused, match=r"is over\. Nothing is frozen"):
        await stage.holds.keep(ADA, EVERY, NOON)


async def test_a_hold_is_kept_or_let_go_by_its_holder_alone(stage: Holding) -> None:
    (hold,) = await stage.holds.take(ANN, [STACK])

    assert await stage.holds.keep(ANN, STACK, NOON) == hold
    with pytest.raises(Refused, match="ann has held net-prod"):
        await stage.holds.let_go(BOB, STACK, NOON)
    assert await stage.holds.let_go(ANN, STACK, NOON) == hold

    assert await stage.held() == {}


async def test_an_extension_that_came_second_says_what_is_the_case(
    stage: Holding,
) -> None:
    (hold,) = await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)
    stage.record.first = lambda: stage.record.steal(hold, stage.taken_over())

    with pytest.raises(Refused, match=r"is over\. ada has held net-prod"):
        await stage.holds.extend(ANN, STACK, NOON)


async def test_what_was_given_back_a_moment_ago_is_not_taken_again(
    stage: Holding,
) -> None:
    (hold,) = await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)

    async def given_back() -> None:
        await stage.holds.let_go(ANN, STACK, hold.since)

    for button in (stage.holds.extend, stage.holds.keep):
        stage.record.first = given_back
        with pytest.raises(Refused, match=r"is over\. Nobody holds net-prod"):
            await button(ANN, STACK, hold.since)
        assert await stage.held() == {}
        stage.passes(minutes=1)
        (hold,) = await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)


async def test_what_is_kept_is_asked_about_a_day_later(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK])
    stage.passes(hours=47)
    await stage.watch.see_to_ends()
    await stage.noticed()

    await stage.holds.keep(ANN, STACK, NOON)
    asked = []
    for hours in (23, 1):
        stage.passes(hours=hours)
        await stage.watch.see_to_ends()
        asked.append(await stage.noticed())

    assert asked == [[], ["U0ANN still_needed"]]


async def test_who_asked_is_told_when_the_stack_is_free(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK])

    assert await stage.holds.notify(BOB, STACK)
    before = await stage.noticed()
    await stage.holds.release(ANN, [STACK])

    assert before == []
    assert await stage.noticed() == ["U0BOB free"]


async def test_who_asks_for_a_free_stack_hears_that_it_is(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK])
    await stage.holds.freeze(ADA)

    assert not await stage.holds.notify(AMY, DB)  # no freeze keeps an admin of all
    assert await stage.holds.notify(BOB, DB)
    await stage.holds.unfreeze(ADA)
    assert not await stage.holds.notify(ANN, STACK)
    with pytest.raises(Refused, match="no writer of net-prod"):
        await stage.holds.notify(RITA, STACK)


async def test_a_stack_for_which_runs_wait_is_not_free(stage: Holding) -> None:
    await stage.record.submit(a_new_run(), NOON)

    assert await stage.holds.notify(BOB, STACK)


async def test_each_button_says_what_it_did(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)

    shown = [
        await stage.notices(pressed("extend", ON_NET_PROD, key="1")),
        await stage.notices(pressed("keep_hold", ON_NET_PROD, key="2")),
        await stage.notices(pressed("notify", STACK, by="U0BOB", key="3")),
        await stage.notices(pressed("release_hold", ON_NET_PROD, key="4")),
        await stage.notices(pressed("notify", STACK, by="U0BOB", key="5")),
    ]

    until = "You hold net-prod, since 2026-11-20 12:00 UTC, until 2026-11-20 15:00 UTC."
    assert shown == [
        until,
        until,
        "You will get a direct message when net-prod is free for you.",
        "You released net-prod.",
        "net-prod is free now: send your command.",
    ]


async def test_a_button_delivered_twice_counts_once(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)

    first = await stage.notices(pressed("extend", ON_NET_PROD))
    second = await stage.notices(pressed("extend", ON_NET_PROD))

    assert first is not None
    assert second is None
    assert (await stage.held())[STACK].until == later(3 * 3600)


async def test_what_a_button_was_refused_has_an_audit_row(stage: Holding) -> None:
    with pytest.raises(Refused, match="Nobody holds net-prod"):
        await stage.notices(pressed("extend", ON_NET_PROD))

    (deed,) = await stage.refusals()
    assert (deed.verb, deed.stack, deed.actor.id) == (Verb.REFUSED, STACK, "U0ANN")
    assert deed.detail == "too_late: extend"


@pytest.mark.parametrize(
    ("action", "value"),
    [("extend", "net-prod"), ("keep_hold", "|"), ("explode", ON_NET_PROD)],
)
async def test_a_button_that_nobody_knows_does_nothing(
    stage: Holding, action: str, value: str
) -> None:
    with pytest.raises(Refused, match="another version") as caught:
        await stage.notices(pressed(action, value))

    assert caught.value.reason is Refusal.BAD_COMMAND
    assert len(await stage.refusals()) == 1


async def test_a_guest_presses_nothing(stage: Holding) -> None:
    stage.people.standing["U0ANN"] = Standing.GUEST

    with pytest.raises(Refused, match="Guests cannot"):
        await stage.notices(pressed("notify", STACK))
    with pytest.raises(Refused, match="Only members of the workspace"):
        await stage.notices(
            Pressed(
                key=DeliveryKey("2"),
                action="notify",
                value=STACK,
                user=UserId("U0BOB"),
                team=TeamId("T0ELSE"),
            )
        )


async def test_who_cannot_be_asked_for_presses_nothing(stage: Holding) -> None:
    stage.people.away = True

    with pytest.raises(Refused, match="Nothing was done") as caught:
        await stage.notices(pressed("notify", STACK))

    assert caught.value.reason is Refusal.UNAVAILABLE
    assert [deed.detail for deed in await stage.refusals()] == ["unavailable: notify"]


async def test_a_press_that_was_overtaken_changes_nothing(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)
    (before,) = (await stage.held()).values()
    await stage.words.note(ANN, [STACK], "1700000002.000000")

    for action in ("extend", "release_hold"):
        late = pressed(action, ON_NET_PROD, key=action)
        with pytest.raises(Refused, match="something newer about that lock"):
            await stage.notices(replace(late, ts="1700000001.000000"))

    assert await stage.held() == {STACK: before}
    refused = [deed.detail for deed in await stage.refusals()]
    assert refused == ["stale: extend", "stale: release_hold"]
