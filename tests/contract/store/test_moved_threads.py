"""Threads that go on elsewhere, and letters that go out of turn."""

from bot.domain.audit import Verb
from bot.domain.people import ChannelId, UserId
from bot.domain.run import Reason, Run, RunState
from bot.domain.telling import (
    Card,
    Echo,
    Final,
    Header,
    Move,
    Notice,
    NoticeKind,
    Said,
    Tail,
)
from bot.ports import Ended, Letter, Moved, Shown
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import Store
from tests.support.builders import CHANNEL, STACK, a_new_run, an_actor, later

ELSEWHERE = ChannelId("C0RECORDS")
ADA, EVA = UserId("U0ADA"), UserId("U0EVA")


async def only(store: Store) -> Letter:
    (letter,) = await store.outbox.due(later(0))
    return letter


async def posted(store: Store) -> Run:
    """Return a run whose thread begins in its channel with the message 1.1."""
    run = await store.record.submit(a_new_run(), later(0))
    await store.outbox.delivered(await only(store), "1.1", CHANNEL)
    return run


async def moved(store: Store, *admins: UserId) -> tuple[Run, Letter]:
    """Return a run whose echo was refused in its channel, and the next letter."""
    run = await posted(store)
    echo = await only(store)
    await store.outbox.move(echo, ELSEWHERE, "is_archived", admins=admins)
    return run, (await store.outbox.due(later(0)))[0]


async def test_a_thread_that_moves_begins_with_a_first_message(store: Store) -> None:
    run, first = await moved(store)
    await store.outbox.delivered(first, "7.7", ELSEWHERE)

    echo = await only(store)

    assert first.telling == Header(run=run.id)
    assert (first.thread.channel, first.thread.ts) == (ELSEWHERE, None)
    assert first.message_ts is None
    assert first.moved == Moved(channel=CHANNEL, why="is_archived", tried=1)
    assert (echo.telling, echo.attempts) == (Echo(run=run.id), 1)
    assert (echo.thread.channel, echo.thread.ts) == (ELSEWHERE, "7.7")


async def test_a_moved_thread_is_found_by_both_its_first_messages(
    store: Store,
) -> None:
    run, first = await moved(store)
    before = await store.archive.thread(run.thread)
    await store.outbox.delivered(first, "7.7", ChannelId("D0ADA"))

    after = await store.archive.thread(run.thread)

    assert (before.channel, before.ts) == (CHANNEL, "1.1")
    assert (after.channel, after.ts) == ("D0ADA", "7.7")
    assert await store.archive.thread_at(CHANNEL, "1.1") == after
    assert await store.archive.thread_at(ChannelId("D0ADA"), "7.7") == after
    assert await store.archive.thread_at(ELSEWHERE, "1.1") is None


async def test_what_is_told_in_place_is_changed_where_the_thread_goes_on(
    store: Store,
) -> None:
    run = await posted(store)
    await store.outbox.delivered(await only(store), "1.2")
    await store.record.tell(run.thread, [Tail(run=run.id)])
    await store.outbox.delivered(await only(store), "1.3")
    await store.record.tell(run.thread, [Said(text="x")])
    said = await only(store)
    await store.outbox.move(said, ELSEWHERE, "is_archived", admins=())
    await store.outbox.delivered(await only(store), "7.7", ELSEWHERE)
    await store.outbox.delivered(await only(store), "7.8", ELSEWHERE)

    places = []
    for telling in (Header(run=run.id), Tail(run=run.id), Tail(run=run.id)):
        await store.record.tell(run.thread, [telling])
        letter = await only(store)
        places.append((letter.thread.channel, letter.message_ts))
        await store.outbox.delivered(letter, letter.message_ts or "7.9", ELSEWHERE)

    assert places == [(ELSEWHERE, "7.7"), (ELSEWHERE, None), (ELSEWHERE, "7.9")]


async def test_every_admin_is_told_once_of_a_thread_that_moves(store: Store) -> None:
    run, _ = await moved(store, ADA, EVA)

    letters = await store.outbox.due(later(0))

    move = Move(run=run.id, left=CHANNEL, to=ELSEWHERE, why="is_archived")
    told = [(str(a.thread.channel), a.telling) for a in letters if a.thread.run is None]
    notice = Notice(kind=NoticeKind.MOVED, stack=STACK, move=move)
    assert told == [(str(ADA), notice), (str(EVA), notice)]


async def test_no_admin_is_told_again_of_the_same_move(store: Store) -> None:
    run, first = await moved(store, ADA)
    await store.outbox.give_up(first, "is_archived", later(0), everywhere=True)

    await store.record.tell(run.thread, [Said(text="x")])
    said = next(a for a in await store.outbox.due(later(0)) if a.thread.run)
    await store.outbox.move(said, ELSEWHERE, "is_archived", admins=[ADA])

    letters = await store.outbox.due(later(0))
    assert [a.thread.channel for a in letters if a.thread.run is None] == [str(ADA)]


async def test_where_nothing_can_be_told_is_given_up_what_the_thread_moved_for(
    store: Store,
) -> None:
    _, first = await moved(store)

    await store.outbox.give_up(first, "is_archived", later(0), everywhere=True)

    assert await store.outbox.due(later(0)) == ()
    assert (await store.deeds())[-1].detail.startswith("echo, letter ")


