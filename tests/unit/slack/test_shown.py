"""What a message shows, however Slack writes it."""

from typing import Any

import pytest

from bot.slack.blocks import actions, button, context, preformatted, section
from bot.slack.shown import digest, digest_of, shown

SENT = [
    section("*net-prod* &amp; <https://x.example/p1|run 1> by <@U1>"),
    preformatted("a <b> & c  "),
    context("since <!date^12^{date_short_pretty}|1970-01-01>"),
    *actions(button("stop", "Stop", value="1", confirm="Really?")),
]
RETURNED: list[dict[str, Any]] = [
    {
        "type": "section",
        "block_id": "x1",
        "text": {
            "type": "mrkdwn",
            "verbatim": True,
            "text": "*net-prod* &amp; <https://x.example/p1|run 1> by <@U1|ann>",
        },
    },
    {
        "type": "rich_text",
        "block_id": "x2",
        "elements": [
            {
                "type": "rich_text_preformatted",
                "border": 0,
                "elements": [{"type": "text", "text": "a &lt;b&gt; &amp; c"}],
            }
        ],
    },
    {
        "type": "context",
        "block_id": "x3",
        "elements": [
            {
                "type": "mrkdwn",
                "text": "since <!date^12^{date_short_pretty}|Jan 1st>",
            }
        ],
    },
    {
        "type": "actions",
        "block_id": "x4",
        "elements": [
            {
                "type": "button",
                "action_id": "stop",
                "text": {"type": "plain_text", "text": "Stop", "emoji": True},
            }
        ],
    },
]


def test_what_slack_returns_shows_what_was_sent() -> None:
    assert shown("x", SENT) == shown("y", RETURNED)
    assert shown("x", SENT).split("\n") == [
        "*net-prod* & run 1 [https://x.example/p1] by @U1",
        "a <b> & c",
        "since !date^12",
        "Stop",
    ]


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("see http://x.example/a", "see <http://x.example/a>"),
        ("see x.example", "see <http://x.example|x.example>"),
        ("to a@x.example", "to <mailto:a@x.example|a@x.example>"),
        ("<#C1> <@U1>", "<#C1|infra> <@U1|ann>"),
        ("a  \r\nb\n", "a\nb"),
    ],
)
def test_a_text_shows_the_same_however_slack_links_it(sent: str, returned: str) -> None:
    assert shown(sent) == shown(returned)


def test_blocks_that_slack_makes_of_a_text_are_not_looked_at() -> None:
    made = [
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "bold"}],
                }
            ],
        }
    ]

    assert shown("*bold*", made) == shown("*bold*")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("finished, exit code 0", "finished, exit code 1"),
        ("<@U1>", "<@U2>"),
        ("<@U1>", "&lt;@U1&gt;"),
        ("<http://x.example|run 1>", "<http://y.example|run 1>"),
        ("<!date^12^{time}|x>", "<!date^13^{time}|x>"),
        ("*****", "password"),
    ],
)
def test_what_reads_otherwise_shows_otherwise(one: str, other: str) -> None:
    assert digest(shown("", [section(one)])) != digest(shown("", [section(other)]))
    assert digest(shown(one)) != digest(shown(other))


def test_a_changed_button_or_code_block_shows() -> None:
    changed = [*RETURNED[:1], preformatted("a <b> & d"), *RETURNED[2:]]

    assert digest_of({"text": "x", "blocks": changed}) != digest_of({"blocks": SENT})
    assert digest_of({"blocks": RETURNED[:3]}) != digest_of({"blocks": SENT})
    assert digest_of({"text": "x", "blocks": RETURNED}) == digest_of({"blocks": SENT})
