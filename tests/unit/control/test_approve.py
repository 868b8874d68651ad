"""What people say counts for what they saw, and only as long as they may say it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.approval import Decision
from bot.domain.errors import Refusal, Refused, RoleSourceUnavailable
from bot.domain.people import Standing, api_actor
from bot.domain.rule import ApprovalRule
from bot.domain.run import Approval
from bot.domain.stack import FromEnv
from tests.support.builders import an_actor, later
from tests.support.policies import ScriptedPolicies, a_policy
from tests.unit.control.approving import ANN, BOB, CAT, Bench
from tests.unit.control.stand_ins import a_stage

RITA = an_actor("rita")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_stage(tmp_path) as stage:
        yield Bench(stage=stage)


def undecided(policy: str, note: str) -> ScriptedPolicies:
    """Return a policy that nobody's review is enough for, and that says *note*."""
    return ScriptedPolicies(deciding={policy: lambda _: {"undecided_notes": (note,)}})


async def test_a_review_is_of_what_was_seen_and_has_who_said_it(bench: Bench) -> None:
    run = await bench.pending()

    await bench.says(BOB, run, subject=run.subject or "", note="fine")

    (review,) = await bench.approvals.reviews(run.id)
    assert (review.actor, review.note) == (BOB, "fine")
    assert review.subject == run.subject
    assert review.session.login == BOB.id
    assert bench.wakes == ["judge"]


async def test_a_review_after_the_time_to_agree_is_none(bench: Bench) -> None:
    run = await bench.pending()
    assert run.approval_expires is not None
    bench.now = run.approval_expires

    with pytest.raises(Refused, match="The time to agree") as refused:
        await bench.says(BOB, run)
    in_time = bench.now - timedelta(seconds=1)
    await bench.says(BOB, run, said_at=in_time)

    assert refused.value.reason is Refusal.TOO_LATE
    (review,) = await bench.approvals.reviews(run.id)
    assert review.at == in_time


async def test_a_button_of_another_subject_changes_nothing(bench: Bench) -> None:
    run, other = await bench.pending("one"), await bench.pending("two")

    with pytest.raises(Refused, match="not what it was") as refused:
        await bench.says(BOB, run, subject=other.subject or "")

    assert refused.value.reason is Refusal.STALE
    assert await bench.approvals.reviews(run.id) == ()


async def test_what_was_said_before_the_run_was_changed_was_said_of_another(
    bench: Bench,
) -> None:
    run = await bench.pending()
    bench.changes(env={"A": "b"})
    bench.now = later(120)
    await bench.adjudicate.look()

    with pytest.raises(Refused, match="not what it was"):
        await bench.says(BOB, run, said_at=later(119))

    await bench.says(BOB, run, said_at=later(121))
    assert len(await bench.approvals.reviews(run.id)) == 1


async def test_a_change_that_is_not_noted_yet_is_a_change(bench: Bench) -> None:
    run = await bench.pending()
    bench.changes(env={"A": "b"})

    with pytest.raises(Refused, match="not what it was"):
        await bench.says(BOB, run)


async def test_nobody_agrees_to_what_is_not_known_yet(bench: Bench) -> None:
    run = await bench.submitted()

    with pytest.raises(Refused, match="finding out what exactly"):
        await bench.says(BOB, run)


@pytest.mark.parametrize("decision", Decision)
async def test_nobody_reviews_their_own_run(bench: Bench, decision: Decision) -> None:
    run = await bench.pending()

    with pytest.raises(Refused, match="your own") as refused:
        await bench.says(ANN, run, decision)

    assert refused.value.reason is Refusal.NOT_ALLOWED
    assert ANN.id not in str(refused.value)
    approves = decision is Decision.APPROVE
    assert ("Ask U0BOB or U0CAT." in str(refused.value)) is approves
    assert ("To take it back, reply stop." in str(refused.value)) is not approves


async def test_nobody_approves_who_is_not_asked_to_but_writers_may_reject(
    bench: Bench,
) -> None:
    bench.changes(approvals=ApprovalRule(count=1, from_=("@security",)))
    bench.stage.people.members["@security"] = {RITA.id}
    run = await bench.pending()

    with pytest.raises(Refused) as refused:
        await bench.says(BOB, run)

    assert str(refused.value) == (
        "You are none of those whose approval counts for run 1. 1 of @security has to "
        "agree; nobody has."
    )
    assert await bench.approvals.reviews(run.id) == ()
    await bench.says(RITA, run)
    await bench.says(BOB, run, Decision.REJECT, note="no")
    assert [it.actor for it in await bench.approvals.reviews(run.id)] == [RITA, BOB]


