"""The forms that ask why."""

from bot.domain.words import Reject, Steal
from bot.sandbox.limits import check_view
from bot.slack import forms
from bot.slack.blocks import Block
from tests.support.bot import text_of
from tests.support.builders import NOON

ON_NET_PROD = f"net-prod|{NOON.isoformat()}"


def filled(form: Block, reason: str | None) -> Block:
    """Return *form* as it is submitted with *reason*."""
    values = {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}
    return {**form, "state": {"values": values}}


def test_slack_takes_the_form_whatever_the_stack_is_called() -> None:
    for stack in ("net-prod", "", "<!channel>" * 6, "&" * 63):
        form = forms.steal(stack, channel="C0INFRA", thread_ts="1795176000.000100")

        assert check_view(form, kind="modal") is form


def test_the_form_knows_the_thread_that_it_was_opened_in() -> None:
    form = forms.steal(ON_NET_PROD, channel="C0INFRA", thread_ts="1795176000.000100")

    assert forms.place_in(form) == ("C0INFRA", "1795176000.000100")


def test_the_form_knows_the_hold_that_it_was_opened_for() -> None:
    form = forms.steal(ON_NET_PROD, channel="C0INFRA", thread_ts="1.2")
    of_no_hold = forms.steal("net-prod", channel="C0INFRA", thread_ts="1.2")

    assert "the lock on *net-prod*." in text_of(form)
    assert forms.word_in(filled(form, "ill")) == Steal(reason="ill", since=NOON)
    assert forms.word_in(filled(of_no_hold, "ill")) == Steal(reason="ill")


def test_the_form_of_a_rejection_knows_what_was_seen() -> None:
    subject = "f" * 64
    form = forms.reject(subject, channel="C0INFRA", thread_ts="1.2")

    assert check_view(form, kind="modal") is form
    assert forms.place_in(form) == ("C0INFRA", "1.2")
    word = forms.word_in(filled(form, " no: not <today> "))
    assert word == Reject(note="no: not <today>", subject=subject)


def test_the_reason_is_what_was_filled_in() -> None:
    assert forms.reason_in(filled({}, "  she is ill\n")) == "she is ill"
    assert forms.reason_in(filled({}, "   ")) == ""
    assert forms.reason_in(filled({}, None)) == ""
    assert forms.reason_in({"state": {"values": {}}}) == ""
