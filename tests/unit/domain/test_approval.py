"""Which reviews count: what each person said last of what the run is now."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.approval import Decision, Review, counted
from bot.domain.policy import Session
from bot.domain.run import RunId
from tests.support.builders import NOON, an_actor

SUBJECT = "s"


def said(name: str, decision: Decision, ordinal: int, after: int = 0) -> Review:
    """Return the review stored as number *ordinal*, said *after* seconds past noon."""
    return Review(
        run=RunId(1),
        ordinal=ordinal,
        actor=an_actor(name),
        session=Session(login=name),
        decision=decision,
        at=NOON + timedelta(seconds=after),
        subject=SUBJECT,
    )


def test_only_what_somebody_said_last_counts() -> None:
    yes, no = said("bob", Decision.APPROVE, 1), said("bob", Decision.REJECT, 2, after=1)

    reviews = counted([yes, no], SUBJECT)

    assert reviews.rejections == (no,)
    assert reviews.approvals == ()
    assert reviews.older == (yes,)


def test_what_was_said_last_counts_even_where_it_was_heard_first() -> None:
    no, yes = said("bob", Decision.REJECT, 1, after=9), said("bob", Decision.APPROVE, 2)

    reviews = counted([no, yes], SUBJECT)

    assert reviews.current == (no,)
    assert reviews.older == (yes,)


def test_each_person_has_a_word() -> None:
    bob, cat = said("bob", Decision.APPROVE, 1), said("cat", Decision.REJECT, 2)

    assert counted([bob, cat], SUBJECT).current == (bob, cat)


def test_a_review_of_another_subject_does_not_count() -> None:
    yes = said("bob", Decision.APPROVE, 1)

    assert counted([yes], "another").current == ()


def test_a_void_review_brings_no_earlier_one_back() -> None:
    yes = said("bob", Decision.APPROVE, 1)
    void = replace(said("bob", Decision.REJECT, 2, after=1), void=True)

    assert counted([yes, void], SUBJECT).current == ()
