"""What follows `/task`, as clients really send it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refusal, Refused
from bot.domain.run import RunId
from bot.domain.task import (
    LONGEST_COMMAND,
    AgainRequest,
    CardRequest,
    CheckRequest,
    DeployRequest,
    HelpRequest,
    HistoryRequest,
    PresetRequest,
    TaskRequest,
    parse,
    parse_deploy,
)


def task(text: str) -> TaskRequest:
    request = parse(text)
    assert isinstance(request, TaskRequest)
    return request


@pytest.mark.parametrize("text", ["", "   ", "help", " help "])
def test_nothing_asks_for_help(text: str) -> None:
    assert parse(text) == HelpRequest()


def test_a_stack_alone_asks_for_its_card() -> None:
    assert parse("  net-prod ") == CardRequest(stack="net-prod")


def test_blanks_and_lines_inside_the_command_stay() -> None:
    request = task("net-prod  echo  'a   b'\n  next ")

    assert request.command == "echo  'a   b'\n  next"
    assert request.remarks == ()


@pytest.mark.parametrize(
    "text",
    [
        "net-prod --no-init ls -l",
        "net-prod ls -l --no-init",
        "net-prod \u2014no-init ls -l",
        "net-prod ls -l \u2013no-init",
        "net-prod\u00a0--no-init\u00a0ls -l",
        "net-prod --no-init -- ls -l",
    ],
)
def test_no_init_counts_first_and_last_with_any_dash(text: str) -> None:
    request = task(text)

    assert (request.command, request.skip_init) == ("ls -l", True)


def test_no_init_in_the_middle_belongs_to_the_command() -> None:
    request = task("net-prod ./deploy --no-init now")

    assert (request.command, request.skip_init) == ("./deploy --no-init now", False)


def test_after_two_dashes_all_is_the_command() -> None:
    request = task("net-prod -- ./deploy --no-init")

    assert (request.command, request.skip_init) == ("./deploy --no-init", False)


def test_slack_escapes_are_undone_once() -> None:
    request = task("net-prod a &amp;&amp; b &lt;in &gt;out &amp;lt;")

    assert request.command == "a && b <in >out &lt;"
    assert request.remarks == ()


@pytest.mark.parametrize(
    ("wrapped", "typed"),
    [
        ("<http://example.com|example.com>", "example.com"),
        ("<https://example.com/?a=1&amp;b=2>", "https://example.com/?a=1&b=2"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("<@U1|ann>", "@ann"),
        ("<#C1|infra>", "#infra"),
        ("<!here>", "@here"),
        ("<!subteam^S1|@ops>", "@ops"),
    ],
)
def test_what_slack_wraps_is_put_back_and_said(wrapped: str, typed: str) -> None:
    request = task(f"net-prod echo {wrapped}")

    assert request.command == f"echo {typed}"
    assert request.remarks == (f"Slack had wrapped {typed}; it was put back.",)


def test_a_person_without_a_name_stays_and_is_said() -> None:
    request = task("net-prod echo <@U1>")

    assert request.command == "echo <@U1>"
    assert "without a name" in request.remarks[0]


def test_typographic_signs_in_the_command_run_as_they_stand_and_are_said() -> None:
    request = task("net-prod echo \u201chi\u201d \u2014all")

    assert request.command == "echo \u201chi\u201d \u2014all"
    assert "typographic quotes" in request.remarks[0]
    assert "long dash" in request.remarks[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("net-prod --no-init", "no command"),
        ("net-prod -- ", "no command"),
        ("net-prod echo 'a", "opens a quote (')"),
        ('net-prod echo "a', 'opens a quote (")'),
        ("net-prod echo a\0b", "NUL"),
        ("net-prod " + "x" * 40_000, "40,000 characters"),
    ],
)
def test_a_bad_command_is_refused_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse(text)

    assert said in str(refusal.value)
    assert str(refusal.value).count(".") >= 2 or "Write it" in str(refusal.value)


@pytest.mark.parametrize(
    "command",
    [
        "echo it\\'s",
        "echo ok # don't worry",
        'echo "it\'s"',
        "echo 'say \"hi\"'",
        "cat <<E\nit's\nE",
        'echo "$(echo \'a"b\')"',
        "echo $'it\\'s'",
        'echo "a\\"b"',
        "echo a#'b'",
    ],
)
def test_a_sound_command_is_never_taken_for_an_open_quote(command: str) -> None:
    assert task(f"net-prod {command}").command == command


def test_the_longest_command_is_taken() -> None:
    assert len(task("net-prod " + "x" * LONGEST_COMMAND).command) == LONGEST_COMMAND


@given(
    st.text(
        alphabet=st.characters(exclude_characters="\0'\"", exclude_categories=["Cs"]),
        min_size=1,
    ).filter(lambda command: command.strip() == command)
)
def test_any_command_after_two_dashes_comes_through_slack_unchanged(
    command: str,
) -> None:
    sent = command.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    assert task(f"net-prod -- {sent}").command == command


@pytest.mark.parametrize("text", ["net-prod !12", " net-prod   !12 "])
def test_an_exclamation_mark_and_a_number_repeat_that_run(text: str) -> None:
    assert parse(text) == AgainRequest(stack="net-prod", run=RunId(12))


@pytest.mark.parametrize("command", ["! 12", "! test -e lock", "echo !12"])
def test_an_exclamation_mark_apart_belongs_to_the_command(command: str) -> None:
    assert task(f"net-prod {command}").command == command


def test_behind_two_dashes_it_is_a_command_too() -> None:
    assert task("net-prod -- !12").command == "!12"


@pytest.mark.parametrize("text", ["", " ", "help"])
def test_deploy_alone_asks_for_help(text: str) -> None:
    assert parse_deploy(text) == HelpRequest()


def test_deploy_takes_a_stack() -> None:
    assert parse_deploy(" net-prod ") == DeployRequest(stack="net-prod")


def test_deploy_takes_nothing_but_a_stack() -> None:
    with pytest.raises(Refused, match="/task net-prod <command>") as refusal:
        parse_deploy("net-prod --auto-approve")
    assert refusal.value.reason is Refusal.BAD_COMMAND


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("history net-prod", HistoryRequest(stack="net-prod")),
        ("history  net-prod  12 ", HistoryRequest(stack="net-prod", page=12)),
        ("history help", HistoryRequest(stack="help")),
    ],
)
def test_history_names_a_stack_and_maybe_a_page(
    text: str, request_: HistoryRequest
) -> None:
    assert parse(text) == request_


@pytest.mark.parametrize(
    "text", ["history", "history a b", "history a 0", "history a 1000", "history a 2 3"]
)
def test_history_takes_nothing_else(text: str) -> None:
    with pytest.raises(Refused, match="/task history takes a stack"):
        parse(text)


def test_a_stack_that_is_called_history_is_meant_rather() -> None:
    asked = parse("history net-prod", is_stack=lambda name: name == "history")

    assert asked == TaskRequest(stack="history", command="net-prod")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (
            "check net-prod terraform apply",
            TaskRequest(stack="net-prod", command="terraform apply"),
        ),
        (
            "check  net-prod --no-init  -- check it",
            TaskRequest(stack="net-prod", command="check it", skip_init=True),
        ),
        (
            "check net-prod !restart service=api",
            PresetRequest(
                stack="net-prod", preset="restart", parameters={"service": "api"}
            ),
        ),
        ("check check check", TaskRequest(stack="check", command="check")),
    ],
)
def test_a_check_is_of_what_would_be_sent(
    text: str, asked: TaskRequest | PresetRequest
) -> None:
    assert parse(text) == CheckRequest(asked=asked)


@pytest.mark.parametrize("text", ["check", "check net-prod", "check net-prod !12"])
def test_a_check_needs_a_stack_and_a_command(text: str) -> None:
    with pytest.raises(Refused, match="/task check takes a stack and the command"):
        parse(text)


def test_what_is_checked_has_to_be_a_command() -> None:
    with pytest.raises(Refused, match="never closes"):
        parse("check net-prod echo 'a")


def test_a_stack_that_is_called_check_is_meant_rather() -> None:
    asked = parse("check terraform plan", is_stack=lambda name: name == "check")

    assert asked == TaskRequest(stack="check", command="terraform plan")
