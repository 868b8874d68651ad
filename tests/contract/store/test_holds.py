"""What the record promises of holds: one transaction, audit row and line per verb."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.audit import Verb
from bot.domain.lock import EVERY, Hold
from bot.domain.people import HANDRAIL, Actor, ActorKind, UserId, api_actor
from bot.domain.run import Run, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import (
    Card,
    Expired,
    Header,
    Held,
    Notice,
    NoticeKind,
    Released,
    Stolen,
    Telling,
    Waiting,
)
from bot.ports import HoldAnswer
from tests.contract.store.opened import FINISHED, Store
from tests.support.builders import CHANNEL, STACK, a_hold, a_new_run, an_actor, later

ANN, BOB, ADA = an_actor("ann"), an_actor("bob"), an_actor("ada")
DB = StackName("db-prod")
TEN_MINUTES, A_DAY = timedelta(minutes=10), timedelta(hours=24)


async def a_card(store: Store, stack: StackName = STACK) -> ThreadId:
    card = await store.record.open_card(stack, CHANNEL)
    await store.told()
    return card.id


async def told_to(store: Store) -> dict[str, list[Telling]]:
    """Deliver every letter, and return what each channel was told, in order."""
    told: dict[str, list[Telling]] = {}
    while letters := await store.outbox.due(later(10**7)):
        for letter in letters:
            told.setdefault(letter.thread.channel, []).append(letter.telling)
            await store.outbox.delivered(letter, f"{letter.id}.5")
    return told


async def release(
    store: Store, *held: Hold, by: Actor = ANN, reason: str = "", at: datetime
) -> bool:
    return await store.record.release_holds(held, by, reason, at, None)


async def in_force(store: Store) -> dict[str, str]:
    return {hold.stack: hold.actor.name for hold in await store.archive.holds()}


async def test_a_hold_on_a_free_stack_is_taken_and_told(store: Store) -> None:
    wanted = replace(a_hold(reason="migration"), thread=await a_card(store))

    answer = await store.record.hold([wanted])

    (deed,) = await store.deeds()
    assert answer == HoldAnswer(taken=True, holds=(wanted,))
    assert (await store.archive.occupancy(STACK)).hold == wanted
    assert (deed.verb, deed.actor, deed.at, deed.stack, deed.detail) == (
        Verb.HELD,
        ANN,
        wanted.since,
        STACK,
        "migration",
    )
    assert await store.told() == [Held(holds=(wanted,)), Card(stack=STACK)]


async def test_a_hold_with_an_end_says_it_in_the_audit(store: Store) -> None:
    wanted = replace(a_hold(reason="migration"), until=later(7200))

    await store.record.hold([wanted])

    assert (await store.archive.occupancy(STACK)).hold == wanted
    assert (await store.deeds())[-1].detail == "until 2026-11-20 14:00 UTC: migration"


async def test_a_hold_in_a_runs_thread_refreshes_its_header(store: Store) -> None:
    run = await store.finished()
    await store.told()
    wanted = replace(a_hold(), thread=run.thread)

    await store.record.hold([wanted])

    assert await store.told() == [Held(holds=(wanted,)), Header(run=run.id)]


async def test_a_hold_is_told_where_the_stacks_runs_are_told(store: Store) -> None:
    performing = await store.run_in(RunState.PERFORMING)
    waiting = await store.record.submit(a_new_run(by="bob"), later(8))
    await store.record.submit(a_new_run(stack=DB), later(8))
    card = await a_card(store)

    await store.record.hold([replace(a_hold(), thread=card)])

    told = await store.told()
    assert set(told[1:]) == {
        Card(stack=STACK),
        Header(run=performing.id),
        Header(run=waiting.id),
        Waiting(run=waiting.id),
    }
    assert len(told) == 5


async def test_holds_on_several_stacks_are_one_deed_and_one_line(store: Store) -> None:
    card = await a_card(store)
    wanted = [replace(a_hold(stack=name), thread=card) for name in ("net-prod", DB)]

    answer = await store.record.hold(wanted)

    (deed,) = await store.deeds()
    holds = (wanted[1], wanted[0])
    assert answer == HoldAnswer(taken=True, holds=holds)
    assert deed.stack == "db-prod, net-prod"
    assert await store.told() == [Held(holds=holds), Card(stack=STACK)]


async def test_holds_on_several_stacks_are_taken_all_or_none(store: Store) -> None:
    theirs = a_hold(stack="b", by="bob")
    await store.record.hold([theirs])
    deeds = await store.deeds()

    answer = await store.record.hold([a_hold(stack=name) for name in "abc"])

    assert answer == HoldAnswer(taken=False, holds=(theirs,))
    assert await in_force(store) == {"b": "bob"}
    assert await store.deeds() == deeds
    assert await store.told() == []


async def test_a_second_hold_of_its_holder_renews_the_first(store: Store) -> None:
    card = await a_card(store)
    first = replace(a_hold(reason="mine"), thread=card, until=later(60))
    await store.record.hold([first])
    again = a_hold(reason="longer", since=later(9))

    answer = await store.record.hold([again, a_hold(stack=DB, since=later(9))])

    renewed = replace(first, reason="longer", until=None)
    assert renewed in answer.holds
    assert (await store.archive.occupancy(STACK)).hold == renewed
    assert [(deed.verb, deed.at) for deed in await store.deeds()] == [
        (Verb.HELD, later(0)),
        (Verb.HELD, later(9)),
    ]


async def test_another_persons_hold_is_left_as_it_is(store: Store) -> None:
    theirs = a_hold(by="bob", reason="mine")
    await store.record.hold([theirs])

    answer = await store.record.hold([a_hold(since=later(9))])

    assert answer == HoldAnswer(taken=False, holds=(theirs,))
    assert (await store.archive.occupancy(STACK)).hold == theirs


async def test_a_stack_can_be_held_while_another_persons_run_performs(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING, a_new_run(by="bob"))

    await store.record.hold([a_hold(by="ann")])

    occupancy = await store.archive.occupancy(STACK)
    assert occupancy.hold == a_hold(by="ann")
    assert occupancy.claim is not None
    assert occupancy.claim.run == run.id


async def test_a_hold_keeps_the_runs_of_others_queued(store: Store) -> None:
    theirs = await store.record.submit(a_new_run(by="bob"), later(0))
    own = await store.record.submit(a_new_run(by="ann"), later(1))
    await store.record.hold([a_hold(by="ann")])

    ready = await store.record.promote(later(2))

    assert [run.id for run in ready] == [own.id]
    assert [run.id for run in await store.archive.queue(STACK)] == [theirs.id]


async def test_a_hold_that_comes_before_the_start_queues_a_ready_run_again(
    store: Store,
) -> None:
    ready = await store.run_in(RunState.READY, a_new_run(by="bob"))
    await store.record.hold([a_hold(by="ann")])

    started = await store.record.start(ready.id, later(5))

    assert started is None
    queued = await store.archive.run(ready.id)
    assert (queued.state, queued.started_at) == (RunState.QUEUED, None)
    assert (await store.archive.occupancy(STACK)).claim is None


async def test_a_hold_survives_runs_and_restarts(url: str) -> None:
    async with Store.open(url) as store:
        await store.record.hold([a_hold()])
        await store.finished()

    async with Store.open(url) as store:
        assert (await store.archive.occupancy(STACK)).hold == a_hold()


async def test_a_freeze_keeps_everybodys_runs_queued_but_the_admins(
    store: Store,
) -> None:
    for stack in ("a", "b"):
        await store.record.submit(a_new_run(stack=stack, by="bob"), later(0))
    above = await store.record.submit(a_new_run(stack="c", by="ada"), later(1))
    frozen = a_hold(stack=EVERY, by="ann", reason="incident")

    answer = await store.record.freeze(frozen)

    deed = (await store.deeds())[-1]
    assert answer == HoldAnswer(taken=True, holds=(frozen,))
    assert [run.id for run in await store.record.promote(later(2))] == [above.id]
    assert (await store.archive.occupancy(STACK)).freeze == frozen
    assert (deed.verb, deed.stack, deed.detail) == (Verb.FROZEN, EVERY, "incident")


async def test_a_freeze_is_told_to_every_run_that_waits(store: Store) -> None:
    queued = [
        await store.record.submit(a_new_run(stack=stack), later(0)) for stack in "ab"
    ]
    card = await a_card(store)

    await store.record.freeze(replace(a_hold(stack=EVERY), thread=card))

    told = await store.told()
    assert {Waiting(run=run.id) for run in queued} < set(told)


async def test_a_freeze_leaves_holds_in_force(store: Store) -> None:
    await store.record.hold([a_hold(by="bob")])

    answer = await store.record.freeze(a_hold(stack=EVERY))

    assert answer.taken
    assert await in_force(store) == {EVERY: "ann", STACK: "bob"}


async def test_a_stack_can_be_held_during_another_persons_freeze(store: Store) -> None:
    await store.record.freeze(a_hold(stack=EVERY))

    answer = await store.record.hold([a_hold(by="bob")])

    assert answer.taken


async def test_there_is_one_freeze_at_a_time(store: Store) -> None:
    frozen = a_hold(stack=EVERY)
    await store.record.freeze(frozen)

    answer = await store.record.freeze(a_hold(stack=EVERY, by="ada"))

    assert answer == HoldAnswer(taken=False, holds=(frozen,))


async def test_a_released_hold_is_told_where_it_was_taken(store: Store) -> None:
    run = await store.record.submit(a_new_run(by="bob"), later(0))
    hold = replace(a_hold(by="ann"), thread=await a_card(store))
    await store.record.hold([hold])
    await store.told()

    released = await release(store, hold, reason="done", at=later(5))

    deed = (await store.deeds())[-1]
    assert released
    assert (deed.verb, deed.actor, deed.detail) == (Verb.RELEASED, ANN, "done")
    told = await store.told()
    assert told[0] == Released(holds=(hold,), actor=ANN, reason="done")
    assert set(told[1:]) == {
        Card(stack=STACK),
        Header(run=run.id),
        Waiting(run=run.id),
    }
    assert len(await store.record.promote(later(6))) == 1


async def test_a_release_in_another_thread_is_told_there_once(store: Store) -> None:
    card, other = await a_card(store), await a_card(store, DB)
    hold = replace(a_hold(), thread=card)
    await store.record.hold([hold])
    await store.told()

    await store.record.release_holds([hold], ANN, "", later(5), other)

    told = await store.told()
    assert [kind for kind in told if isinstance(kind, Released)] == told[:1]
    assert set(told[1:]) == {Card(stack=STACK), Card(stack=DB)}


async def test_who_releases_anothers_hold_is_audited_and_the_holder_told(
    store: Store,
) -> None:
    hold = replace(a_hold(by="ann"), thread=await a_card(store))
    await store.record.hold([hold])
    await told_to(store)

    await release(store, hold, by=ADA, reason="left", at=later(5))

    deed = (await store.deeds())[-1]
    assert (deed.actor, deed.detail) == (ADA, "the hold of U0ANN: left")
    assert (await told_to(store))[ANN.id] == [
        Notice(
            kind=NoticeKind.RELEASED, stack=STACK, hold=hold, actor=ADA, reason="left"
        )
    ]


@pytest.mark.parametrize(
    "other", [a_hold(by="bob"), a_hold(since=later(1)), a_hold(stack="db-prod")]
)
async def test_another_hold_than_the_one_in_force_is_not_released(
    store: Store, other: Hold
) -> None:
    await store.record.hold([a_hold(), a_hold(stack="third")])
    deeds = await store.deeds()

    released = await release(store, a_hold(stack="third"), other, at=later(5))

    assert not released
    assert await in_force(store) == {STACK: "ann", "third": "ann"}
    assert await store.deeds() == deeds
    assert await store.told() == []


async def test_holds_on_several_stacks_are_released_as_one_deed(store: Store) -> None:
    holds = [a_hold(stack=stack) for stack in "ba"]
    await store.record.hold(holds)

    await release(store, *holds, at=later(5))

    assert (await store.deeds())[-1].stack == "a, b"
    assert await in_force(store) == {}


async def test_a_stolen_hold_is_told_in_the_thread_and_to_who_lost_it(
    store: Store,
) -> None:
    held = replace(a_hold(by="bob"), thread=await a_card(store))
    await store.record.hold([held])
    await told_to(store)
    wanted = replace(
        a_hold(by="ada", reason="on fire", since=later(5)), thread=held.thread
    )

    stolen = await store.record.steal(held, wanted)

    deed = (await store.deeds())[-1]
    assert stolen
    assert (await store.archive.occupancy(STACK)).hold == wanted
    assert (deed.verb, deed.actor, deed.stack, deed.detail) == (
        Verb.STOLEN,
        ADA,
        STACK,
        "the hold of U0BOB: on fire",
    )
    told = await told_to(store)
    assert told[CHANNEL] == [Stolen(held=held, wanted=wanted), Card(stack=STACK)]
    assert told[BOB.id] == [
        Notice(
            kind=NoticeKind.STOLEN, stack=STACK, hold=held, actor=ADA, reason="on fire"
        )
    ]


@pytest.mark.parametrize(
    "seen", [a_hold(by="bob"), a_hold(since=later(1)), a_hold(stack="db-prod")]
)
async def test_only_exactly_the_hold_that_was_seen_is_stolen(
    store: Store, seen: Hold
) -> None:
    await store.record.hold([a_hold()])
    wanted = a_hold(stack=seen.stack, by="ada", since=later(5))

    assert not await store.record.steal(seen, wanted)
    assert await in_force(store) == {STACK: "ann"}
    assert len(await store.deeds()) == 1


async def test_what_has_come_to_its_end_expires_where_it_was_taken(
    store: Store,
) -> None:
    run = await store.record.submit(a_new_run(by="bob"), later(0))
    card = await a_card(store)
    ends = replace(a_hold(), until=later(60), thread=card)
    await store.record.hold([ends, a_hold(stack="b")])
    await store.record.hold([replace(a_hold(stack="c"), until=later(61))])
    await store.told()

    early, over = [await store.record.expire(later(at)) for at in (59, 60)]

    deed = (await store.deeds())[-1]
    assert (early, over) == ((), (ends,))
    assert await in_force(store) == {"b": "ann", "c": "ann"}
    assert (deed.verb, deed.actor, deed.at, deed.stack, deed.detail) == (
        Verb.EXPIRED,
        HANDRAIL,
        later(60),
        STACK,
        "the hold of U0ANN",
    )
    told = await store.told()
    assert told[0] == Expired(hold=ends)
    assert Waiting(run=run.id) in told


async def test_a_hold_whose_end_is_past_is_in_force_until_it_expires(
    store: Store,
) -> None:
    await store.record.submit(a_new_run(by="bob"), later(0))
    await store.record.hold([replace(a_hold(), until=later(60))])

    assert await store.record.promote(later(100)) == ()
    await store.record.expire(later(100))
    assert len(await store.record.promote(later(100))) == 1


async def test_a_holder_is_reminded_once_before_the_end(store: Store) -> None:
    hold = replace(a_hold(), until=later(3600), thread=await a_card(store))
    await store.record.hold([hold])
    await told_to(store)
    ten_before = later(3000)

    reminded = [
        await store.record.remind(at, before=TEN_MINUTES)
        for at in (ten_before - timedelta(seconds=1), ten_before, later(3300))
    ]

    assert reminded == [0, 1, 0]
    assert await told_to(store) == {
        ANN.id: [Notice(kind=NoticeKind.ENDS_SOON, stack=STACK, hold=hold)]
    }


async def test_an_extended_hold_is_reminded_of_its_new_end(store: Store) -> None:
    hold = replace(a_hold(), until=later(3600))
    await store.record.hold([hold])
    await store.record.remind(later(3000), before=TEN_MINUTES)

    await store.record.hold([replace(hold, until=later(7200), since=later(3100))])

    reminded = [
        await store.record.remind(later(at), before=TEN_MINUTES) for at in (3200, 6600)
    ]
    assert reminded == [0, 1]


async def test_a_hold_that_is_shorter_than_the_notice_is_not_reminded(
    store: Store,
) -> None:
    await store.record.hold([replace(a_hold(), until=later(300))])

    assert await store.record.remind(later(1), before=TEN_MINUTES) == 0


async def test_who_holds_without_an_end_is_asked_each_day(store: Store) -> None:
    hold = replace(a_hold(), thread=await a_card(store))
    await store.record.hold([hold, replace(a_hold(stack=DB), thread=hold.thread)])
    await store.record.hold([replace(a_hold(stack="c"), until=later(10**6))])
    await told_to(store)

    asked = [
        await store.record.ask_holders(later(hours * 3600), after=A_DAY)
        for hours in (23, 24, 25, 48)
    ]

    assert asked == [0, 2, 0, 2]
    notices = (await told_to(store))[ANN.id]
    wanted = Notice(kind=NoticeKind.STILL_NEEDED, stack=STACK, hold=hold)
    assert notices.count(wanted) == 2


async def test_who_keeps_a_hold_is_asked_a_day_later(store: Store) -> None:
    await store.record.hold([a_hold()])
    await store.record.ask_holders(later(24 * 3600), after=A_DAY)

    await store.record.hold([a_hold(since=later(30 * 3600))])

    asked = [
        await store.record.ask_holders(later(hours * 3600), after=A_DAY)
        for hours in (48, 53, 54)
    ]
    assert asked == [0, 0, 1]


async def test_an_api_key_has_no_direct_messages(store: Store) -> None:
    key = api_actor("ci")
    ends = replace(a_hold(), actor=key, until=later(3600))
    await store.record.hold([ends])
    await store.record.hold([replace(a_hold(stack=DB), actor=key)])

    assert await store.record.remind(later(3000), before=TEN_MINUTES) == 0
    assert await store.record.ask_holders(later(10**6), after=A_DAY) == 0
    await release(store, ends, by=ADA, reason="why", at=later(3001))
    assert await told_to(store) == {}


async def test_the_admins_are_told_once_of_a_holder_who_is_gone(store: Store) -> None:
    hold = a_hold(by="bob")
    await store.record.hold([hold])
    admins = [UserId("U0ADA"), UserId("U0EVE")]

    reported = [
        await store.record.report_holder(hold, admins, later(at)) for at in (5, 6)
    ]

    notice = Notice(kind=NoticeKind.HOLDER_GONE, stack=STACK, hold=hold)
    assert reported == [True, False]
    assert await told_to(store) == {"U0ADA": [notice], "U0EVE": [notice]}


async def test_a_hold_that_is_over_is_not_reported(store: Store) -> None:
    assert not await store.record.report_holder(a_hold(), [UserId("U0ADA")], later(5))


FREE = Notice(kind=NoticeKind.FREE, stack=STACK)


async def test_who_wished_to_know_is_told_once_when_the_hold_is_released(
    store: Store,
) -> None:
    await store.record.hold([a_hold()])
    for _ in range(2):
        await store.record.notify_when_free(STACK, BOB, later(1))
    before = await told_to(store)

    await release(store, a_hold(), at=later(5))
    await store.record.hold([a_hold(since=later(6))])
    await release(store, a_hold(since=later(6)), at=later(7))

    assert before == {}
    assert await told_to(store) == {BOB.id: [FREE]}


async def test_who_wished_to_know_is_told_when_the_last_run_ends(store: Store) -> None:
    first, second = [await store.record.submit(a_new_run(), later(0)) for _ in "ab"]
    await store.record.promote(later(1))
    await store.record.notify_when_free(STACK, BOB, later(2))

    await _see_through(store, first)
    early = (await told_to(store)).get(BOB.id)
    await store.record.promote(later(5))
    await _see_through(store, second)

    assert early is None
    assert (await told_to(store))[BOB.id] == [FREE]


async def test_who_wished_to_know_is_told_when_the_hold_expires(store: Store) -> None:
    await store.record.hold([replace(a_hold(), until=later(60))])
    await store.record.notify_when_free(STACK, BOB, later(1))

    await store.record.expire(later(60))

    assert (await told_to(store))[BOB.id] == [FREE]


async def test_who_is_kept_by_another_hold_goes_on_wishing(store: Store) -> None:
    await store.record.hold([a_hold()])
    await store.record.freeze(a_hold(stack=EVERY))
    await store.record.notify_when_free(STACK, BOB, later(1))

    await release(store, a_hold(), at=later(5))
    early = await told_to(store)
    await release(store, a_hold(stack=EVERY), at=later(6))

    assert early == {}
    assert (await told_to(store))[BOB.id] == [FREE]


async def test_a_stack_that_is_free_already_is_told_at_once(store: Store) -> None:
    await store.record.notify_when_free(STACK, BOB, later(1))

    assert await told_to(store) == {BOB.id: [FREE]}


async def test_a_holder_is_a_hand_of_one_kind_and_workspace(store: Store) -> None:
    await store.record.hold([a_hold()])
    stranger = Actor(kind=ActorKind.PERSON, id=ANN.id, team="T0ELSE", name="ann")

    answer = await store.record.hold([replace(a_hold(since=later(1)), actor=stranger)])

    assert not answer.taken


async def _see_through(store: Store, run: Run) -> None:
    await store.record.start(run.id, later(2))
    for step in (RunState.INITIALIZING, RunState.PERFORMING):
        await store.record.advance(run.id, step, later(3))
    await store.record.end(run.id, FINISHED, later(4))


async def test_who_wishes_to_know_is_in_the_audit(store: Store) -> None:
    await store.record.hold([a_hold(by="ann")])

    await store.record.notify_when_free(STACK, BOB, later(1))

    deed = (await store.deeds())[-1]
    assert (deed.verb, deed.actor, deed.stack) == (Verb.NOTIFY_ASKED, BOB, STACK)
