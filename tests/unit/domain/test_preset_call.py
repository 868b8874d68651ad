"""Presets as people call them, as clients really send it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refusal, Refused
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset
from bot.domain.preset_call import usage, written_call
from bot.domain.run import RunId
from bot.domain.task import AgainRequest, PresetRequest, TaskRequest, parse

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


def called(text: str) -> PresetRequest:
    request = parse(f"net-prod {text}")
    assert isinstance(request, PresetRequest)
    return request


def sentence(text: str) -> str:
    with pytest.raises(Refused) as refusal:
        parse(f"net-prod {text}")
    assert refusal.value.reason is Refusal.BAD_COMMAND
    return str(refusal.value)


def test_a_preset_is_called_by_its_name_with_what_is_said_for_it() -> None:
    request = called('!restart service=api note="two words"')

    assert request == PresetRequest(
        stack="net-prod",
        preset="restart",
        parameters={"service": "api", "note": "two words"},
    )


def test_a_preset_may_need_nothing() -> None:
    assert called("!drain-all") == PresetRequest(stack="net-prod", preset="drain-all")


@pytest.mark.parametrize("text", ["!12", " !12 "])
def test_a_number_is_a_run_to_repeat(text: str) -> None:
    assert parse(f"net-prod {text}") == AgainRequest(stack="net-prod", run=RunId(12))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("! grep x file", "! grep x file"),
        ("-- !restart service=api", "!restart service=api"),
        ("--no-init -- !true", "!true"),
        ("echo !restart", "echo !restart"),
    ],
)
def test_a_command_with_an_exclamation_mark_stays_one(text: str, command: str) -> None:
    request = parse(f"net-prod {text}")

    assert isinstance(request, TaskRequest)
    assert request.command == command


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("api", "api"),
        ("$(reboot)", "$(reboot)"),
        ("a=b=c", "a=b=c"),
        ("", ""),
        ('""', ""),
        ("'two words'", "two words"),
        ("'say \"no\"'", 'say "no"'),
        (r'"say \"no\""', 'say "no"'),
        (r'"a\\b \d"', r"a\b \d"),
        (r"'a\\b'", r"a\\b"),
        ('"it\'s late"', "it's late"),
        ('"one\ntwo"', "one\ntwo"),
        ("&lt;tag&gt;&amp;", "<tag>&"),
        ("<http://example.com|example.com>", "example.com"),
        ("“two words”", "two words"),
        ("„two words“", "two words"),
        ('“two words"', "two words"),
        ("\u2018two words\u2019", "two words"),
        (r"“say \"no\"”", 'say "no"'),
        ('"say ”no”"', "say ”no”"),
    ],
)
def test_a_value_is_what_was_typed(said: str, value: str) -> None:
    assert called(f"!restart note={said} last=1").parameters == {
        "note": value,
        "last": "1",
    }


def test_what_was_undone_is_shown() -> None:
    request = called("!restart note=“two words” url=<http://example.com|example.com>")

    assert request.remarks == (
        "Slack had wrapped example.com; it was put back.",
        "Typographic quotes around a value were read as plain ones.",
    )


@pytest.mark.parametrize("text", ["!a  x=1\n y=2", "!a\u00a0x=1\u00a0\u00a0y=2"])
def test_parameters_are_apart_by_any_blanks(text: str) -> None:
    assert called(text).parameters == {"x": "1", "y": "2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!", "Behind ! comes the name of a preset"),
        ("!!", "Behind ! comes the name of a preset"),
        ("!restart;reboot", "A command that begins with ! is written behind --"),
        ("!$(reboot)", "Behind ! comes the name of a preset"),
        ("!-x", "Behind ! comes the name of a preset"),
        ("!12 service=api", "Behind the number of a run comes nothing"),
        ("!restart api", "'api' is no parameter. Write each parameter as name=value"),
        ("!restart service =api", "'service' is no parameter"),
        ("!restart =api", "'=' is no parameter"),
        ("!restart service=two words", "'words' is no parameter"),
        ('!restart "service=api"', "'\"service=' is no parameter"),
        ("!restart a=1 a=2", "a is said twice"),
        ('!restart a="1', 'The value of a opens a quote (") and never closes it'),
        ("!restart a='1", "The value of a opens a quote (') and never closes it"),
        ("!restart a=“1", "The value of a opens a quote (“) and never closes it"),
        ('!restart a="1"2', "Behind the closing quote of a comes a blank"),
        ('!restart a="1""2"', "Behind the closing quote of a comes a blank"),
        ("!restart a=it's", "The value of a has a quote within it"),
        ("!restart a=it\u2019s", "The value of a has a quote within it"),
        ('!restart a=b"c d"', "The value of a has a quote within it"),
        ("!restart --no-init", "omit --no-init"),
        ("!restart a=1 \u2014no-init", "omit --no-init"),
        ("--no-init !restart a=1", "omit --no-init"),
        ("!restart a=\0", "a NUL"),
    ],
)
def test_what_is_malformed_gets_a_sentence(text: str, words: str) -> None:
    assert words in sentence(text)


def test_a_sentence_repeats_a_long_word_in_part() -> None:
    assert len(sentence(f"!restart {'x' * 10_000}")) < 300


@given(_NAMES, st.dictionaries(_NAMES, _TEXT, max_size=4))
def test_a_written_call_is_read_back_as_it_was(
    preset: str, parameters: dict[str, str]
) -> None:
    line = written_call(preset, parameters)
    as_slack_sends_it = (
        line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )

    request = called(as_slack_sends_it)

    assert (request.preset, request.parameters) == (preset, parameters)


@given(_TEXT)
def test_any_text_behind_the_mark_is_a_call_or_is_refused(text: str) -> None:
    with suppress(Refused):
        parse(f"net-prod !{text}")


def test_usage_shows_what_may_be_said_and_what_may_be_left_out() -> None:
    preset = Preset(
        name="restart",
        command="./restart",
        parameters={
            parameter.name: parameter
            for parameter in (
                Parameter(name="service", kind=Choice(of=("api", "two words"))),
                Parameter(name="count", kind=Integer(least=1, most=5), default="1"),
                Parameter(name="wait", kind=Integer(least=0)),
                Parameter(name="fail", kind=Integer(most=9)),
                Parameter(name="any", kind=Integer()),
                Parameter(name="ticket", kind=Pattern(pattern="OPS-[0-9]+")),
                Parameter(name="note", kind=Pattern(pattern="x" * 80), default=""),
            )
        },
    )

    assert usage(preset) == (
        '!restart service=<api|"two words"> [count=<number from 1 to 5>] '
        "wait=<number of at least 0> fail=<number of at most 9> any=<number> "
        "ticket=<OPS-[0-9]+> [note=<text>]"
    )
