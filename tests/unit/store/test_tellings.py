"""A telling comes out of the outbox as it went in."""

from typing import get_args

import pytest

from bot.domain import telling as tellings
from bot.domain.run import RunId
from bot.domain.telling import Telling
from bot.store.tellings import FIRST, REPLACED, TAIL, from_text, kind_of, to_text
from tests.support.builders import NOON, a_hold, an_actor

RUN = RunId(7)
TELLINGS: tuple[Telling, ...] = (
    tellings.Header(run=RUN),
    tellings.Card(stack="net-prod"),
    tellings.Echo(run=RUN),
    tellings.Echo(run=RUN, remarks=("a “quote”", "b")),
    tellings.Waiting(place=2),
    tellings.Waiting(place=1, blocking_run=RUN, since=NOON),
    tellings.Waiting(place=1, hold=a_hold(reason="why"), since=NOON),
    tellings.Held(hold=a_hold()),
    tellings.Released(hold=a_hold(), actor=an_actor("bob"), reason="done"),
    tellings.StopAsked(actor=an_actor()),
    tellings.Said(text="line\nline"),
    tellings.Said(text="hello", to=an_actor()),
    tellings.Tail(run=RUN),
    tellings.Final(run=RUN),
)


@pytest.mark.parametrize("telling", TELLINGS, ids=repr)
def test_a_telling_is_read_as_it_was_written(telling: Telling) -> None:
    assert from_text(kind_of(telling), to_text(telling)) == telling


def test_every_kind_of_telling_can_be_stored() -> None:
    assert {type(telling) for telling in TELLINGS} == set(get_args(Telling))


def test_a_threads_first_messages_and_its_tail_are_told_in_place() -> None:
    assert {"header", "card"} == FIRST
    assert FIRST | {TAIL} == REPLACED
