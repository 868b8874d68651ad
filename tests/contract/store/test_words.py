"""What people said in threads: its order, and in which threads it is read."""

from collections.abc import Awaitable, Callable, Sequence

import pytest
from sqlalchemy import select, update

from bot.domain.audit import Deed, Verb
from bot.domain.errors import LateWord
from bot.domain.lock import EVERY
from bot.domain.people import HANDRAIL, ChannelId
from bot.domain.run import Reason, Run, RunState, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import Notice, NoticeKind, Said
from bot.domain.words import ALL_MINE
from bot.ports import Ended
from bot.ports.words import OpenThread
from bot.store.notices import notify
from bot.store.tables import threads
from bot.store.words import SqlWords
from tests.contract.store.opened import UNPROVEN, Store
from tests.support.builders import (
    CHANNEL,
    NOON,
    STACK,
    a_hold,
    a_new_run,
    an_actor,
    later,
)

ANN, BOB = an_actor("ann"), an_actor("bob")
DB = StackName("db-prod")
EARLY, LATE, LATEST = (f"{NOON.timestamp() + n:.6f}" for n in (1, 2, 3))
A_DAY = 86_400


@pytest.fixture
def words(store: Store) -> SqlWords:
    return SqlWords(store.database)


async def test_a_lock_that_comes_after_a_newer_unlock_is_void(
    store: Store, words: SqlWords
) -> None:
    await words.note(ANN, [STACK], LATE)

    with pytest.raises(LateWord):
        await words.note(ANN, [STACK], EARLY)
    with pytest.raises(LateWord):
        await store.record.hold([a_hold()], EARLY)

    assert await store.archive.holds() == ()


async def test_the_newest_word_counts_and_may_come_again(
    store: Store, words: SqlWords
) -> None:
    await words.note(ANN, [STACK], EARLY)
    await words.note(ANN, [STACK], LATE)

    await words.note(ANN, [STACK], LATE)

    assert (await store.record.hold([a_hold()], LATE)).taken


@pytest.mark.parametrize(
    "verb",
    [
        lambda store: store.record.hold([a_hold(reason="x")], EARLY),
        lambda store: store.record.extend(a_hold(), later(60), later(9), EARLY),
        lambda store: store.record.release_holds(
            [a_hold()], ANN, "", later(9), None, EARLY
        ),
        lambda store: store.record.steal(a_hold(), a_hold(reason="mine"), EARLY),
    ],
    ids=["hold", "extend", "release", "steal"],
)
async def test_no_word_that_was_overtaken_changes_a_hold(
    store: Store, words: SqlWords, verb: Callable[[Store], Awaitable[object]]
) -> None:
    await store.record.hold([a_hold()])
    await words.note(ANN, [STACK], LATE)

    with pytest.raises(LateWord):
        await verb(store)

    assert await store.archive.holds() == (a_hold(),)


async def test_a_freeze_is_overtaken_by_words_on_the_freeze_alone(
    store: Store, words: SqlWords
) -> None:
    await words.note(ANN, [STACK, ALL_MINE], LATEST)
    await words.note(ANN, [EVERY], EARLY)
    assert (await store.record.freeze(a_hold(stack=EVERY), EARLY)).taken

    await words.note(ANN, [EVERY], LATE)

    with pytest.raises(LateWord):
        await store.record.freeze(a_hold(stack=EVERY, reason="x"), EARLY)


async def test_words_of_others_and_on_other_stacks_overtake_nothing(
    store: Store, words: SqlWords
) -> None:
    await words.note(BOB, [STACK], LATE)
    await words.note(ANN, [DB], LATE)

    await words.note(ANN, [STACK], EARLY)

    assert (await store.record.hold([a_hold()], EARLY)).taken


async def test_unlock_all_mine_overtakes_a_lock_of_any_stack(
    store: Store, words: SqlWords
) -> None:
    await words.note(ANN, [ALL_MINE], LATE)

    with pytest.raises(LateWord):
        await store.record.hold([a_hold()], EARLY)


async def test_one_overtaken_stack_voids_the_word_on_all(
    store: Store, words: SqlWords
) -> None:
    await words.note(ANN, [DB], LATE)

    with pytest.raises(LateWord):
        await words.note(ANN, [STACK, DB], EARLY)

    await words.note(ANN, [STACK], EARLY)


async def test_what_has_no_timestamp_is_in_no_order(
    store: Store, words: SqlWords
) -> None:
    await words.note(ANN, [STACK], LATE)

    await words.note(ANN, [STACK], "")

    assert (await store.record.hold([a_hold()])).taken


