"""Right before a run starts: what was agreed to stands, or people are asked again."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import Refused, RoleSourceUnavailable
from bot.domain.people import Standing
from bot.domain.rule import ApprovalRule
from bot.domain.run import Approval, RunState, RunType
from tests.support.builders import a_new_run, later
from tests.support.policies import ScriptedPolicies, a_policy
from tests.unit.control.approving import ANN, BOB, CAT, Bench
from tests.unit.control.stand_ins import a_stage


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_stage(tmp_path) as stage:
        yield Bench(stage=stage)


async def test_what_was_agreed_to_and_is_the_same_stands(bench: Bench) -> None:
    run = await bench.approved()

    assert await bench.consent.stands(run)
    await bench.consent.require(run, bench.stack)


async def test_a_changed_stack_is_asked_about_again(bench: Bench) -> None:
    run = await bench.approved()
    bench.changes(env={"A": "b"})

    assert not await bench.consent.stands(run)

    waits = await bench.run(run)
    assert (waits.state, waits.approval) == (RunState.QUEUED, Approval.PENDING)
    assert (await bench.stage.store.archive.occupancy(run.stack)).claim is None


async def test_a_reviewer_who_is_gone_has_not_agreed(bench: Bench) -> None:
    run = await bench.approved()
    bench.stage.people.standing[BOB.id] = Standing.DEACTIVATED

    assert not await bench.consent.stands(run)

    (review,) = await bench.approvals.reviews(run.id)
    assert review.void
    assert (await bench.run(run)).approval is Approval.PENDING


async def test_a_reviewer_who_is_no_writer_any_more_has_not_agreed(
    bench: Bench,
) -> None:
    bench.changes(writers=("U0ANN", "@platform"))
    bench.stage.people.members["@platform"] = {BOB.id}
    run = await bench.approved()
    bench.stage.people.members["@platform"] = set()

    assert not await bench.consent.stands(run)


async def test_a_reviewer_whom_the_rule_asks_for_no_more_has_not_agreed(
    bench: Bench,
) -> None:
    bench.changes(approvals=ApprovalRule(count=1, from_=("@security",)))
    bench.stage.people.members["@security"] = {BOB.id}
    run = await bench.approved()
    bench.stage.people.members["@security"] = set()

    assert not await bench.consent.stands(run)

    (review,) = await bench.approvals.reviews(run.id)
    assert review.void


async def test_one_reviewer_less_than_agreed_may_be_enough(bench: Bench) -> None:
    bench.changes(approvals=ApprovalRule(count=1, from_=("@security",)))
    bench.stage.people.members["@security"] = {BOB.id, CAT.id}
    run = await bench.approved()
    bench.stage.people.members["@security"] = {BOB.id}

    assert await bench.consent.stands(run)


async def test_a_plan_is_not_applied_when_its_reviewer_is_gone(bench: Bench) -> None:
    run = replace(await bench.approved(), confirmed_by=ANN)
    await bench.consent.require(run, bench.stack)
    bench.stage.people.standing[BOB.id] = Standing.DEACTIVATED

    with pytest.raises(Refused, match="bob may not approve run 1 any more"):
        await bench.consent.require(run, bench.stack)


async def test_what_waits_for_people_does_not_begin(bench: Bench) -> None:
    run = replace(await bench.approved(), approval=Approval.PENDING)

    assert not await bench.consent.stands(run)
    with pytest.raises(Refused, match="Nobody has agreed to run 1 yet"):
        await bench.consent.require(run, bench.stack)


async def test_a_slack_that_is_away_is_asked_again_and_voids_nothing(
    bench: Bench,
) -> None:
    bench.changes(writers=("U0ANN", "@platform"))
    bench.stage.people.members["@platform"] = {BOB.id}
    run = await bench.approved()
    bench.stage.people.away, bench.stage.people.again_in = True, 1.0

    with pytest.raises(RoleSourceUnavailable):
        await bench.consent.stands(run)

    assert (await bench.run(run)).approval is Approval.APPROVED


async def test_reviewers_whom_nobody_will_ever_know_have_not_agreed(
    bench: Bench,
) -> None:
    bench.changes(writers=("U0ANN", "@platform"))
    bench.stage.people.members["@platform"] = {BOB.id}
    run = await bench.approved()
    bench.stage.people.away = True

    assert not await bench.consent.stands(run)

    assert (await bench.run(run)).approval is Approval.PENDING


async def test_what_begins_is_what_was_agreed_to_or_nothing(bench: Bench) -> None:
    run = await bench.approved()

    with pytest.raises(Refused, match="not what it was when run 1 was agreed to"):
        await bench.consent.require(run, replace(bench.stack, image="other"))
    with pytest.raises(Refused, match="not what it was"):
        await bench.consent.require(replace(run, command="other"), bench.stack)
    with pytest.raises(Refused, match="not what it was"):
        await bench.consent.require(replace(run, image_digest="x"), bench.stack)


async def test_what_nobody_was_asked_about_does_not_begin_where_somebody_has_to(
    bench: Bench,
) -> None:
    plain = replace(bench.stack, approvals=None)
    run = await bench.stage.record.submit(a_new_run(), later(0))
    await bench.consent.require(run, plain)

    with pytest.raises(Refused, match="somebody has to agree"):
        await bench.consent.require(run, bench.stack)


async def test_in_doubt_nothing_begins(bench: Bench) -> None:
    bench.policies = ScriptedPolicies(away=True)
    stack = replace(bench.stack, approvals=None, policies=(a_policy("one.rego"),))
    run = await bench.stage.record.submit(a_new_run(), later(0))

    with pytest.raises(Refused, match="OPA does not answer"):
        await bench.consent.require(run, stack)


async def test_what_is_on_the_allow_list_begins(
    bench: Bench,
) -> None:
    listed = replace(bench.stack, approvals=ApprovalRule(count=1, except_=("ls",)))
    run = await bench.stage.record.submit(a_new_run("ls"), later(0))

    await bench.consent.require(run, listed)


async def test_what_a_ci_says_that_it_will_run_is_on_no_allow_list(
    bench: Bench,
) -> None:
    listed = replace(bench.stack, approvals=ApprovalRule(count=1, except_=("ls",)))
    new = replace(a_new_run("ls"), type=RunType.TRACKED, outside=True)
    run = await bench.stage.record.submit(new, later(0))

    with pytest.raises(Refused, match="somebody has to agree"):
        await bench.consent.require(run, listed)
