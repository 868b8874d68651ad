"""What is shown to one person alone."""

import pytest

from bot.domain.errors import (
    IllegalTransition,
    Refusal,
    Refused,
    RoleSourceUnavailable,
    StoreUnavailable,
)
from bot.domain.lock import EVERY
from bot.domain.sentences import HELP
from bot.slack import whispers


def test_a_refusal_of_a_held_stack_offers_to_say_when_it_is_free() -> None:
    refused = Refused("ann <has> it", reason=Refusal.HELD, stack="net-prod")

    told, row = whispers.refusal(refused).blocks

    assert told["text"]["text"] == "ann &lt;has&gt; it"
    assert [(b["action_id"], b["value"]) for b in row["elements"]] == [
        ("notify", "net-prod")
    ]


@pytest.mark.parametrize(
    "refused",
    [
        Refused("no & no", reason=Refusal.NOT_ALLOWED, stack="net-prod"),
        Refused("no & no", reason=Refusal.HELD),
        Refused("no & no", reason=Refusal.HELD, stack=EVERY),
    ],
    ids=["not held", "no stack", "every stack"],
)
def test_any_other_refusal_is_a_sentence(refused: Refused) -> None:
    assert whispers.refusal(refused) == whispers.Whisper(text="no &amp; no")


def test_people_whom_a_rule_asks_are_mentioned() -> None:
    said = whispers.answer("1 of @platform or U0ADA has to agree; nobody has.")

    assert said.text == "1 of @platform or <@U0ADA> has to agree; nobody has."


def test_of_a_store_that_is_away_only_that_nothing_was_done_is_said() -> None:
    told = whispers.refusal(StoreUnavailable("disk full at /var/lib"))

    assert "nothing was run or changed" in told.text
    assert "/var/lib" not in told.text


def test_of_slack_that_cannot_be_asked_it_is_said_that_nothing_was_done() -> None:
    told = whispers.refusal(RoleSourceUnavailable("Slack says <nothing>."))

    assert told.text == (
        "Slack says &lt;nothing&gt;. Nothing was done. Try again in a minute."
    )


def test_an_error_that_is_no_refusal_is_raised() -> None:
    with pytest.raises(IllegalTransition):
        whispers.refusal(IllegalTransition("run 1"))


def test_help_is_shown_whole() -> None:
    assert whispers.answer(HELP).text.endswith("unfreeze.")
    assert len(whispers.answer("<" * 40_000).text) <= 3_000
