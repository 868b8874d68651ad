"""An open quote is found where a shell would find one."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.quoting import unclosed_quote


def shell_takes(command: str) -> bool:
    checked = subprocess.run(
        ["sh", "-n"], input=command.encode(), capture_output=True, check=False
    )
    return checked.returncode == 0


@given(st.text(alphabet="ab '\"\\\n#;", max_size=12))
@settings(max_examples=300, deadline=None)
def test_words_and_quotes_are_judged_as_a_shell_does(words: str) -> None:
    # A word in front of each part keeps it from being a syntax error of its own.
    command = "echo " + words.replace(";", "; echo ").replace("\n", "\necho ")

    assert (unclosed_quote(command) == "") is shell_takes(command)


@pytest.mark.parametrize(
    ("command", "quote"),
    [
        ("echo 'a", "'"),
        ('echo "a', '"'),
        ("echo 'a' \"b", '"'),
        ("echo it's", "'"),
        ("echo \\'", ""),
        ("echo '\\'", ""),
        ("echo '\\''", "'"),
        ('echo "\\""', ""),
        ("echo a\\", ""),
        ("# it's", ""),
        ("a;# it's\nb 'c", "'"),
        ("echo a#'b", "'"),
        ("echo \\ #'b", "'"),
        ("echo \\\n#'b", ""),
    ],
)
def test_the_quote_that_is_open_is_named(command: str, quote: str) -> None:
    assert unclosed_quote(command) == quote


@given(st.text(alphabet="'\" $(`{<", max_size=10))
def test_what_only_a_shell_can_tell_is_left_to_it(rest: str) -> None:
    for sign in ("$(", "`", "${", "<<", "$'"):
        assert unclosed_quote(f"echo {sign}{rest}") == ""