async def test_to_ask_again_is_told_with_its_audit_row(
    store: Store, words: SqlWords
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    await store.told()
    deed = Deed(verb=Verb.ASKED_AGAIN, actor=ANN, at=NOON, stack=STACK, detail="unlock")
    question = Said(text="Still?", to=ANN)

    await words.ask_again(card.id, question, deed)

    assert await store.told() == [question]
    assert (await store.deeds())[-1] == deed


async def posted(store: Store, thread: ThreadId, ts: str) -> None:
    async with store.database.write("post") as db:
        await db.execute(update(threads).where(threads.c.id == thread).values(ts=ts))


async def a_run_in_a_thread(
    store: Store, stack: str = STACK, ended: Ended | None = None, after: float = 0
) -> Run:
    run = await store.record.submit(a_new_run(stack=stack), NOON)
    await posted(store, run.thread, f"{NOON.timestamp() + run.id:.6f}")
    if ended is not None:
        await store.record.promote(NOON)
        await store.record.start(run.id, NOON)
        await store.record.end(run.id, ended, later(after))
    return run


def ids(found: Sequence[OpenThread]) -> list[ThreadId]:
    return [thread.id for thread in found]


async def test_threads_of_runs_are_read_until_a_day_after_their_end(
    store: Store, words: SqlWords
) -> None:
    lost = Ended(state=RunState.FAILED, actor=HANDRAIL, reason=Reason.LOST)
    ended = await a_run_in_a_thread(store, "a", lost, after=10)
    old = await a_run_in_a_thread(store, "b", lost, after=0)
    waiting = await a_run_in_a_thread(store, "c")

    found = await words.open_threads(later(A_DAY + 5))

    assert ids(found) == [waiting.thread, ended.thread]
    assert old.thread not in ids(found)


async def test_a_thread_is_read_as_long_as_its_run_keeps_the_stack_busy(
    store: Store, words: SqlWords
) -> None:
    run = await a_run_in_a_thread(store, "a", UNPROVEN)

    assert ids(await words.open_threads(later(9 * A_DAY))) == [run.thread]


async def test_threads_with_a_hold_are_read_and_cards_for_a_day(
    store: Store, words: SqlWords
) -> None:
    held, card = [await store.record.open_card(STACK, CHANNEL) for _ in range(2)]
    for thread in (held, card):
        await posted(store, thread.id, f"{NOON.timestamp() + thread.id:.6f}")
    await store.record.hold([a_hold(thread=held.id)])

    soon = await words.open_threads(later(60))
    much_later = await words.open_threads(later(2 * A_DAY))

    assert ids(soon) == [card.id, held.id]
    assert ids(much_later) == [held.id]


async def test_what_is_not_in_a_channel_is_not_read(
    store: Store, words: SqlWords
) -> None:
    await store.record.submit(a_new_run(), NOON)
    notice = Notice(kind=NoticeKind.FREE, stack=STACK)
    async with store.database.write("notify") as db:
        await notify(db, ANN, notice)
        place = {"ts": f"{NOON.timestamp():.6f}", "posted_in": "D0ANN"}
        of_notice = threads.c.channel == ANN.id
        await db.execute(update(threads).where(of_notice).values(place))

    assert await words.open_threads(later(60)) == ()


async def test_a_thread_is_read_wherever_it_is_told(
    store: Store, words: SqlWords
) -> None:
    run = await a_run_in_a_thread(store)
    elsewhere = {"fallback": "C0OTHER", "fallback_ts": "7.000001"}
    async with store.database.write("move") as db:
        await db.execute(update(threads).values(elsewhere))

    (found,) = await words.open_threads(later(60))

    own = (CHANNEL, f"{NOON.timestamp() + run.id:.6f}")
    assert found.places == (own, (ChannelId("C0OTHER"), "7.000001"))


async def test_what_was_read_is_never_less_than_before(
    store: Store, words: SqlWords
) -> None:
    run = await a_run_in_a_thread(store)
    (before,) = await words.open_threads(NOON)

    await words.note_read(run.thread, LATE)
    await words.note_read(run.thread, EARLY)

    (found,) = await words.open_threads(NOON)
    assert (before.seen_ts, found.seen_ts) == ("", LATE)


async def test_a_delivery_does_not_say_what_was_read(
    store: Store, words: SqlWords
) -> None:
    run = await a_run_in_a_thread(store)
    await words.note_read(run.thread, LATE)

    await store.told()

    async with store.database.read("look") as db:
        seen = await db.execute(select(threads.c.seen_ts))
    assert seen.scalar() == LATE
