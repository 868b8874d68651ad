"""What the record promises of a text that is taken out of it."""

import zlib
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import select, text, update

from bot.domain.audit import Deed, Verb
from bot.domain.people import HANDRAIL
from bot.domain.run import RunId, RunState
from bot.domain.telling import Card, Echo, Final, Header, Held, Said, Tail, Telling
from bot.ports import Ended, Letter, Shown
from bot.store import audit
from bot.store.audit import Verdict
from bot.store.tables import messages, metadata, output_chunks
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import Store
from tests.support.builders import (
    CHANNEL,
    STACK,
    a_hold,
    a_new_run,
    an_actor,
    later,
)

TEXT = "hunter2 or 3"
HIDE = Masks((Secret("redacted", TEXT.encode()),))
PLENTY = 10_000_000
STAMPS = count(1)
FIRST = RunId(1)
HEADER, ECHO = Header(run=RunId(1)), Echo(run=RunId(1))
TAIL, FINAL = Tail(run=RunId(1)), Final(run=RunId(1))


async def redact(store: Store, run: RunId = FIRST, *, by: str = "ann") -> int:
    actor = an_actor(by) if by else HANDRAIL
    return await store.record.redact(run, HIDE, actor, later(99), why="a reply")


async def printed(store: Store, *pieces: bytes, run: RunId = FIRST) -> None:
    for piece in pieces:
        await store.record.append_output(run, piece, position=7, limit=PLENTY)


async def kept(store: Store, run: RunId = FIRST) -> list[bytes]:
    return [piece async for piece in store.archive.output(run)]


async def everything(store: Store) -> str:
    """Return the whole database as text."""
    async with store.database.read("look at everything") as db:
        tables = [await db.execute(select(table)) for table in metadata.sorted_tables]
        rows = "\n".join(str(row) for table in tables for row in table.all())
    return rows + "".join(f"{piece!r}" for piece in await kept(store))


async def posted(store: Store) -> list[tuple[Telling, str]]:
    """Deliver every letter; return what was told, and the message that it became."""
    told = []
    while letters := await store.outbox.due(later(3600)):
        for letter in letters:
            ts = letter.message_ts or f"{next(STAMPS)}.5"
            told.append((letter.telling, ts))
            await store.outbox.delivered(letter, ts)
    return told


async def only(store: Store) -> Letter:
    (letter,) = await store.outbox.due(later(0))
    return letter


async def test_a_text_is_gone_from_all_that_is_stored_of_a_run(store: Store) -> None:
    run = await store.run_in(
        RunState.PERFORMING, a_new_run(f"mysql -p{TEXT}", remarks=(f"undid {TEXT}",))
    )
    await store.record.hold([a_hold(reason=f"fixing {TEXT}", thread=run.thread)])
    await store.record.tell(run.thread, [Said(text=f"hello {TEXT} and {TEXT}")])
    await printed(store, f"a {TEXT}\n".encode(), TEXT[:5].encode(), TEXT[5:].encode())
    ended = Ended(state=RunState.FAILED, actor=HANDRAIL, note=f"no {TEXT} there")
    await store.record.end(run.id, ended, later(9))
    assert TEXT in await everything(store)

    places = await redact(store)

    assert TEXT not in await everything(store)
    # command, two transitions' or one run's note, remark, hold, its telling and deed,
    # two in what was said, two in the output, the deed of submitting
    assert places == 12
    after = await store.archive.run(run.id)
    assert (after.command, after.note) == ("mysql -p*****", "no ***** there")
    held = (await store.archive.occupancy(STACK)).hold
    assert held is not None
    assert held.reason == "fixing *****"
    assert await kept(store) == [b"a *****\n", b"*****"]


async def test_another_run_keeps_what_it_has(store: Store) -> None:
    await store.finished()
    other = await store.finished(a_new_run(f"echo {TEXT}", stack="db-prod"))
    await printed(store, TEXT.encode(), run=other.id)

    assert await redact(store) == 0
    assert (await store.archive.run(other.id)).command == f"echo {TEXT}"
    assert await kept(store, other.id) == [TEXT.encode()]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 13, 64])
async def test_a_text_is_found_however_the_output_came(store: Store, size: int) -> None:
    output = (f"before {TEXT}{TEXT}, hunter2 or " + f"{TEXT[:9]}{TEXT}\nafter").encode()
    await store.finished()
    await printed(
        store, *(output[at : at + size] for at in range(0, len(output), size))
    )

    assert await redact(store) == 3
    assert b"".join(await kept(store)) == HIDE.data(output)
    assert await store.archive.tail(RunId(1), 9) == HIDE.data(output)[-9:]


