"""The form that asks why a lock is taken over."""

from bot.sandbox.limits import check_view
from bot.slack import forms
from tests.support.bot import text_of
from tests.support.builders import NOON

ON_NET_PROD = f"net-prod|{NOON.isoformat()}"


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
    assert forms.since_in(form) == NOON
    assert forms.since_in(of_no_hold) is None


def test_the_reason_is_what_was_filled_in() -> None:
    def filled(value: object) -> str:
        values = {"reason": {"reason": {"type": "plain_text_input", "value": value}}}
        return forms.reason_in({"state": {"values": values}})

    assert filled("  she is ill\n") == "she is ill"
    assert filled("   ") == ""
    assert filled(None) == ""
    assert forms.reason_in({"state": {"values": {}}}) == ""