async def test_where_policies_decide_who_is_refused_reads_what_they_say(
    bench: Bench,
) -> None:
    note = "Two directors have to agree, not  one."
    bench.policies = undecided("two.rego", note)
    bench.changes(policies=(a_policy("two.rego"),))
    run = await bench.pending()

    builtin = "1 of the writers of net-prod has to agree; nobody has."
    for who, words in (
        (RITA, "You are none of those whose approval counts for run 1."),
        (ANN, "Run 1 is your own, so somebody else has to approve it."),
    ):
        with pytest.raises(Refused) as refused:
            await bench.says(who, run)
        assert str(refused.value) == f"{words} {builtin}\n{note}"


async def test_a_writer_whom_only_a_policy_could_count_is_not_told_that_it_counts(
    bench: Bench,
) -> None:
    bench.policies = undecided("any.rego", "Anybody.")
    bench.changes(
        approvals=ApprovalRule(count=1, from_=("@security",)),
        policies=(a_policy("any.rego"),),
    )
    run = await bench.pending()
    await bench.says(BOB, run)

    with pytest.raises(Refused) as refused:
        await bench.says(BOB, run)

    assert str(refused.value) == (
        "You said approve to run 1 already. 1 of @security has to agree; nobody "
        "has.\nAnybody."
    )


async def test_who_comes_too_late_reads_once_how_it_ended(bench: Bench) -> None:
    rejected, stopped = await bench.pending("one"), await bench.pending("two")
    await bench.says(BOB, rejected, Decision.REJECT, note="not now")
    await bench.adjudicate.look()
    await bench.stage.record.ask_stop(stopped.id, ANN, later(70))

    for run, words in (
        (rejected, "Run 1 is over and did not start. bob rejected it: not now"),
        (stopped, "Run 2 is over: discarded by ann."),
    ):
        with pytest.raises(Refused) as refused:
            await bench.says(CAT, run)
        assert str(refused.value) == words


async def test_a_reader_an_api_key_and_a_deactivated_writer_may_not(
    bench: Bench,
) -> None:
    run = await bench.pending()
    bench.stage.people.standing[CAT.id] = Standing.DEACTIVATED

    with pytest.raises(Refused, match="none of those whose approval"):
        await bench.says(RITA, run)
    with pytest.raises(Refused, match="deactivated"):
        await bench.says(CAT, run)
    with pytest.raises(Refused, match="revoked"):
        await bench.says(api_actor("ci"), run)

    assert await bench.approvals.reviews(run.id) == ()


@pytest.mark.parametrize(
    ("self_review", "whom"),
    [(False, "U0BOB or U0CAT"), (True, "U0ANN, U0BOB or U0CAT")],
)
async def test_whoever_may_not_is_sent_to_those_who_may(
    bench: Bench, self_review: bool, whom: str
) -> None:
    bench.changes(self_review=self_review)
    run = await bench.pending()

    with pytest.raises(Refused) as refused:
        await bench.says(RITA, run)

    assert str(refused.value).endswith(f"; nobody has. Ask {whom}.")


async def test_who_somebody_is_and_may_is_asked_afresh(bench: Bench) -> None:
    bench.changes(writers=("@platform",))
    bench.stage.people.members["@platform"] = {BOB.id}
    run = await bench.pending()
    bench.stage.people.asked_fresh.clear()

    await bench.says(BOB, run)

    assert all(bench.stage.people.asked_fresh)
    assert bench.stage.people.asked_fresh


async def test_a_group_that_cannot_be_read_lets_nobody_in(bench: Bench) -> None:
    run = await bench.pending()
    bench.stage.people.away = True

    with pytest.raises(RoleSourceUnavailable):
        await bench.says(BOB, run)

    bench.stage.people.away = False
    assert await bench.approvals.reviews(run.id) == ()


async def test_a_secret_in_a_note_is_not_kept(bench: Bench) -> None:
    bench.changes(secrets={"PW": FromEnv(variable="PW")})
    bench.stage.safe.values["PW"] = "correct-horse-battery"
    run = await bench.pending()

    await bench.says(BOB, run, note="with correct-horse-battery it works")

    (review,) = await bench.approvals.reviews(run.id)
    assert review.note == "with ***** it works"


async def test_a_second_word_with_another_note_takes_the_place_of_the_first(
    bench: Bench,
) -> None:
    bench.changes(approvals=ApprovalRule(count=2))
    run = await bench.pending()
    await bench.says(BOB, run)

    await bench.says(BOB, run, note="I looked again")

    assert len(await bench.approvals.reviews(run.id)) == 2
    with pytest.raises(Refused, match="already"):
        await bench.says(BOB, run)


async def test_what_is_approved_takes_no_more_reviews(bench: Bench) -> None:
    run = await bench.approved()

    with pytest.raises(Refused, match="approved already") as refused:
        await bench.says(CAT, run, Decision.REJECT, note="no")

    assert refused.value.reason is Refusal.NOT_ASKED
    assert (await bench.run(run)).approval is Approval.APPROVED
