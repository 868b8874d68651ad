"""What rules make of a command, and what they come to together."""

from itertools import permutations

import pytest

from bot.domain.approval import Judgment, Outcome
from bot.domain.opinion import (
    Opinion,
    Stance,
    asks_nobody,
    listed,
    of_denials,
    of_judgment,
    refusals,
)
from bot.domain.opinion import together as stance_of
from bot.domain.policy import Ruling

AGREES, ASKS, REFUSES = (
    Opinion(rule=stance.value, stance=stance, sentences=(f"It {stance.value}.",))
    for stance in (Stance.AGREES, Stance.ASKS, Stance.REFUSES)
)


@pytest.mark.parametrize(
    ("opinions", "stance"),
    [
        ((), Stance.AGREES),
        ((AGREES,), Stance.AGREES),
        ((AGREES, ASKS), Stance.ASKS),
        ((AGREES, ASKS, REFUSES), Stance.REFUSES),
    ],
)
def test_the_strictest_counts_in_any_order(
    opinions: tuple[Opinion, ...], stance: Stance
) -> None:
    assert {stance_of(some) for some in permutations(opinions)} == {stance}


def test_only_those_that_refuse_are_quoted_as_refusals() -> None:
    assert refusals([AGREES, REFUSES, ASKS]) == ("It refuses.",)


def test_why_nobody_has_to_agree_is_told() -> None:
    by_entry, by_preset = listed("terraform (plan|show)"), asks_nobody("restart")

    (of_entry,), (of_preset,) = by_entry.lines, by_preset.lines
    assert of_entry == (
        "approvals: Nobody has to agree to this command. It matches terraform "
        "(plan|show) in except."
    )
    assert of_preset == (
        "approvals: Nobody has to agree to this command. The preset !restart asks "
        "nobody (approvals: none)."
    )
    assert {by_entry.stance, by_preset.stance} == {Stance.AGREES}


def test_a_policy_that_failed_refuses_by_saying_so() -> None:
    failed = of_denials(Ruling(policy="a.rego", failed="a.rego took too long."))

    assert (failed.stance, failed.lines) == (Stance.REFUSES, ("a.rego took too long.",))


def test_a_policy_that_denies_nothing_agrees() -> None:
    silent = of_denials(Ruling(policy="a.rego"))

    assert (silent.stance, silent.lines) == (
        Stance.AGREES,
        ("a.rego denies nothing.",),
    )


@pytest.mark.parametrize(
    ("outcome", "stance"),
    [
        (Outcome.REJECTED, Stance.REFUSES),
        (Outcome.UNDECIDED, Stance.ASKS),
        (Outcome.APPROVED, Stance.AGREES),
    ],
)
def test_a_judgment_is_an_opinion(outcome: Outcome, stance: Stance) -> None:
    judgment = Judgment(outcome=outcome, notes=("a.rego: why", "why"))

    opinion = of_judgment("a.rego", judgment)

    assert opinion.stance is stance
    assert opinion.lines == ("a.rego: why", "a.rego: why")