async def test_a_tail_that_can_be_told_nowhere_is_not_on_the_record(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.told()
    await store.record.tell(run.thread, [Tail(run=run.id)])
    before = await store.deeds()

    await store.outbox.give_up(await only(store), "closed", later(0), everywhere=True)

    assert await store.outbox.due(later(0)) == ()
    assert await store.deeds() == before


async def test_a_thread_whose_first_message_was_deleted_gets_another_in_its_channel(
    store: Store,
) -> None:
    run = await posted(store)
    echo = await only(store)

    await store.outbox.move(echo, CHANNEL, "thread_not_found", admins=())
    first = await only(store)
    await store.outbox.delivered(first, "7.7", CHANNEL)

    assert first.moved == Moved(channel=CHANNEL, why="thread_not_found", tried=0)
    assert (await only(store)).thread.ts == "7.7"
    assert (await store.archive.thread(run.thread)).ts == "7.7"


async def test_a_deleted_first_message_leaves_why_a_thread_had_moved(
    store: Store,
) -> None:
    _, first = await moved(store)
    await store.outbox.delivered(first, "7.7", ELSEWHERE)

    await store.outbox.move(await only(store), ELSEWHERE, "gone", admins=())

    again = await only(store)
    assert again.moved == Moved(channel=CHANNEL, why="is_archived", tried=1)
    assert again.thread.ts is None


async def test_a_first_message_that_is_refused_is_posted_elsewhere_itself(
    store: Store,
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    first = await only(store)

    await store.outbox.move(first, ELSEWHERE, "not_in_channel", admins=())
    again = await only(store)
    await store.outbox.delivered(again, "7.7", ELSEWHERE)

    assert (again.id, again.telling) == (first.id, Card(stack=STACK))
    assert await store.outbox.due(later(0)) == ()
    assert (await store.archive.thread(card.id)).channel == ELSEWHERE


async def test_what_was_refused_everywhere_is_on_the_record(store: Store) -> None:
    run, first = await moved(store)
    await store.outbox.delivered(first, "7.7", ELSEWHERE)
    echo = await only(store)

    await store.outbox.give_up(echo, "is_archived", later(9), everywhere=True)
    await store.record.tell(run.thread, [Said(text="x")])

    deed = (await store.deeds())[-1]
    assert (deed.verb, deed.run, deed.stack) == (Verb.UNDELIVERED, run.id, STACK)
    assert deed.detail == f"echo, letter {echo.id}: is_archived"
    said = await only(store)
    assert (said.thread.channel, said.thread.ts, said.moved) == (CHANNEL, "1.1", None)


async def test_what_was_posted_before_the_thread_moved_is_redacted_there(
    store: Store,
) -> None:
    run = await posted(store)
    await store.outbox.delivered(await only(store), "1.2")
    await store.record.tell(run.thread, [Said(text="hunter22 is it"), Said(text="x")])
    shown = Shown(digest="d", replaced=None, at=later(1))
    await store.outbox.delivered(await only(store), "1.3", CHANNEL, shown=shown)
    await store.outbox.move(await only(store), ELSEWHERE, "closed", admins=())
    await store.outbox.delivered(await only(store), "7.7", ELSEWHERE)

    hide = Masks((Secret("redacted text", b"hunter22"),))
    await store.record.redact(run.id, hide, an_actor(), later(2), why="asked for")

    said = await only(store)
    assert (said.telling, said.message_ts) == (Said(text="***** is it"), "1.3")
    assert (said.thread.channel, said.thread.ts) == (CHANNEL, "1.1")


async def test_a_reply_that_took_the_place_of_the_first_message_is_changed_next(
    store: Store,
) -> None:
    run = await posted(store)
    await store.outbox.delivered(await only(store), "1.2")
    for ts in ("1.3", "1.3"):
        await store.record.tell(run.thread, [Header(run=run.id)])
        await store.outbox.delivered(await only(store), ts)

    await store.record.tell(run.thread, [Header(run=run.id)])

    header = await only(store)
    assert (header.message_ts, header.thread.ts) == ("1.3", "1.1")


async def test_an_ending_may_go_before_what_is_only_changed_in_place(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.append_output(run.id, b"x", position=1, limit=100)
    await store.told()
    await store.record.end(run.id, FAILED, later(9))

    (final,) = await store.outbox.closing(later(9))
    assert final.telling == Final(run=run.id)
    await store.outbox.delivered(final, "9.9")

    assert await store.outbox.closing(later(9)) == ()
    assert await store.told() == [Header(run=run.id), Tail(run=run.id)]


async def test_an_ending_never_goes_before_what_is_said_once(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.told()
    await store.record.end(run.id, FAILED, later(9), [Said(text="so it was")])

    assert await store.outbox.closing(later(9)) == ()

    assert await store.told() == [
        Said(text="so it was"),
        Header(run=run.id),
        Final(run=run.id),
    ]


FAILED = Ended(
    state=RunState.FAILED, actor=an_actor(), reason=Reason.EXIT_CODE, exit_code=1
)
