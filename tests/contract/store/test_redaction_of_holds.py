"""What a redaction takes out of plans, holds and direct messages."""

from dataclasses import replace

import pytest

from bot.domain.audit import Verb
from bot.domain.lock import EVERY
from bot.domain.people import HANDRAIL, ChannelId
from bot.domain.run import RunId, RunState
from bot.domain.state_lock import StateLock
from bot.domain.telling import (
    Card,
    Echo,
    Header,
    Notice,
    NoticeKind,
    Planned,
    Released,
    Stolen,
    Waiting,
)
from bot.ports import Ended, Letter, Plan, StopAnswer
from bot.store import audit
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import PLAN, Store
from tests.contract.store.test_record_redaction import (
    FIRST,
    TEXT,
    everything,
    posted,
    redact,
)
from tests.support.builders import (
    CHANNEL,
    STACK,
    a_deploy,
    a_hold,
    a_new_run,
    an_actor,
    later,
)

ADA, BOB = an_actor("ada"), an_actor("bob")
SECRET_APPLY = replace(a_deploy(), apply=f"apply -p{TEXT}")


async def test_a_text_is_gone_from_a_plan_and_what_was_told_of_it(
    store: Store,
) -> None:
    run = await store.run_in(RunState.INITIALIZING, a_deploy())
    await store.record.advance(run.id, RunState.PLANNING, later(4))
    plan = Plan(summary=f"1 to add\n+ {TEXT}", digest="c0ffee")
    await store.record.planned(run.id, plan, later(5))
    first = dict(await posted(store))

    await redact(store)

    now = await store.archive.run(run.id)
    planned = Planned(run=run.id)
    assert TEXT not in await everything(store)
    assert (now.state, now.summary) == (RunState.UNCONFIRMED, "1 to add\n+ *****")
    assert (planned, first[planned]) in await posted(store)


async def test_a_text_is_gone_from_the_state_lock_that_a_run_ran_into(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    lock = StateLock(id="6638e5aa", who=f"{TEXT}@pc")
    ended = Ended(state=RunState.FAILED, actor=HANDRAIL, state_lock=lock)
    await store.record.end(run.id, ended, later(9))

    await redact(store)

    assert (await store.archive.run(run.id)).state_lock == replace(lock, who="*****@pc")
    assert TEXT not in await everything(store)


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.READY])
async def test_a_deploy_that_would_apply_something_else_is_discarded(
    store: Store, state: RunState
) -> None:
    await store.run_in(state, SECRET_APPLY)

    await redact(store)

    assert (await store.archive.run(FIRST)).state is RunState.DISCARDED
    assert TEXT not in await everything(store)


async def test_a_plan_that_would_be_applied_by_something_else_is_discarded(
    store: Store,
) -> None:
    await store.unconfirmed(SECRET_APPLY)

    await redact(store)

    assert (await store.archive.run(FIRST)).state is RunState.DISCARDED
    assert (await store.archive.occupancy(STACK)).claim is None


async def test_a_plan_under_way_that_would_be_applied_by_something_else_is_stopped(
    store: Store,
) -> None:
    await store.run_in(RunState.INITIALIZING, SECRET_APPLY)
    await store.record.advance(FIRST, RunState.PLANNING, later(4))

    await redact(store)
    over = await store.record.planned(FIRST, PLAN, later(100))

    assert over.state is RunState.STOPPED
    assert await store.record.ask_stop(FIRST, BOB, later(101)) is StopAnswer.OVER
    assert TEXT not in await everything(store)


async def test_what_is_being_applied_goes_on(store: Store) -> None:
    await store.unconfirmed(SECRET_APPLY)
    await store.record.confirm(FIRST, BOB, later(6))
    await store.record.apply(FIRST, later(7))

    await redact(store)

    now = await store.archive.run(FIRST)
    assert (now.state, now.stop_asked_by) == (RunState.APPLYING, None)
    assert now.apply == "apply -p*****"


async def test_a_text_is_gone_from_a_hold_wherever_it_was_taken(store: Store) -> None:
    await store.finished()
    card = await store.record.open_card(STACK, CHANNEL)
    hold = a_hold(reason=f"for {TEXT}", until=later(3600), thread=card.id)
    other = replace(hold, stack=a_new_run(stack="db-prod").stack)
    await store.record.hold([hold, other])
    waiting = await store.record.submit(a_new_run(by="bob"), later(20))
    await posted(store)

    await redact(store)

    assert TEXT not in await everything(store)
    assert {each.reason for each in await store.archive.holds()} == {"for *****"}
    told = [telling for telling, _ in await posted(store)]
    assert {Card(stack=STACK), Header(run=waiting.id), Waiting(run=waiting.id)} <= {
        *told
    }
    assert Echo(run=waiting.id) not in told


