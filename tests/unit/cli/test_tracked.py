"""How `handrail run-as-tracked` is called; nothing here comes to ask a server."""

import ctypes
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from bot.cli.commands import app
from tests.support.tracked_api import KEY

SETTINGS = {"HANDRAIL_URL": "http://127.0.0.1:1", "HANDRAIL_API_KEY": KEY}
CALL = ["--stack", "net-prod", "--", "no-such-command-anywhere"]

#: prctl(2): whether others of the same user may look into a process, and whether it
#: becomes the parent of what its descendants leave behind
GET_DUMPABLE, SET_DUMPABLE, SET_CHILD_SUBREAPER = 3, 4, 36


@pytest.fixture(autouse=True)
def system() -> Iterator[ctypes.CDLL]:
    """The system's own calls; the command is called within this very process."""
    system = ctypes.CDLL(None)
    yield system
    system.prctl(SET_DUMPABLE, 1, 0, 0, 0)
    system.prctl(SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def called(*arguments: str, **settings: str) -> tuple[int, str]:
    """Return the exit code, and what was printed by typer itself."""
    done = CliRunner().invoke(
        app, ["run-as-tracked", *arguments], env=SETTINGS | settings
    )
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"HANDRAIL_URL": ""}, "HANDRAIL_URL is not set"),
        ({"HANDRAIL_API_KEY": ""}, "HANDRAIL_API_KEY is not set"),
        ({"HANDRAIL_API_KEY": "hr_mixed-up!"}, "cut or mixed up"),
        ({"HANDRAIL_URL": "http://handrail.example.com"}, "is plain http"),
    ],
)
def test_settings_that_cannot_be_used_have_an_exit_code_of_their_own(
    settings: dict[str, str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _ = called(*CALL, **settings)

    said = capfd.readouterr().err
    assert code == 78
    assert said.startswith("handrail: ")
    assert words in said
    assert "mixed-up!" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--stack", "net-prod"],
        ["--stack", "net-prod", "--"],
        ["--", "true"],
        ["--stack", "net-prod", "--wait", "soon", "--", "true"],
        ["--stack", "net-prod", "--unknown", "--", "true"],
    ],
)
def test_a_wrong_call_is_an_error_of_usage(arguments: list[str]) -> None:
    code, said = called(*arguments)

    assert code == 2
    assert "Usage" in said


@pytest.mark.parametrize("dashes", [["--"], []])
def test_the_first_word_of_the_command_ends_the_options(
    dashes: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    code, _ = called("--stack", "net-prod", *dashes, "no-such-command", "--stack", "x")

    assert code == 127
    assert capfd.readouterr().err == (
        "handrail: no-such-command: command not found, so nothing was announced\n"
    )


def test_others_of_the_same_user_cannot_read_its_key(system: ctypes.CDLL) -> None:
    before = system.prctl(GET_DUMPABLE, 0, 0, 0, 0)

    called(*CALL)

    assert (before, system.prctl(GET_DUMPABLE, 0, 0, 0, 0)) == (1, 0)
