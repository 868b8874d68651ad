"""A telling comes out of the outbox as it went in."""

import re
from typing import get_args

import pytest

from bot.domain import telling as tellings
from bot.domain.approval import Decision
from bot.domain.run import RunId, ThreadId
from bot.domain.telling import Telling
from bot.store.tellings import (
    FIRST,
    REPLACED,
    from_text,
    hidden,
    kind_of,
    to_text,
)
from runner.masking.masker import Masks
from runner.masking.secrets import Secret
from tests.support.builders import NOON, a_hold, an_actor

RUN = RunId(7)
THREAD = ThreadId(9)
TELLINGS: tuple[Telling, ...] = (
    tellings.Header(run=RUN),
    tellings.Card(stack="net-prod"),
    tellings.Echo(run=RUN),
    tellings.Echo(run=RUN, remarks=("a “quote”", "b")),
    tellings.Waiting(run=RUN),
    tellings.Held(holds=(a_hold(),)),
    tellings.Held(holds=(a_hold(until=NOON), a_hold(stack="b", thread=THREAD))),
    tellings.Released(holds=(a_hold(),), actor=an_actor("bob"), reason="done"),
    tellings.Stolen(held=a_hold(), wanted=a_hold(by="bob", reason="away")),
    tellings.Expired(hold=a_hold(until=NOON)),
    tellings.Planned(run=RUN),
    tellings.Confirmed(actor=an_actor()),
    *(tellings.Notice(kind=kind, stack="net-prod") for kind in tellings.NoticeKind),
    tellings.Notice(
        kind=tellings.NoticeKind.STOLEN,
        stack="net-prod",
        hold=a_hold(reason="mine"),
        actor=an_actor("bob"),
        reason="away",
    ),
    tellings.Reviewed(actor=an_actor(), decision=Decision.APPROVE),
    tellings.Reviewed(actor=an_actor(), decision=Decision.REJECT, note="no"),
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


#: how the first released version stored what is told otherwise today
EARLIER: tuple[tuple[str, str, Telling], ...] = (
    (
        "waiting",
        """{"place": 1, "blocking_run": null, "since": "2026-11-20T12:00:00+00:00",
        "hold": {"stack": "net-prod", "actor": {"kind": "person", "id": "U0ANN",
        "team": "T0HOME", "name": "ann"}, "reason": "why",
        "since": "2026-11-20T12:00:00+00:00"}}""",
        tellings.Waiting(run=RUN),
    ),
    (
        "held",
        """{"hold": {"stack": "net-prod", "actor": {"kind": "person", "id": "U0ANN",
        "team": "T0HOME", "name": "ann"}, "reason": "why",
        "since": "2026-11-20T12:00:00+00:00"}}""",
        tellings.Held(holds=(a_hold(reason="why"),)),
    ),
    (
        "released",
        """{"hold": {"stack": "net-prod", "actor": {"kind": "person", "id": "U0ANN",
        "team": "T0HOME", "name": "ann"}, "reason": "",
        "since": "2026-11-20T12:00:00+00:00"}, "actor": {"kind": "person",
        "id": "U0BOB", "team": "T0HOME", "name": "bob"}, "reason": "done"}""",
        tellings.Released(holds=(a_hold(),), actor=an_actor("bob"), reason="done"),
    ),
)


@pytest.mark.parametrize(("kind", "text", "telling"), EARLIER)
def test_what_an_earlier_version_stored_is_read(
    kind: str, text: str, telling: Telling
) -> None:
    assert from_text(kind, text, RUN) == telling


def test_what_shows_how_things_are_is_told_in_place() -> None:
    assert {"header", "card", "waiting", "tail"} == REPLACED


def test_a_thread_begins_with_its_run_its_stack_or_a_direct_message() -> None:
    assert {"header", "card", "notice"} == FIRST


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
    assert after(tellings.Held(holds=(hold,))) == tellings.Held(
        holds=(a_hold(reason="it is *****"),)
    )
    assert after(tellings.Echo(run=RUN, remarks=("a", words))) == tellings.Echo(
        run=RUN, remarks=("a", "it is *****")
    )