async def test_a_text_is_gone_from_a_freeze(store: Store) -> None:
    run = await store.record.submit(a_new_run(), later(0))
    freeze = a_hold(stack=EVERY, by="ada", reason=TEXT, until=later(60))
    await store.record.freeze(freeze)
    await store.record.expire(later(61))

    await redact(store, run.id)

    assert TEXT not in await everything(store)
    assert (await store.deeds())[1].detail == "until 2026-11-20 12:01 UTC: *****"
    assert (await audit.verify(store.database)).broken is None


async def test_a_text_is_gone_from_what_was_said_of_a_hold_and_its_end(
    store: Store,
) -> None:
    await store.finished()
    card = await store.record.open_card(STACK, CHANNEL)
    held = a_hold(reason="mine", thread=card.id)
    await store.record.hold([held])
    stolen = a_hold(by="ada", reason=f"because {TEXT}", since=later(20))
    await store.record.steal(held, stolen)
    (now,) = await store.archive.holds()
    await store.record.release_holds([now], BOB, f"and {TEXT}", later(30), card.id)
    first = dict(await posted(store))
    line = next(telling for telling in first if isinstance(telling, Stolen))
    end = next(telling for telling in first if isinstance(telling, Released))

    await redact(store)

    after = dict(await posted(store))
    hidden = replace(line, wanted=replace(line.wanted, reason="because *****"))
    over = replace(
        end, holds=(replace(now, reason="because *****"),), reason="and *****"
    )
    assert TEXT not in await everything(store)
    assert (after[hidden], after[over]) == (first[line], first[end])
    details = {deed.verb: deed.detail for deed in await store.deeds()}
    assert details[Verb.STOLEN] == "the hold of U0ANN: because *****"
    assert details[Verb.RELEASED] == "the hold of U0ADA: and *****"
    assert (await audit.verify(store.database)).broken is None


async def test_the_deed_of_many_holds_is_redacted_for_each_of_their_stacks(
    store: Store,
) -> None:
    await store.finished(a_new_run(stack="b"))
    await store.record.hold([a_hold(stack=name, reason=TEXT) for name in "abc"])
    await store.record.hold([a_hold(stack="bb", by="bob", reason=TEXT)])

    await redact(store)

    held = [deed for deed in await store.deeds() if deed.verb is Verb.HELD]
    assert [(deed.stack, deed.detail) for deed in held] == [
        ("a, b, c", "*****"),
        ("bb", TEXT),
    ]


async def the_notice(store: Store) -> Letter:
    """Return the one letter that is due and a direct message."""
    due = await store.outbox.due(later(99))
    (notice,) = (letter for letter in due if isinstance(letter.telling, Notice))
    return notice


async def test_a_direct_message_is_redacted_before_it_is_sent_and_after(
    store: Store,
) -> None:
    await store.finished()
    await posted(store)
    held = a_hold(reason=f"migration {TEXT}")
    await store.record.hold([held])
    stolen = a_hold(by="ada", reason=TEXT, since=later(20))
    await store.record.steal(held, stolen)

    await redact(store)
    notice = await the_notice(store)

    assert notice.telling == Notice(
        kind=NoticeKind.STOLEN,
        stack=STACK,
        hold=replace(held, reason="migration *****"),
        actor=ADA,
        reason="*****",
    )
    await store.outbox.delivered(notice, "1.1", ChannelId("D0ANN"))
    more = Masks((Secret("redacted", b"migration"),))
    await store.record.redact(RunId(1), more, BOB, later(200), why="once more")
    again = await the_notice(store)
    place = (again.thread.channel, again.message_ts, again.revision > notice.revision)
    assert (notice.thread.channel, notice.message_ts) == (held.actor.id, None)
    assert place == ("D0ANN", "1.1", True)
    assert "migration" not in await everything(store)


async def test_a_direct_message_is_redacted_while_it_is_on_its_way(
    store: Store,
) -> None:
    await store.finished()
    held = a_hold(reason=TEXT)
    await store.record.hold([held])
    await posted(store)
    await store.record.steal(held, a_hold(by="ada", since=later(20)))
    notice = await the_notice(store)

    await redact(store)
    await store.outbox.delivered(notice, "1.1", ChannelId("D0ANN"))

    again = await the_notice(store)
    assert (again.thread.channel, again.message_ts) == ("D0ANN", "1.1")
    assert TEXT not in str(again.telling)


async def test_until_when_a_stack_was_held_stays(store: Store) -> None:
    await store.finished()
    await store.record.hold([a_hold(reason="why", until=later(60))])
    await store.record.freeze(a_hold(stack=EVERY, reason="why", until=later(60)))
    before = await store.deeds()

    for words in ("2026-11-20", "until 2026"):
        hide = Masks((Secret("redacted", words.encode()),))
        await store.record.redact(FIRST, hide, BOB, later(99), why="-")

    assert (await store.deeds())[: len(before)] == before
