"""What OPA answered becomes a ruling, or a reason why there is none."""

import pytest

from bot.domain.policy import Ruling
from bot.policies.answers import NotEvaluated, ruling_of


def test_what_no_rule_says_is_neither_yes_nor_no() -> None:
    ruling = ruling_of("p", {})

    assert ruling == Ruling(policy="p")
    assert not ruling.approves
    assert not ruling.rejects


def test_every_rule_has_its_place() -> None:
    ruling = ruling_of(
        "p",
        {
            "deny": ["a"],
            "approve": True,
            "reject": True,
            "approve_with_note": ["b"],
            "reject_with_note": "c",
            "undecided_with_note": ["d"],
            "sample": True,
        },
    )

    assert ruling == Ruling(
        policy="p",
        deny=("a",),
        approve=True,
        reject=True,
        approve_notes=("b",),
        reject_notes=("c",),
        undecided_notes=("d",),
        sample=True,
    )


@pytest.mark.parametrize("answer", [None, True, [], "yes", 1])
def test_an_answer_that_is_no_object_is_none(answer: object) -> None:
    with pytest.raises(NotEvaluated, match="It gave no answer"):
        ruling_of("p", answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"deny": True}, "deny has to be a set of sentences; it is true or false."),
        ({"deny": "no"}, "deny has to be a set of sentences; it is a string."),
        ({"deny": {"a": 1}}, "deny has to be a set of sentences; it is an object."),
        ({"deny": None}, "deny has to be a set of sentences; it is null."),
        ({"deny": [{}]}, "deny has to be a set of sentences; it has an object."),
        ({"approve": 1}, "approve has to be true or false; it is a number."),
        ({"approve": "true"}, "approve has to be true or false; it is a string."),
        ({"approve": None}, "approve has to be true or false; it is null."),
        ({"reject": ["x"]}, "reject has to be true or false; it is a set or an array."),
        ({"sample": 1.5}, "sample has to be true or false; it is a number."),
        (
            {"approve_with_note": True},
            "approve_with_note has to be a set of sentences; it is true or false.",
        ),
    ],
)
def test_a_value_of_another_type_is_no_answer(answer: object, said: str) -> None:
    with pytest.raises(NotEvaluated) as told:
        ruling_of("p", answer)

    assert str(told.value) == said