async def test_output_goes_on_where_it_was_after_a_redaction(store: Store) -> None:
    await store.run_in(RunState.PERFORMING)
    await printed(store, b"x" * 65_530 + TEXT.encode() + b"y" * 65_536)
    size = await store.archive.output_size(RunId(1))

    await redact(store)
    await printed(store, b"more")

    pieces = await kept(store)
    assert b"".join(pieces) == b"x" * 65_530 + b"*****" + b"y" * 65_536 + b"more"
    assert pieces[0] == b"x" * 65_530 + b"*****"
    assert await store.archive.output_size(RunId(1)) == size + 4
    assert await store.archive.output_position(RunId(1)) == 7


async def packed(store: Store) -> dict[int, bytes]:
    async with store.database.read("see") as db:
        rows = await db.execute(select(output_chunks.c.start, output_chunks.c.data))
        return {row.start: row.data for row in rows.all()}


async def repacked(store: Store) -> dict[int, bytes]:
    """Pack the chunks as they never are, so that what is written anew shows."""
    chunks = {
        start: zlib.compress(zlib.decompress(data), 0)
        for start, data in (await packed(store)).items()
    }
    async with store.database.write("pack") as db:
        for start, data in chunks.items():
            chunk = update(output_chunks).where(output_chunks.c.start == start)
            await db.execute(chunk.values(data=data))
    return chunks


async def test_chunks_without_the_text_are_not_written(store: Store) -> None:
    await store.finished()
    await printed(store, b"one hunter2", b" or 2\n", TEXT.encode(), b"three")
    before = await repacked(store)

    await redact(store)

    after = await packed(store)
    assert [start for start in before if after[start] != before[start]] == [17]


async def test_what_was_posted_is_posted_again_into_the_same_messages(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING, a_new_run(f"echo {TEXT}"))
    said, other = Said(text=f"hello {TEXT}"), Said(text="hello")
    hold = a_hold(reason=TEXT, thread=run.thread)
    await printed(store, TEXT.encode())
    await store.record.tell(run.thread, [said, other])
    await store.record.hold([hold])
    first = dict(await posted(store))
    await store.record.end(
        run.id, Ended(state=RunState.FINISHED, actor=HANDRAIL), later(9)
    )
    final = next(ts for telling, ts in await posted(store) if telling == FINAL)

    await redact(store)

    assert await posted(store) == [
        (ECHO, first[ECHO]),
        (Said(text="hello *****"), first[said]),
        (Held(holds=(replace(hold, reason="*****"),)), first[Held(holds=(hold,))]),
        (FINAL, final),
        (HEADER, first[HEADER]),
        (TAIL, first[TAIL]),
    ]


@pytest.mark.parametrize("waits", [True, False])
async def test_all_that_is_posted_again_is_known_as_redacted(
    store: Store, *, waits: bool
) -> None:
    run = await store.run_in(RunState.PERFORMING, a_new_run(f"echo {TEXT}"))
    await printed(store, TEXT.encode())
    await posted(store)
    if waits:
        await store.record.tell(run.thread, [HEADER])
        await printed(store, b"more")

    await redact(store)

    seen = []
    while letters := await store.outbox.due(later(3600)):
        seen += [(letter.telling, letter.revision) for letter in letters]
        await store.outbox.delivered(letters[0], letters[0].message_ts)
    assert sorted(seen, key=str) == [(ECHO, 1), (HEADER, 1), (TAIL, 1)]


async def test_only_what_shows_the_text_is_posted_again(store: Store) -> None:
    run = await store.finished()
    await printed(store, TEXT.encode())
    await posted(store)

    await redact(store, run.id)

    assert [telling for telling, _ in await posted(store)] == [FINAL, TAIL]


async def test_cards_of_the_stack_show_the_command_no_longer(store: Store) -> None:
    card = await store.record.open_card(STACK, CHANNEL)
    await store.record.open_card(a_new_run(stack="db-prod").stack, CHANNEL)
    await store.finished(a_new_run(f"echo {TEXT}"))
    await posted(store)

    await redact(store)

    told = await posted(store)
    place = (await store.archive.thread(card.id)).ts
    assert [told_ for told_ in told if isinstance(told_[0], Card)] == [
        (Card(stack=STACK), place)
    ]


async def test_a_letter_that_was_redacted_on_its_way_comes_again(store: Store) -> None:
    await store.run_in(RunState.PERFORMING, a_new_run(f"echo {TEXT}"))
    await store.outbox.delivered(await only(store), "1.1")
    on_its_way = await only(store)
    assert on_its_way.telling == ECHO

    await redact(store)
    await store.outbox.delivered(on_its_way, "2.2")

    again = await only(store)
    assert (again.telling, again.message_ts) == (ECHO, "2.2")
    assert again.revision > on_its_way.revision


async def test_a_letter_that_was_given_up_stays_given_up(store: Store) -> None:
    run = await store.finished()
    await posted(store)
    await store.record.tell(run.thread, [Said(text=TEXT)])
    await store.outbox.give_up(await only(store), "cant", later(0))

    await redact(store)

    assert await posted(store) == []
    assert TEXT not in await everything(store)


