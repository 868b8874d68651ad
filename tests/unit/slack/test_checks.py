"""What would become of a command, as it is shown."""

import json
from dataclasses import replace

from bot.control.check_task import Checked
from bot.domain.opinion import Opinion, Stance
from bot.domain.stack import StackName
from bot.slack.checks import shown
from tests.support.bot import text_of

WEEKEND = Opinion(
    rule="weekend.rego", stance=Stance.REFUSES, sentences=("Not on a Sunday.",)
)
TWO = Opinion(
    rule="approvals",
    stance=Stance.ASKS,
    sentences=("2 of @platform have to agree; nobody has.",),
)
PLAIN = Opinion(rule="plain.rego", stance=Stance.AGREES)
CHECKED = Checked(
    stack=StackName("net-prod"),
    asked="terraform apply",
    now="net-prod is free and nothing waits.",
)


def told(checked: Checked) -> list[str]:
    """Return what is shown, line by line."""
    return text_of({"blocks": shown(checked).blocks}).split("\n")


def test_where_nobody_has_to_agree_it_would_run() -> None:
    assert told(CHECKED) == [
        ":mag: *net-prod*",
        "terraform apply",
        ":white_check_mark: *It would run; nobody has to agree.*",
        "Now: net-prod is free and nothing waits.",
    ]


def test_every_rule_is_a_line() -> None:
    lines = told(replace(CHECKED, opinions=(WEEKEND, PLAIN, TWO)))

    assert lines[2:6] == [
        ":no_entry: *It would be refused.*",
        ":no_entry: weekend.rego: Not on a Sunday.",
        ":white_check_mark: plain.rego denies nothing.",
        ":raised_hand: approvals: 2 of @platform have to agree; nobody has.",
    ]


def test_who_would_have_to_agree_is_said() -> None:
    whisper = shown(replace(CHECKED, opinions=(PLAIN, TWO)))

    assert whisper.text == (
        ":raised_hand: *It would wait until people agree to it.* Nothing was run."
    )


def test_who_holds_the_stack_is_said_beside_it() -> None:
    lines = told(replace(CHECKED, held="bob has held net-prod for 5 min: surgery."))

    assert lines[2] == ":white_check_mark: *It would run; nobody has to agree.*"
    assert lines[3] == ":lock: *Not now.* bob has held net-prod for 5 min: surgery."


def test_who_may_not_send_it_sees_no_command() -> None:
    lines = told(Checked(stack=StackName("net-prod"), refusal="Only writers may."))

    assert lines == [
        ":mag: *net-prod*",
        ":no_entry: *It would be refused.*",
        "Only writers may.",
    ]


def test_what_a_policy_says_mentions_nobody() -> None:
    loud = replace(WEEKEND, sentences=("<!channel> & <@U0ANN>",))
    whisper = shown(replace(CHECKED, opinions=(loud,), now="<!here>"))

    assert "<" not in json.dumps(whisper.blocks)


def test_whatever_policies_say_fits_into_a_message() -> None:
    long = Opinion(
        rule="long.rego", stance=Stance.REFUSES, sentences=("&" * 9_000,) * 50
    )
    whisper = shown(replace(CHECKED, asked="x" * 8_000, opinions=(long,) * 5))

    sizes = [len(block["text"]["text"]) for block in whisper.blocks if "text" in block]
    assert max(sizes) <= 3_000
    assert len(json.dumps(whisper.blocks)) < 12_000
