"""What the outbox promises."""

from sqlalchemy import select

from bot.domain.audit import Verb
from bot.domain.people import ChannelId
from bot.domain.run import RunState
from bot.domain.telling import (
    Card,
    Echo,
    Header,
    Notice,
    NoticeKind,
    Said,
    Tail,
    Waiting,
)
from bot.ports import Letter, Shown
from bot.store.tables import messages
from tests.contract.store.opened import Store
from tests.support.builders import CHANNEL, STACK, a_hold, a_new_run, later


async def only(store: Store, seconds: float = 0) -> Letter:
    (letter,) = await store.outbox.due(later(seconds))
    return letter


async def test_letters_of_a_thread_are_due_one_at_a_time_in_order(
    store: Store,
) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    await store.record.tell(run.thread, [Said(text="one"), Said(text="two")])

    told = []
    for _ in range(4):
        letter = await only(store)
        told.append(letter.telling)
        await store.outbox.delivered(letter, "1.1")

    assert told == [
        Header(run=run.id),
        Echo(run=run.id),
        Said(text="one"),
        Said(text="two"),
    ]
    assert await store.outbox.due(later(0)) == ()


async def test_a_letter_stays_due_until_its_fate_is_noted(store: Store) -> None:
    await store.record.submit(a_new_run(), later(0))

    assert await only(store) == await only(store)


async def test_threads_do_not_wait_for_each_other(store: Store) -> None:
    runs = [await store.record.submit(a_new_run(), later(0)) for _ in range(2)]

    first, second = await store.outbox.due(later(0))
    await store.outbox.delivered(second, "2.2")
    again, echo = await store.outbox.due(later(0))

    assert [first.telling, second.telling] == [Header(run=run.id) for run in runs]
    assert again == first
    assert echo.telling == Echo(run=runs[1].id)