async def test_a_letter_that_became_no_message_stays_where_it_is(
    store: Store,
) -> None:
    run = await store.finished()
    await posted(store)
    await store.record.tell(run.thread, [Said(text=TEXT)])
    await store.outbox.delivered(await only(store), None)

    await redact(store)

    assert await posted(store) == []


async def digests(store: Store) -> dict[str, str]:
    async with store.database.read("look at what is shown") as db:
        rows = await db.execute(select(messages.c.ts, messages.c.digest))
        return {row.ts: row.digest for row in rows}


async def test_what_was_redacted_cannot_be_guessed_from_what_messages_showed(
    store: Store,
) -> None:
    run = await store.finished()
    await posted(store)
    await store.record.tell(run.thread, [Said(text="x"), Said(text=TEXT)])
    for ts in ("9.8", "9.9"):
        shown = Shown(digest="d", replaced=None, at=later(1))
        await store.outbox.delivered(await only(store), ts, shown=shown)

    await redact(store)

    assert await digests(store) == {"9.8": "d", "9.9": ""}


async def test_no_digest_stays_of_a_message_that_cannot_be_changed(
    store: Store,
) -> None:
    run = await store.finished()
    await posted(store)
    await store.record.tell(run.thread, [Said(text=TEXT)])
    under_way = await only(store)
    await redact(store)
    shown = Shown(digest="d", replaced=None, at=later(1))
    await store.outbox.delivered(under_way, "9.9", shown=shown)

    await store.outbox.give_up(await only(store), "is_archived", later(2))

    assert await digests(store) == {"9.9": ""}


async def test_a_first_message_that_showed_the_command_keeps_no_digest(
    store: Store,
) -> None:
    await store.record.submit(a_new_run(f"echo {TEXT}"), later(0))
    shown = Shown(digest="d", replaced=None, at=later(1))
    await store.outbox.delivered(await only(store), "1.1", shown=shown)

    await redact(store)

    assert await digests(store) == {"1.1": ""}


async def test_what_is_posted_again_forgets_the_trouble_it_had(store: Store) -> None:
    run = await store.finished()
    await posted(store)
    await store.record.tell(run.thread, [Said(text=TEXT)])
    await store.outbox.postpone(await only(store), later(0), "ratelimited")
    await store.outbox.delivered(await only(store), "9.9")

    await redact(store)

    again = await only(store)
    assert (again.attempts, again.message_ts) == (0, "9.9")


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.READY])
async def test_a_run_that_would_run_something_else_is_discarded(
    store: Store, state: RunState
) -> None:
    run = await store.run_in(state, a_new_run(f"echo {TEXT}"))

    await redact(store)

    after = await store.archive.run(run.id)
    assert (after.state, after.command) == (RunState.DISCARDED, "echo *****")
    assert "redacted before it began" in after.note
    assert (await store.archive.occupancy(STACK)).claim is None
    assert TEXT not in await everything(store)


async def test_a_run_that_waits_goes_on_where_its_command_stays(store: Store) -> None:
    run = await store.run_in(RunState.QUEUED)
    await store.record.tell(run.thread, [Said(text=TEXT)])

    await redact(store)

    assert (await store.archive.run(run.id)).state is RunState.QUEUED


async def test_a_redaction_has_an_audit_row_that_says_how_much(store: Store) -> None:
    await store.finished()
    await printed(store, TEXT.encode() * 3)

    await redact(store)

    deed = (await store.deeds())[-1]
    assert (deed.verb, deed.actor, deed.run) == (Verb.REDACTED, an_actor(), RunId(1))
    assert deed.detail == "a reply; places: 3; rows: none"


@pytest.mark.parametrize(("by", "rows"), [("ann", 1), ("", 0)])
async def test_a_person_who_found_nothing_is_on_the_record(
    store: Store, by: str, rows: int
) -> None:
    await store.finished()
    before = len(await store.deeds())

    assert await redact(store, by=by) == 0
    assert len(await store.deeds()) - before == rows


async def test_what_handrail_itself_redacts_is_on_the_record(store: Store) -> None:
    await store.finished()
    await printed(store, TEXT.encode())

    await redact(store, by="")

    assert (await store.deeds())[-1].actor == HANDRAIL


async def test_the_audit_chain_is_sound_after_redactions(store: Store) -> None:
    await store.finished(a_new_run(f"mysql -p{TEXT} secret-two"))
    second = Masks((Secret("redacted", b"secret-two"),))

    await redact(store)
    assert await audit.verify(store.database) == Verdict(
        sound=5, broken=None, redacted=1
    )
    await store.record.redact(RunId(1), second, an_actor(), later(100), why="again")

    assert (await store.deeds())[0].detail == "mysql -p***** *****"
    assert await audit.verify(store.database) == Verdict(
        sound=6, broken=None, redacted=1
    )


