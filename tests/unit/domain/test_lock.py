"""What blocks what: every case there is."""

from itertools import product

import pytest

from bot.domain.lock import Claim, Hold, Occupancy, admits, blocker
from bot.domain.people import HANDRAIL, Actor, ActorKind
from bot.domain.run import RunId
from tests.support.builders import NOON, STACK, a_hold, an_actor

ANN, BOB = an_actor("ann"), an_actor("bob")
CLAIM = Claim(stack=STACK, run=RunId(7), fence=1, since=NOON)
BY_ANN, BY_BOB = a_hold(by="ann"), a_hold(by="bob")

#: claim, hold, whose run → what keeps it queued
TABLE = {
    (None, None, ANN): None,
    (None, None, BOB): None,
    (None, BY_ANN, ANN): None,
    (None, BY_ANN, BOB): BY_ANN,
    (None, BY_BOB, ANN): BY_BOB,
    (None, BY_BOB, BOB): None,
    (CLAIM, None, ANN): CLAIM,
    (CLAIM, None, BOB): CLAIM,
    (CLAIM, BY_ANN, ANN): CLAIM,
    (CLAIM, BY_ANN, BOB): BY_ANN,
    (CLAIM, BY_BOB, ANN): BY_BOB,
    (CLAIM, BY_BOB, BOB): CLAIM,
}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(product((None, CLAIM), (None, BY_ANN, BY_BOB), (ANN, BOB)))


@pytest.mark.parametrize(("case", "expected"), TABLE.items())
def test_a_run_is_kept_queued_by_another_run_or_anothers_hold(
    case: tuple[Claim | None, Hold | None, Actor], expected: Claim | Hold | None
) -> None:
    claim, hold, actor = case

    assert blocker(Occupancy(claim=claim, hold=hold), actor) == expected
    assert admits(hold, actor) is (not isinstance(expected, Hold))


@pytest.mark.parametrize(
    "stranger",
    [
        Actor(kind=ActorKind.PERSON, id="U0ANN", team="T0ELSE", name="ann"),
        Actor(kind=ActorKind.API_KEY, id="U0ANN", team="T0HOME", name="ann"),
        Actor(kind=ActorKind.PERSON, id="U0AN", team="T0HOME", name="ann"),
        HANDRAIL,
    ],
)
def test_only_the_very_same_hand_holds(stranger: Actor) -> None:
    assert not admits(BY_ANN, stranger)


def test_a_new_name_is_still_the_same_hand() -> None:
    renamed = Actor(kind=ActorKind.PERSON, id="U0ANN", team="T0HOME", name="anna")

    assert admits(BY_ANN, renamed)
