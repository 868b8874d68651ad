"""Less of a message that Slack did not take at its length."""

from bot.domain.run import RunState
from bot.slack.blocks import actions, button, context, preformatted, section
from bot.slack.brevity import bare, shorter, unmade
from bot.slack.message import Message
from tests.support.builders import a_run
from tests.unit.slack.shown import blocks_of, preformatted_in, said, shown

LONG = Message(
    text="net-prod: performing",
    blocks=[
        section("first " + "&amp; " * 500),
        preformatted("head\n" + "x" * 5_000 + "\ntail"),
        *actions(button("stop", "Stop")),
        context("a line"),
    ],
)


def test_a_shorter_message_keeps_the_ends_of_code_and_what_can_be_pressed() -> None:
    less = shorter(LONG)

    (code,) = preformatted_in(less)
    assert code.startswith("head\n")
    assert code.endswith("\ntail")
    assert len(code) < 710
    assert len(said(less)) <= 700
    assert said(less).endswith("&amp; …")
    assert blocks_of(less, "actions") == blocks_of(LONG, "actions")
    assert shown(less).endswith("Slack did not take this at its whole length.")


def test_what_is_short_stays_as_it_is() -> None:
    short = Message(text="x", blocks=[section("y"), preformatted("z")])

    assert shorter(short).blocks[:-1] == short.blocks


def test_the_bare_text_says_that_more_was_meant() -> None:
    assert bare(LONG).blocks == []
    assert bare(LONG).text.startswith("net-prod: performing (")


def test_an_end_that_could_not_be_rendered_says_where_the_output_is() -> None:
    told = shown(unmade(a_run(number=7, state=RunState.FAILED)))

    assert "Run 7 has ended: failed" in told
    assert "`handrail output 7`" in told
