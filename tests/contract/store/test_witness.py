"""What the record has of a channel's messages."""

from dataclasses import replace

from bot.domain.audit import Verb
from bot.domain.people import ChannelId, UserId
from bot.domain.witness import KeptMessage, KeptThread, Witnessed
from bot.ports import Shown
from bot.store import audit
from bot.store.witness import SqlKeptMessages
from tests.contract.store.opened import Store
from tests.support.builders import CHANNEL, STACK, a_hold, a_new_run, an_actor, later

DIGEST = "d" * 64
SHOWN = Shown(digest=DIGEST, replaced=None, at=later(5))


async def deliver(store: Store, *, noted: bool = True) -> list[str]:
    """Deliver what is due, and return where each message is."""
    places: list[str] = []
    while letters := await store.outbox.due(later(3600)):
        for letter in letters:
            ts = letter.message_ts or f"{1000 + letter.id}.5"
            places.append(ts)
            await store.outbox.delivered(letter, ts, shown=SHOWN if noted else None)
    return places


async def test_a_thread_has_the_messages_that_were_delivered(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    root, echo = await deliver(store)

    kept = await SqlKeptMessages(store.database).kept(CHANNEL, "0")

    assert kept == {
        run.thread: KeptThread(
            run=run.id,
            stack=STACK,
            roots=(root,),
            messages=(
                KeptMessage(ts=root, digest=DIGEST),
                KeptMessage(ts=echo, digest=DIGEST),
            ),
        )
    }


async def test_of_messages_of_before_it_is_known_that_there_were_any(
    store: Store,
) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    root, echo = await deliver(store, noted=False)

    kept = await SqlKeptMessages(store.database).kept(CHANNEL, "0")

    known = {message.ts: message.digest for message in kept[run.thread].messages}
    assert known == {root: None, echo: None}


async def test_only_threads_of_the_channel_and_the_time_are_kept(store: Store) -> None:
    elsewhere = replace(a_new_run(stack="b"), channel=ChannelId("C0ELSE"))
    await store.record.submit(a_new_run(), later(0))
    await store.record.submit(elsewhere, later(0))
    await deliver(store)
    kept = SqlKeptMessages(store.database)

    of_both = [*await kept.kept(CHANNEL, "0"), *await kept.kept("C0ELSE", "0")]

    assert len(of_both) == len(set(of_both)) == 2
    assert await kept.kept(CHANNEL, "9000000000.0") == {}
    assert await kept.kept("C0NONE", "0") == {}


async def test_channels_are_those_that_others_can_read(store: Store) -> None:
    await store.record.submit(a_new_run(), later(0))
    await store.record.hold([a_hold(by="bob")])
    await store.record.report_holder(a_hold(by="bob"), [UserId("U0ADA")], later(1))

    assert await SqlKeptMessages(store.database).channels() == (CHANNEL,)


async def test_a_run_is_untold_once_nothing_is_on_its_way(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    kept = SqlKeptMessages(store.database)

    before = await kept.untold(CHANNEL)
    while letters := await store.outbox.due(later(3600)):
        for letter in letters:
            await store.outbox.delivered(letter, None)
    after = await kept.untold(CHANNEL)

    assert before == []
    assert [found.what for found in after] == [f"run {run.id} on {STACK}"]


async def test_audit_rows_are_found_by_their_ordinals(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    rows = [row async for row in audit.read(store.database)]

    found = await SqlKeptMessages(store.database).rows([1, 99, 1])

    assert found == {1: Witnessed(hash=rows[0].hash, run=run.id)}
    assert rows[0].deed.verb is Verb.SUBMITTED
    assert rows[0].deed.actor == an_actor()