async def test_a_letter_knows_its_thread(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    await store.outbox.delivered(await only(store), "1.1")

    echo = await only(store)

    assert echo.thread == await store.archive.thread(run.thread)
    assert echo.thread.ts == "1.1"


async def test_undelivered_news_told_in_place_is_told_once(store: Store) -> None:
    card = await store.record.open_card(STACK, CHANNEL)

    await store.record.tell(card.id, [Card(stack=STACK), Said(text="x")])
    await store.record.tell(card.id, [Card(stack=STACK), Said(text="x")])

    assert await store.told() == [Card(stack=STACK), Said(text="x"), Said(text="x")]


async def test_news_that_comes_while_its_letter_is_on_the_way_is_not_lost(
    store: Store,
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    on_the_way = await only(store)

    await store.record.tell(card.id, [Card(stack=STACK)])
    await store.record.tell(card.id, [Card(stack=STACK)])
    await store.outbox.delivered(on_the_way, "1.1")

    assert await store.told() == [Card(stack=STACK)]


async def test_a_first_message_gives_its_thread_a_place(store: Store) -> None:
    card = await store.record.open_card(STACK, CHANNEL)

    await store.outbox.delivered(await only(store), "1.1")

    assert (await store.archive.thread(card.id)).ts == "1.1"


async def test_the_place_of_a_thread_never_changes(store: Store) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    await store.outbox.delivered(await only(store), "1.1")
    await store.record.tell(card.id, [Card(stack=STACK)])

    await store.outbox.delivered(await only(store), "2.2")

    assert (await store.archive.thread(card.id)).ts == "1.1"


async def test_a_thread_without_a_place_is_told_its_first_message_only(
    store: Store,
) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    header = await only(store)

    for _ in range(2):
        await store.outbox.give_up(
            header, "channel_not_found", later(0), everywhere=True
        )
    await store.record.tell(run.thread, [Said(text="x")])
    assert await store.outbox.due(later(3599)) == ()
    again = await only(store, 3600)
    await store.outbox.delivered(again, "1.1")

    assert (again.id, again.telling) == (header.id, Header(run=run.id))
    assert (await only(store, 3600)).telling == Echo(run=run.id)
    assert [d.detail for d in await store.deeds() if d.verb is Verb.UNDELIVERED] == [
        f"header, letter {header.id}: channel_not_found"
    ]


async def test_a_first_message_that_is_to_be_elsewhere_is_not_given_up_either(
    store: Store,
) -> None:
    await store.record.submit(a_new_run(), later(0))
    await store.outbox.delivered(await only(store), "1.1")
    await store.outbox.move(await only(store), ChannelId("C0ELSE"), "x", admins=())
    header = await only(store)

    await store.outbox.give_up(header, "ValueError", later(0))

    assert (await only(store, 3600)).id == header.id


async def test_what_is_told_in_place_names_the_message_to_change(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    places = []
    for _ in range(2):
        await store.record.append_output(run.id, b"x", position=0, limit=100)
        await store.record.tell(run.thread, [Header(run=run.id)])
        while letters := await store.outbox.due(later(0)):
            places.append((type(letters[0].telling), letters[0].message_ts))
            await store.outbox.delivered(letters[0], f"{len(places)}.0")

    assert places == [
        (Header, None),
        (Echo, None),
        (Tail, None),
        (Tail, "3.0"),
        (Header, "1.0"),
    ]


async def test_a_tail_that_was_posted_anew_is_changed_there(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.told()
    for ts in ("5.5", "6.6"):
        await store.record.append_output(run.id, b"x", position=0, limit=100)
        await store.outbox.delivered(await only(store), ts)

    await store.record.append_output(run.id, b"x", position=0, limit=100)

    assert (await only(store)).message_ts == "6.6"


async def test_a_delivery_that_became_no_message_leaves_the_place(
    store: Store,
) -> None:
    card = await store.record.open_card(STACK, CHANNEL)

    await store.outbox.delivered(await only(store), None)

    assert (await store.archive.thread(card.id)).ts is None


async def test_a_postponed_letter_makes_its_thread_wait(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    await store.outbox.delivered(await only(store), "1.1")
    await store.record.tell(run.thread, [Header(run=run.id)])

    await store.outbox.postpone(await only(store), later(30), "ratelimited")

    assert await store.outbox.due(later(29)) == ()
    again = await only(store, 30)
    assert (again.telling, again.attempts) == (Echo(run=run.id), 1)


async def test_a_letter_counts_its_attempts(store: Store) -> None:
    await store.record.submit(a_new_run(), later(0))

    for _ in range(3):
        await store.outbox.postpone(await only(store), later(0), "timeout")

    assert (await only(store)).attempts == 3


async def test_an_outage_counts_as_one_attempt_at_most(store: Store) -> None:
    await store.record.submit(a_new_run(), later(0))

    attempts = []
    for counts in (False, False, True, False):
        await store.outbox.postpone(
            await only(store), later(0), "timeout", counts=counts
        )
        attempts.append((await only(store)).attempts)

    assert attempts == [1, 1, 2, 2]


async def test_a_letter_that_is_given_up_lets_its_thread_go_on(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    await store.outbox.delivered(await only(store), "1.1")
    await store.record.tell(run.thread, [Said(text="next")])

    await store.outbox.give_up(await only(store), "msg_too_long", later(0))

    assert await store.told() == [Said(text="next")]


async def test_letters_survive_a_restart(url: str) -> None:
    async with Store.open(url) as store:
        run = await store.record.submit(a_new_run(remarks=("naïve",)), later(0))
        await store.outbox.due(later(0))

    async with Store.open(url) as store:
        assert await store.told() == [
            Header(run=run.id),
            Echo(run=run.id, remarks=("naïve",)),
        ]


async def test_what_a_run_waits_for_is_told_in_one_message(store: Store) -> None:
    await store.record.hold([a_hold(by="bob")])
    run = await store.record.submit(a_new_run(), later(0))
    places = []
    for _ in range(3):
        await store.record.tell(run.thread, [Waiting(run=run.id)])
        while letters := await store.outbox.due(later(0)):
            places.append((type(letters[0].telling), letters[0].message_ts))
            ts = letters[0].message_ts or f"{len(places)}.0"
            await store.outbox.delivered(letters[0], ts)

    assert places == [
        (Header, None),
        (Echo, None),
        (Waiting, None),
        (Waiting, "3.0"),
        (Waiting, "3.0"),
    ]
    assert (await store.archive.thread(run.thread)).ts == "1.0"


async def test_a_run_that_leaves_the_queue_changes_what_it_was_told(
    store: Store,
) -> None:
    first = await store.run_in(RunState.READY)
    second = await store.record.submit(a_new_run(), later(3))
    await store.told()

    await store.record.ask_stop(first.id, first.actor, later(4))
    await store.told()
    await store.record.promote(later(5))

    assert await store.told() == [Header(run=second.id), Waiting(run=second.id)]


async def test_a_direct_message_is_a_thread_of_its_own(store: Store) -> None:
    hold = a_hold(until=later(3600))
    await store.record.hold([hold])
    await store.record.remind(later(3000), before=later(600) - later(0))

    letter = await only(store)
    await store.outbox.delivered(letter, "1.1")

    assert letter.telling == Notice(kind=NoticeKind.ENDS_SOON, stack=STACK, hold=hold)
    assert (letter.thread.channel, letter.thread.run) == (hold.actor.id, None)
    assert (letter.message_ts, letter.thread.ts) == (None, None)
    assert (await store.archive.thread(letter.thread.id)).ts == "1.1"
    assert await store.told() == []


async def test_two_direct_messages_do_not_wait_for_each_other(store: Store) -> None:
    holds = [a_hold(stack=name, until=later(3600)) for name in ("a", "b")]
    await store.record.hold(holds)

    await store.record.remind(later(3000), before=later(600) - later(0))

    assert len(await store.outbox.due(later(3000))) == 2


def shown(digest: str, replaced: str | None = None) -> Shown:
    return Shown(digest=digest, replaced=replaced, at=later(5))


async def kept(store: Store) -> list[tuple[str, str, int, str]]:
    """Return the messages that are known to stand in Slack."""
    columns = (messages.c.channel, messages.c.ts, messages.c.letter, messages.c.digest)
    async with store.database.read("read the messages") as db:
        rows = await db.execute(select(*columns).order_by(messages.c.ts))
        return [tuple(row) for row in rows]


async def test_what_a_message_shows_is_kept_as_it_was_sent_last(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    header = await only(store)
    await store.outbox.delivered(header, "1.1", shown=shown("a"))
    echo = await only(store)
    await store.outbox.delivered(echo, "1.2", ChannelId("C0ELSE"), shown=shown("b"))
    await store.record.tell(run.thread, [Header(run=run.id)])
    again = await only(store)

    await store.outbox.delivered(again, "1.1", CHANNEL, shown=shown("c"))

    assert await kept(store) == [
        (CHANNEL, "1.1", again.id, "c"),
        ("C0ELSE", "1.2", echo.id, "b"),
    ]


async def test_what_handrail_deleted_is_not_missed(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    for ts in ("1.1", "1.2"):
        await store.outbox.delivered(await only(store), ts, shown=shown("a"))
    await store.record.tell(run.thread, [Said(text="x")])

    said = await only(store)
    await store.outbox.delivered(said, "1.3", shown=shown("b", replaced="1.2"))
    await store.record.tell(run.thread, [Header(run=run.id)])
    await store.outbox.delivered(await only(store), "1.1", shown=shown(""))

    assert [(ts, digest) for _, ts, _, digest in await kept(store)] == [("1.3", "b")]


async def test_what_became_of_a_letter_is_noted_once(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    letter = await only(store)
    await store.outbox.delivered(letter, "1.1", shown=shown("successor"))
    before = len(await store.deeds())

    await store.outbox.delivered(letter, "9.9", shown=shown("paused"))
    await store.outbox.move(letter, ChannelId("C0ELSE"), "is_archived", admins=())
    await store.outbox.give_up(letter, "is_archived", later(1))

    thread = await store.archive.thread(run.thread)
    assert (thread.channel, thread.ts) == (CHANNEL, "1.1")
    assert (await only(store, 1)).telling == Echo(run=run.id)
    assert len(await store.deeds()) == before
    assert await kept(store) == [(CHANNEL, "1.1", letter.id, "successor")]
