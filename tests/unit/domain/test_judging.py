"""What rules and policies come to, each by itself and all together."""

from dataclasses import replace
from itertools import permutations

import pytest

from bot.domain.approval import Decision, Judgment, Outcome, Review
from bot.domain.judging import by_rule, by_ruling, rule_of, together
from bot.domain.policy import Ruling, Session
from bot.domain.preset import Preset
from bot.domain.rule import ApprovalRule
from bot.domain.run import RunId
from bot.domain.stack import Stack
from tests.support.builders import NOON, STACK, an_actor

TWO = ApprovalRule(count=2, from_=("@platform",))
ONE = ApprovalRule(count=1)
NET = Stack(name=STACK, image="", writers=(), approvals=TWO)
YES = Judgment(outcome=Outcome.APPROVED, notes=("yes",))
NO = Judgment(outcome=Outcome.REJECTED, notes=("no",))
PERHAPS = Judgment(outcome=Outcome.UNDECIDED, notes=("perhaps",))


def said(name: str, decision: Decision = Decision.APPROVE, note: str = "") -> Review:
    return Review(
        run=RunId(1),
        actor=an_actor(name),
        session=Session(login=name),
        decision=decision,
        note=note,
        at=NOON,
        subject="s",
    )


def test_a_rule_says_how_many_of_whom_have_agreed_so_far() -> None:
    nobody = by_rule(TWO, NET, [], [])
    one = by_rule(TWO, NET, [said("bob")], [])
    of_writers = by_rule(ONE, NET, [], [])

    assert nobody == Judgment(
        outcome=Outcome.UNDECIDED,
        notes=("2 of @platform have to agree; nobody has.",),
    )
    assert one.notes == ("2 of @platform have to agree; 1 has (bob).",)
    assert of_writers.notes == (
        "1 of the writers of net-prod has to agree; nobody has.",
    )


def test_whom_a_rule_asks_is_a_choice() -> None:
    rule = replace(ONE, from_=("@platform", "U0ADA", "U0BOB"))

    (note,) = by_rule(rule, NET, [], []).notes

    assert note == "1 of @platform, U0ADA or U0BOB has to agree; nobody has."


def test_enough_people_approve() -> None:
    judged = by_rule(TWO, NET, [said("bob"), said("cat")], [])

    assert judged == Judgment(
        outcome=Outcome.APPROVED, notes=("Approved by bob, cat.",)
    )


def test_one_rejection_is_enough_however_many_agree() -> None:
    no = said("dan", Decision.REJECT, "not today")

    judged = by_rule(TWO, NET, [said("bob"), said("cat")], [no])

    assert judged == Judgment(
        outcome=Outcome.REJECTED, notes=("dan rejected it: not today",)
    )


@pytest.mark.parametrize(
    ("ruling", "outcome", "notes"),
    [
        (Ruling(policy="p"), "undecided", ("p does not say who has to agree.",)),
        (
            Ruling(policy="p", undecided_notes=("A director.",)),
            "undecided",
            ("A director.",),
        ),
        (Ruling(policy="p", approve=True), "approved", ("p approves it.",)),
        (Ruling(policy="p", approve_notes=("ok",)), "approved", ("p: ok",)),
        (Ruling(policy="p", approve=True, reject=True), "rejected", ("p rejects it.",)),
        (Ruling(policy="p", reject_notes=("a", "b")), "rejected", ("p: a", "p: b")),
        (
            Ruling(policy="p", approve=True, failed="p took too long."),
            "rejected",
            ("p took too long.",),
        ),
    ],
)
def test_a_policy_judges_by_its_rules(
    ruling: Ruling, outcome: str, notes: tuple[str, ...]
) -> None:
    assert by_ruling(ruling) == Judgment(outcome=Outcome(outcome), notes=notes)


def test_any_rejection_wins_whatever_the_order() -> None:
    for judgments in permutations((YES, NO, PERHAPS)):
        assert together(judgments) == NO


def test_it_is_approved_once_all_approve() -> None:
    assert together([YES, PERHAPS]).outcome is Outcome.UNDECIDED
    assert together([YES, YES]) == Judgment(
        outcome=Outcome.APPROVED, notes=("yes", "yes")
    )


def test_a_preset_has_the_rule_of_its_stack_unless_it_has_its_own() -> None:
    own = Preset(name="own", command="x", approvals=ONE)
    plain = Preset(name="plain", command="x")
    stack = Stack(
        name=STACK,
        image="",
        writers=(),
        approvals=TWO,
        presets={"own": own, "plain": plain},
    )

    assert rule_of(stack, "own") == ONE
    assert rule_of(stack, "plain") == TWO
    assert rule_of(stack, "") == TWO
