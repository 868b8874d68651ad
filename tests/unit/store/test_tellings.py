"""A telling comes out of the outbox as it went in."""

import re
from typing import get_args

import pytest

from bot.domain import telling as tellings
from bot.domain.run import RunId
from bot.domain.telling import Telling
from bot.store.tellings import (
    FIRST,
    REPLACED,
    TAIL,
    from_text,
    hidden,
    kind_of,
    to_text,
)
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
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


HIDE = Masks((Secret("redacted", b'hunter2 "or" 3'),))


@pytest.mark.parametrize("telling", TELLINGS, ids=repr)
def test_a_telling_without_the_text_stays_as_it_is(telling: Telling) -> None:
    text = to_text(telling)

    assert hidden(text, HIDE) is text


@pytest.mark.parametrize("telling", TELLINGS, ids=repr)
def test_a_telling_can_be_read_whatever_was_hidden_in_it(telling: Telling) -> None:
    everything = Masks(
        Secret("redacted", word.encode())
        for word in re.findall(r"[\w.:+-]{6,}", to_text(telling))
    )

    again = from_text(kind_of(telling), hidden(to_text(telling), everything))

    assert type(again) is type(telling)


def test_words_are_hidden_as_they_were_said() -> None:
    words = 'it is hunter2 "or" 3'
    hold = a_hold(reason=words)

    def after(telling: Telling) -> Telling:
        return from_text(kind_of(telling), hidden(to_text(telling), HIDE))

    assert after(tellings.Said(text=words)) == tellings.Said(text="it is *****")
    assert after(tellings.Held(hold=hold)) == tellings.Held(
        hold=a_hold(reason="it is *****")
    )
    assert after(tellings.Echo(run=RUN, remarks=("a", words))) == tellings.Echo(
        run=RUN, remarks=("a", "it is *****")
    )
