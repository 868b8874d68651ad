"""What waits is asked about, judged once for all that was said, and never forgotten."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.domain.people import HANDRAIL
from bot.domain.policy import Policy, Ruling
from bot.domain.rule import ApprovalRule
from bot.domain.run import Approval, Reason, RunState
from bot.domain.stack import StackName
from bot.ports import Document
from tests.support.builders import later
from tests.support.policies import Rules, ScriptedPolicies, a_policy, approvals
from tests.unit.control.approving import BOB, CAT, Bench
from tests.unit.control.stand_ins import a_stage


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_stage(tmp_path) as stage:
        yield Bench(stage=stage)


async def test_a_run_is_proposed_with_its_image_and_says_who_has_to_agree(
    bench: Bench,
) -> None:
    run = await bench.pending()

    assert run.approval is Approval.PENDING
    assert run.image_digest == await bench.stage.engine.resolve("sample")
    assert run.approval_note == (
        "1 of the writers of net-prod has to agree; nobody has."
    )


async def test_what_nothing_was_said_of_is_not_judged_again(bench: Bench) -> None:
    policies = ScriptedPolicies(deciding={"one.rego": lambda _: {}})
    bench.policies = policies
    bench.changes(policies=(a_policy("one.rego"),), approvals=None)
    await bench.pending()

    await bench.adjudicate.look()
    await bench.adjudicate.look()

    assert len(policies.asked) == 1


async def test_a_review_that_comes_while_policies_are_asked_is_judged_too(
    bench: Bench,
) -> None:
    both: dict[str, Rules] = {
        "two.rego": lambda it: {"approve": len(approvals(it)) == 2}
    }
    policies = bench.policies = Overtaken(deciding=both)
    bench.changes(policies=(a_policy("two.rego"),), approvals=None)
    run = await bench.pending()
    await bench.says(BOB, run)
    policies.meanwhile = lambda: bench.says(CAT, run)

    await bench.adjudicate.look()

    assert (await bench.run(run)).approval is Approval.APPROVED


@dataclass
class Overtaken(ScriptedPolicies):
    """Policies that take so long that something happens, once."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def rulings(
        self, policies: Sequence[Policy], document: Document
    ) -> tuple[Ruling, ...]:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        return await super().rulings(policies, document)


async def test_an_engine_that_is_away_is_waited_for(bench: Bench) -> None:
    bench.stage.engine.available = False
    run = await bench.pending()
    assert run.state is RunState.QUEUED
    assert "Handrail asks again" in run.approval_note

    bench.stage.engine.available = True
    await bench.adjudicate.look()

    assert "has to agree" in (await bench.run(run)).approval_note


async def test_an_image_that_is_not_there_ends_the_run(bench: Bench) -> None:
    bench.stage.engine.missing_images.add("sample")

    run = await bench.pending()

    assert (run.state, run.reason) == (RunState.FAILED, Reason.IMAGE)


async def test_a_run_of_a_stack_that_is_gone_fails(bench: Bench) -> None:
    run = await bench.submitted()
    bench.changes(name=StackName("other"))

    await bench.adjudicate.look()

    over = await bench.run(run)
    assert over.reason is Reason.REJECTED
    assert "not in handrail.yaml any more" in over.note


async def test_a_group_that_cannot_be_read_approves_nothing_yet(bench: Bench) -> None:
    bench.changes(approvals=ApprovalRule(count=1, from_=("@platform",)))
    bench.stage.people.members["@platform"] = {BOB.id}
    run = await bench.pending()
    await bench.says(BOB, run)
    bench.stage.people.away = True
    await bench.adjudicate.look()
    assert "Handrail asks again" in (await bench.run(run)).approval_note

    bench.stage.people.away = False
    await bench.adjudicate.look()

    assert (await bench.run(run)).approval is Approval.APPROVED
    assert bench.wakes[-1] == "schedule"


async def test_where_nobody_has_to_agree_any_more_the_run_goes_on(
    bench: Bench,
) -> None:
    run = await bench.pending()
    bench.changes(approvals=None)

    await bench.adjudicate.look()

    assert (await bench.run(run)).approval is Approval.APPROVED


async def test_what_was_taken_back_meanwhile_is_left_alone(bench: Bench) -> None:
    run = await bench.submitted()
    await bench.stage.record.ask_stop(run.id, HANDRAIL, later(61))

    await bench.adjudicate.look()

    assert (await bench.run(run)).state is RunState.DISCARDED