async def test_its_own_audit_row_does_not_say_it(store: Store) -> None:
    await store.finished()

    await store.record.redact(FIRST, HIDE, an_actor(), later(99), why=f"it is {TEXT}")

    assert (await store.deeds())[-1].detail.startswith("it is *****;")


async def test_what_was_written_before_the_run_stays(store: Store) -> None:
    await store.record.refuse(
        Deed(verb=Verb.REFUSED, actor=an_actor(), at=later(0), stack=STACK, detail=TEXT)
    )
    await store.finished()

    assert await redact(store) == 0
    assert (await store.deeds())[0].detail == TEXT


def hiding(words: str) -> Masks:
    return Masks((Secret("redacted", words.encode()),))


async def test_what_handrail_testifies_of_a_run_cannot_be_redacted(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    lost = Ended(state=RunState.FAILED, actor=HANDRAIL, exit_code=3, note="code 3")
    await store.record.end(run.id, lost, later(9))
    before = await store.deeds()
    words = {word for deed in before[1:] for word in deed.detail.split() if word}

    for word in words:
        await store.record.redact(FIRST, hiding(word), an_actor(), later(99), why="-")

    assert "3" in before[-1].detail
    assert (await store.deeds())[: len(before)] == before


async def test_what_another_run_was_submitted_with_cannot_be_redacted(
    store: Store,
) -> None:
    await store.run_in(RunState.PERFORMING)
    await store.record.submit(a_new_run(f"echo {TEXT}"), later(2))
    before = await store.deeds()

    await redact(store)

    assert (await store.deeds())[: len(before)] == before


@pytest.mark.parametrize("run", [FIRST, None])
async def test_what_was_refused_is_redacted_in_the_run_itself_only(
    store: Store, run: RunId | None
) -> None:
    await store.finished()
    refused = Deed(
        verb=Verb.REFUSED,
        actor=an_actor(),
        at=later(9),
        stack=STACK,
        run=run,
        detail=f"bad_command: {TEXT}",
    )
    await store.record.refuse(refused)

    await redact(store)

    after = (await store.deeds())[-2].detail
    assert after == f"bad_command: {'*****' if run else TEXT}"


async def test_reasons_of_holds_since_the_run_are_redacted(store: Store) -> None:
    run = await store.finished()
    hold, bob = a_hold(reason=f"for {TEXT}", thread=run.thread), an_actor("bob")
    await store.record.hold([hold])
    await store.record.release_holds([hold], bob, f"not {TEXT}", later(20), None)

    await redact(store)

    held, released = (await store.deeds())[-3:-1]
    assert (held.verb, held.detail) == (Verb.HELD, "for *****")
    assert released.verb is Verb.RELEASED
    assert released.detail.endswith(": not *****")
    assert (await audit.verify(store.database)).broken is None


async def test_whose_hold_was_released_and_that_init_was_skipped_stay(
    store: Store,
) -> None:
    run = await store.finished(a_new_run("echo hello", skip_init=True))
    hold, bob = a_hold(thread=run.thread), an_actor("bob")
    await store.record.hold([hold])
    await store.record.release_holds([hold], bob, "why", later(20), None)
    before = await store.deeds()

    for words in ("--no-init", "the hold of", a_hold().actor.id):
        await store.record.redact(FIRST, hiding(words), an_actor(), later(99), why="-")

    assert (await store.deeds())[: len(before)] == before


async def test_a_voucher_is_never_redacted_itself(store: Store) -> None:
    await store.finished(a_new_run(f"mysql -p{TEXT}"))
    await redact(store)
    voucher = (await store.deeds())[-1].detail
    digits = Masks((Secret("redacted", voucher[-12:].encode()),))

    await store.record.redact(FIRST, digits, an_actor(), later(100), why="again")

    assert (await store.deeds())[-2].detail == voucher
    assert (await audit.verify(store.database)).broken is None


async def test_a_redaction_makes_no_changed_row_pass_for_sound(store: Store) -> None:
    await store.finished(a_new_run(f"mysql -p{TEXT}"))
    async with store.database.write("tamper") as db:
        where = " ON audit" if db.dialect.name == "postgresql" else ""
        await db.execute(text(f"DROP TRIGGER audit_refuses_update{where}"))
        await db.execute(text("UPDATE audit SET actor_id = 'U0EVE' WHERE ordinal = 1"))

    await redact(store)

    assert (await store.deeds())[0].detail == "mysql -p*****"
    assert await audit.verify(store.database) == Verdict(sound=0, broken=1)


async def test_a_run_that_is_unknown_is_not_redacted(store: Store) -> None:
    with pytest.raises(LookupError):
        await redact(store, RunId(7))
