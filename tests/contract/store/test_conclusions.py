"""`Record`: how a container ended, and what is to be hidden, kept for its owner."""

import pytest

from bot.domain.people import HANDRAIL
from bot.domain.run import Reason, RunState
from bot.domain.state_lock import StateLock
from bot.ports import Ended, Plan
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.contract.store.opened import FINISHED, PLAN, Store
from tests.support.builders import a_deploy, an_actor, later

LOCK = StateLock(id="a1b2", path="net/hunter22", who="ann@laptop")
FAILED = Ended(
    state=RunState.FAILED,
    actor=HANDRAIL,
    reason=Reason.EXIT_CODE,
    exit_code=3,
    note="It said hunter22.",
    release=False,
    state_lock=LOCK,
)
HIDE = Masks((Secret("redacted", b"hunter22"),))


@pytest.mark.parametrize(
    "conclusion", [FINISHED, FAILED, PLAN], ids=["finished", "failed", "plan"]
)
async def test_a_conclusion_is_read_as_it_was_kept(
    store: Store, conclusion: Ended | Plan
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    assert await store.archive.conclusion(run.id) is None

    await store.record.conclude(run.id, conclusion)
    await store.record.conclude(run.id, conclusion)

    assert await store.archive.conclusion(run.id) == conclusion


async def test_what_is_redacted_is_taken_out_of_a_conclusion(store: Store) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.conclude(run.id, FAILED)

    changed = await store.record.redact(run.id, HIDE, an_actor(), later(9), why="-")

    kept = await store.archive.conclusion(run.id)
    assert isinstance(kept, Ended)
    assert kept.note == "It said *****."
    assert kept.state_lock == StateLock(id="a1b2", path="net/*****", who="ann@laptop")
    assert changed >= 2


async def test_a_redaction_of_ordinary_words_leaves_a_conclusion_readable(
    store: Store,
) -> None:
    hide = Masks((Secret("redacted", b"exit_code"), Secret("too", b"failed")))
    run = await store.run_in(RunState.PERFORMING)
    await store.record.conclude(run.id, FAILED)

    await store.record.redact(run.id, hide, an_actor(), later(9), why="-")

    assert await store.archive.conclusion(run.id) == FAILED


async def test_the_container_that_applies_does_not_conclude_as_the_planning_one(
    store: Store,
) -> None:
    run = await store.run_in(RunState.INITIALIZING, a_deploy())
    await store.record.advance(run.id, RunState.PLANNING, later(4))
    await store.record.conclude(run.id, PLAN)

    await store.record.planned(run.id, PLAN, later(5))

    assert await store.archive.conclusion(run.id) is None


async def test_what_is_to_be_hidden_is_read_in_order_from_a_place_on(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    for sealed in (b"one", b"two", b"\x00three"):
        await store.record.hide_later(run.id, sealed)

    first, *rest = await store.archive.hidden_later(run.id, 0)

    assert first[1] == b"one"
    assert [sealed for _, sealed in rest] == [b"two", b"\x00three"]
    assert await store.archive.hidden_later(run.id, first[0]) == tuple(rest)
    assert await store.archive.hidden_later(run.id, rest[-1][0]) == ()


async def test_nothing_to_be_hidden_is_kept_of_a_run_that_is_over(
    store: Store,
) -> None:
    run = await store.run_in(RunState.PERFORMING)
    await store.record.hide_later(run.id, b"one")
    await store.record.end(run.id, FINISHED, later(9))
    await store.record.hide_later(run.id, b"two")

    assert await store.archive.hidden_later(run.id, 0) == ()
