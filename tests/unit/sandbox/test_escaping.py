import pytest

from bot.sandbox.escaping import escape, link, link_prose, tidy, typeset

PEOPLE = {"ann": "U0ANN", "platform": "S0PLATFORM"}
CHANNELS = {"infra": "C0INFRA"}


def test_three_characters_are_escaped() -> None:
    assert escape("a && <b>") == "a &amp;&amp; &lt;b&gt;"


@pytest.mark.parametrize(
    ("typed", "linked"),
    [
        ("@ann and @nobody", "<@U0ANN> and @nobody"),
        ("@platform @here", "<!subteam^S0PLATFORM> <!here>"),
        ("#infra #other", "<#C0INFRA|infra> #other"),
        ("https://x.org/a?b=1.", "<https://x.org/a?b=1>."),
        ("ping example.com now", "ping <http://example.com|example.com> now"),
        ("module.net-prod main.tf a@b.com", "module.net-prod main.tf a@b.com"),
    ],
)
def test_names_and_addresses_become_links(typed: str, linked: str) -> None:
    assert link(typed, people=PEOPLE, channels=CHANNELS) == linked


def test_code_in_a_message_stays_as_typed() -> None:
    text = link_prose("@ann `@ann` ```#infra```", people=PEOPLE, channels=CHANNELS)

    assert text == "<@U0ANN> `@ann` ```#infra```"


@pytest.mark.parametrize(
    ("typed", "typeset_"),
    [
        ("net --no-init", "net —no-init"),
        ('say "x y" now', "say “x y” now"),
        ("it's 'x'", "it\u2019s \u2018x\u2019"),
    ],
)
def test_smart_keyboards_rewrite_dashes_and_quotes(typed: str, typeset_: str) -> None:
    assert typeset(typed) == typeset_


def test_what_an_app_escaped_or_meant_is_kept() -> None:
    text = "<@U1> <!here> <https://x|y> &lt; & < >"

    assert tidy(text) == "<@U1> <!here> <https://x|y> &lt; &amp; &lt; &gt;"
