"""Markup: what people say stays text, and a cut leaves nothing half."""

import html
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people import HANDRAIL, Actor, ActorKind
from bot.slack.mrkdwn import clipped, escaped, mentioning, shortened, when, who
from tests.support.builders import an_actor


@given(st.text())
def test_escaped_text_has_no_markup_and_can_be_read_back(text: str) -> None:
    safe = escaped(text)

    assert not set("<>") & set(safe)
    assert not re.sub("&(?:amp|lt|gt);", "", safe).count("&")
    assert safe.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_clipped_text_is_as_short_as_asked(text: str, length: int) -> None:
    short = clipped(text, length)

    assert len(short) <= length
    assert short == text or short == text[: length - 1] + "…"


@given(
    st.text(alphabet="&<>a b"),
    st.integers(min_value=1, max_value=60),
)
def test_shortening_cuts_no_entity_and_no_mention(text: str, length: int) -> None:
    whole = f"<@U0ANN> {escaped(text)} <!date^1^{{date}}|then>"

    short = shortened(whole, length)

    assert len(short) <= length
    bare = re.sub(r"<[@!][^<>]*>|&(?:amp|lt|gt);", "", short)
    assert not set("<>&") & set(bare)
    assert whole.startswith(short.removesuffix("…"))


def test_a_person_is_mentioned_and_any_other_hand_is_named() -> None:
    key = Actor(kind=ActorKind.API_KEY, id="<!here>", name="api::ci")

    assert who(an_actor("ann")) == "<@U0ANN>"
    assert who(key) == "api::&lt;!here&gt;"
    assert who(HANDRAIL) == "Handrail"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "2 of U0ADA, @x or W0BOB have to agree; nobody has.",
            "2 of <@U0ADA>, @x or <@W0BOB> have to agree; nobody has.",
        ),
        (
            "You cannot. Ask U0ADA or U0BOB.",
            "You cannot. Ask <@U0ADA> or <@U0BOB>.",
        ),
        ("ls U0ADA; 1 of @x has to agree;", "ls U0ADA; 1 of @x has to agree;"),
        ("<@U0ADA> asks U0BOB", "&lt;@U0ADA&gt; asks U0BOB"),
        ("1 of <@U0ADA> has to agree;", "1 of &lt;@U0ADA&gt; has to agree;"),
    ],
)
def test_only_whom_a_rule_asks_is_mentioned(said: str, shown: str) -> None:
    assert mentioning(said) == shown


def test_a_moment_is_written_by_the_readers_client_or_in_utc() -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)

    assert when(moment) == (
        "<!date^1795176000^{date_short_pretty} {time_secs}|2026-11-20 12:00:00 UTC>"
    )
    assert html.unescape(when(moment)) == when(moment)
