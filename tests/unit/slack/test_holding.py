"""What a thread is told of holds."""

from dataclasses import replace

import pytest

from bot.domain.lock import EVERY, Hold
from bot.domain.people import api_actor
from bot.domain.telling import Expired, Held, Released, Stolen
from bot.slack import holding
from tests.support.builders import a_hold, an_actor, later
from tests.unit.slack.shown import said

UNTIL = (
    " until <!date^1795176060^{date_short_pretty} {time_secs}|2026-11-20 12:01:00 UTC>"
)
FREEZE = a_hold(stack=EVERY, by="ada", reason="audit")


def test_a_hold_says_who_what_until_when_and_why() -> None:
    hold = replace(a_hold(by="ann", reason="<audit>"), until=later(60))

    assert said(holding.held(Held(holds=(hold,)))) == (
        f":lock: <@U0ANN> holds *net-prod*{UNTIL}: &lt;audit&gt;. Only their runs "
        "start until they reply `unlock`."
    )


def test_several_stacks_are_held_in_one_line() -> None:
    holds = tuple(a_hold(stack=name, reason="move") for name in ("a", "b", "c"))

    assert said(holding.held(Held(holds=holds))).startswith(
        ":lock: <@U0ANN> holds *a*, *b*, *c*: move. Only"
    )


def test_of_very_many_stacks_the_first_are_named() -> None:
    holds = tuple(a_hold(stack=f"s{number}") for number in range(100))

    told = said(holding.held(Held(holds=holds)))

    assert "*s19* and 80 more." in told
    assert "*s20*" not in told


def test_the_hold_of_an_api_key_names_the_key() -> None:
    hold = replace(a_hold(), actor=api_actor("ci"))

    assert said(holding.held(Held(holds=(hold,)))).startswith(
        ":lock: api::ci holds *net-prod*."
    )


def test_a_freeze_is_told_as_one() -> None:
    assert said(holding.held(Held(holds=(replace(FREEZE, until=later(60)),)))) == (
        f":snowflake: <@U0ADA> froze every stack{UNTIL}: audit. Only runs of those who "
        "may freeze start, until the reply `unfreeze`."
    )


@pytest.mark.parametrize(
    ("holds", "by", "reason", "words"),
    [
        ((a_hold(by="ann"),), "ann", "", "<@U0ANN> released *net-prod*."),
        (
            (a_hold(by="ann"),),
            "ada",
            "late",
            "<@U0ADA> released *net-prod* from <@U0ANN>: late.",
        ),
        (
            (a_hold(stack="a"), a_hold(stack="b")),
            "ann",
            "",
            "<@U0ANN> released *a*, *b*.",
        ),
        (
            (a_hold(stack="a"), a_hold(stack="b", by="bob"), a_hold(stack="c")),
            "ada",
            "&",
            "<@U0ADA> released *a*, *b*, *c* from <@U0ANN>, <@U0BOB>: &amp;.",
        ),
        ((FREEZE,), "ada", "", "<@U0ADA> ended the freeze."),
        ((FREEZE,), "eve", "done", "<@U0EVE> ended the freeze of <@U0ADA>: done."),
    ],
)
def test_a_release_names_everybody_concerned(
    holds: tuple[Hold, ...], by: str, reason: str, words: str
) -> None:
    telling = Released(holds=holds, actor=an_actor(by), reason=reason)

    assert said(holding.released(telling)) == f":unlock: {words}"


def test_a_steal_names_both_and_why() -> None:
    telling = Stolen(
        held=a_hold(by="ann"),
        wanted=replace(a_hold(by="ada", reason="she is ill"), until=later(60)),
    )

    assert said(holding.stolen(telling)) == (
        f":lock: <@U0ADA> took *net-prod* over from <@U0ANN>{UNTIL}: she is ill. Only "
        "their runs start until they reply `unlock`."
    )


def test_an_end_by_itself_is_told_as_one() -> None:
    assert said(holding.expired(Expired(hold=a_hold()))) == (
        ":unlock: The hold of <@U0ANN> on *net-prod* has come to its end."
    )
    assert said(holding.expired(Expired(hold=FREEZE))) == (
        ":unlock: The freeze of <@U0ADA> has come to its end."
    )
