"""Holds end by themselves, and somebody asks after the ones that do not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.audit import Verb
from bot.domain.lock import EVERY
from bot.domain.people import Standing
from bot.domain.telling import Expired
from tests.support.builders import STACK
from tests.unit.control.holding import ADA, ANN, BOB, DB, RITA, Holding, a_holding

TWO_HOURS = timedelta(hours=2)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Holding]:
    async with a_holding(tmp_path) as holding:
        yield holding


async def test_a_hold_ends_by_itself_and_says_so(stage: Holding) -> None:
    (hold,) = await stage.holds.take(
        ANN, [STACK], duration=TWO_HOURS, thread=stage.thread
    )
    await stage.holds.take(BOB, [DB])
    woken = stage.woken

    stage.passes(hours=2)
    await stage.watch.see_to_ends()

    assert set(await stage.held()) == {DB}
    assert [told.hold for told in await stage.told(Expired)] == [hold]
    assert (await stage.verbs())[-1] is Verb.EXPIRED
    assert stage.woken == woken + 1


async def test_nobody_is_woken_while_every_hold_goes_on(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)
    woken = stage.woken

    await stage.watch.see_to_ends()

    assert stage.woken == woken


async def test_the_holder_is_reminded_ten_minutes_before_the_end_once(
    stage: Holding,
) -> None:
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)

    stage.passes(minutes=109)
    await stage.watch.see_to_ends()
    early = await stage.noticed()
    stage.passes(minutes=1)
    await stage.watch.see_to_ends()
    await stage.watch.see_to_ends()

    assert early == []
    assert await stage.noticed() == ["U0ANN ends_soon"]


async def test_an_extended_hold_is_reminded_of_its_new_end(stage: Holding) -> None:
    (hold,) = await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)
    stage.passes(minutes=115)
    await stage.watch.see_to_ends()
    await stage.holds.extend(ANN, STACK, hold.since)
    first = await stage.noticed()

    stage.passes(minutes=60)
    await stage.watch.see_to_ends()

    assert first == ["U0ANN ends_soon"]
    assert await stage.noticed() == ["U0ANN ends_soon"]


async def test_a_hold_of_a_few_minutes_needs_no_reminder(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], duration=timedelta(minutes=10))

    stage.passes(minutes=5)
    await stage.watch.see_to_ends()

    assert await stage.noticed() == []


async def test_a_hold_without_an_end_is_asked_about_every_day(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK])
    await stage.holds.take(BOB, [DB], duration=timedelta(days=9))

    asked = []
    for hours in (23, 1, 1, 23):
        stage.passes(hours=hours)
        await stage.watch.see_to_ends()
        asked.append(await stage.noticed())

    assert asked == [[], ["U0ANN still_needed"], [], ["U0ANN still_needed"]]


async def test_a_deactivated_holder_is_reported_once_to_whom_a_message_reaches(
    stage: Holding,
) -> None:
    await stage.holds.take(ANN, [STACK])
    await stage.holds.take(BOB, [DB])
    stage.people.standing["U0ANN"] = Standing.DEACTIVATED

    await stage.watch.see_to_holders()
    told = await stage.noticed()
    stage.passes(hours=1)
    await stage.watch.see_to_holders()

    assert sorted(told) == [f"U0{name} holder_gone" for name in ("ADA", "AMY", "DORA")]
    assert await stage.noticed() == []


async def test_a_deactivated_admin_is_not_told_of_their_own_freeze(
    stage: Holding,
) -> None:
    await stage.holds.freeze(ADA)
    stage.people.standing["U0ADA"] = Standing.DEACTIVATED

    await stage.watch.see_to_holders()

    assert set(await stage.held()) == {EVERY}
    assert await stage.noticed() == ["U0AMY holder_gone"]


ADMINS = [f"U0{name} holder_gone" for name in ("ADA", "AMY", "DORA")]


async def test_what_a_revoked_key_holds_is_reported_once(stage: Holding) -> None:
    ci = await stage.a_key()
    await stage.holds.take(ci, [STACK], duration=TWO_HOURS)
    await stage.watch.see_to_holders()
    before = await stage.noticed()
    await stage.keys.revoke("ci", ADA, stage.now)

    told = []
    for _ in range(2):
        stage.passes(hours=1)
        await stage.watch.see_to_holders()
        told.append(sorted(await stage.noticed()))

    assert before == []
    assert told == [ADMINS, []]


async def test_what_an_expired_key_holds_is_reported(stage: Holding) -> None:
    ci = await stage.a_key(expires_at=stage.now + timedelta(hours=1))
    await stage.holds.take(ci, [STACK], duration=TWO_HOURS)

    stage.passes(hours=1)
    await stage.watch.see_to_holders()

    assert sorted(await stage.noticed()) == ADMINS


async def test_what_a_key_holds_without_an_end_is_reported_after_a_day(
    stage: Holding,
) -> None:
    await stage.holds.take(await stage.a_key(), [STACK])

    told = []
    for hours in (23, 1, 24):
        stage.passes(hours=hours)
        await stage.watch.see_to_holders()
        told.append(sorted(await stage.noticed()))

    assert told == [[], ADMINS, []]


async def test_holders_are_asked_for_afresh_and_once_an_hour(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK, DB])
    stage.people.asked_fresh.clear()

    for _ in range(3):
        await stage.watch.see_to_holders()
        stage.passes(minutes=29)
    before = list(stage.people.asked_fresh)
    stage.passes(minutes=3)
    await stage.watch.see_to_holders()

    assert before == [True]
    assert stage.people.asked_fresh == [True, True]


async def test_a_holder_who_cannot_be_asked_for_is_asked_for_again_soon(
    stage: Holding,
) -> None:
    await stage.record.hold([stage.orphan()])
    stage.people.standing[RITA.id] = Standing.DEACTIVATED
    stage.people.away = True
    await stage.watch.see_to_holders()
    stage.people.away = False

    await stage.watch.see_to_holders()
    too_soon = await stage.noticed()
    stage.passes(minutes=1)
    await stage.watch.see_to_holders()

    assert too_soon == []
    assert sorted(await stage.noticed()) == ["U0ADA holder_gone", "U0AMY holder_gone"]


async def test_a_database_that_is_away_is_waited_for(stage: Holding) -> None:
    await stage.holds.take(ANN, [STACK], duration=TWO_HOURS)
    stage.passes(hours=3)
    stage.record.away["expire"] = 2

    await until(stage.watch.serve(every=0.001), lambda: is_free(stage))

    assert stage.record.missed.is_set()
    assert await stage.held() == {}


async def is_free(stage: Holding) -> bool:
    return not await stage.held()


async def until(
    service: Awaitable[None], reached: Callable[[], Awaitable[bool]]
) -> None:
    """Serve until something is so."""
    serving = asyncio.ensure_future(service)
    async with asyncio.timeout(10):
        while not await reached():
            assert not serving.done()
            await asyncio.sleep(0)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
