"""What is asked for: every field checked, and what is said about a wrong one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from bot.api.asked import Finish, Heartbeat, NewHolds, NewTask, RunFilter
from bot.api.fields import Asked, shown, wrong
from bot.domain.task import PresetRequest

TASK = {"stack": "net-prod", "command": "terraform plan"}
PRESET = {"stack": "net-prod", "preset": "restart"}


def told(model: type[Asked], given: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(given)
    return wrong(refused.value.errors(include_url=False, include_input=False))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stack": "net-prod"}, "The body names neither a command nor a preset."),
        (
            TASK | {"command": None},
            "The body names neither a command nor a preset.",
        ),
        (
            TASK | PRESET,
            "The body names both a command and a preset; give one of them.",
        ),
        (
            PRESET | {"skip_initialization": True},
            "The body skips the initialization; a preset says so itself.",
        ),
        (
            TASK | {"parameters": {"service": "api"}},
            "The body has parameters, which only a preset takes.",
        ),
        (
            PRESET | {"parameters": {"count": 2}},
            "parameters.count should be a valid string.",
        ),
        (
            PRESET | {"parameters": {"note": "a\0b"}},
            "parameters.note has a NUL, or half a character, in it.",
        ),
        (
            PRESET | {"parameters": ["api"]},
            "parameters should be a valid dictionary.",
        ),
        (TASK | {"skip_init": True}, "skip_init is not known here."),
        (TASK | {"command": ""}, "command should have at least 1 character."),
        (TASK | {"command": "a\0b"}, "command has a NUL, or half a character, in it."),
        (
            TASK | {"command": "\ud800"},
            "command has half a character in it.",
        ),
        (
            TASK | {"command": "x" * 8001},
            "command should have at most 8000 characters.",
        ),
        (TASK | {"command": 1}, "command should be a valid string."),
        (
            TASK | {"skip_initialization": "yes"},
            "skip_initialization should be a valid boolean.",
        ),
        (
            {"stack": None},
            "stack should be a valid string.",
        ),
    ],
)
def test_a_task_that_is_wrong_is_told_by_its_fields(
    given: dict[str, Any], said: str
) -> None:
    assert told(NewTask, given) == said


def test_a_preset_is_asked_for_with_its_parameters() -> None:
    task = NewTask.model_validate(PRESET | {"parameters": {"service": "$(api)"}})

    assert task.request == PresetRequest(
        stack="net-prod", preset="restart", parameters={"service": "$(api)"}
    )


@pytest.mark.parametrize(
    ("given", "is_right"),
    [
        (TASK, True),
        (TASK | {"preset": None, "parameters": {}}, True),
        (PRESET, True),
        (PRESET | {"command": None, "skip_initialization": False}, True),
        ({"stack": "net-prod"}, False),
        (TASK | {"command": None}, False),
        (TASK | PRESET, False),
        (TASK | {"parameters": {"service": "api"}}, False),
        (PRESET | {"skip_initialization": True}, False),
        (PRESET | {"parameters": {"service": 1}}, False),
    ],
)
def test_the_schema_takes_what_is_taken_and_nothing_else(
    given: dict[str, Any], *, is_right: bool
) -> None:
    schema = Draft202012Validator(NewTask.model_json_schema())

    assert schema.is_valid(given) is is_right
    assert bool(_faults(given)) is not is_right


def _faults(given: dict[str, Any]) -> str:
    try:
        NewTask.model_validate(given)
    except ValidationError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stacks": []}, "stacks should have at least 1 item after validation, not 0."),
        ({"stacks": ["a", "a"]}, "stacks names a stack twice."),
        ({"stacks": ["a", 1]}, "stacks[1] should be a valid string."),
        (
            {"stacks": ["a"], "duration_seconds": 59},
            "duration_seconds should be greater than or equal to 60.",
        ),
        (
            {"stacks": ["a"], "duration_seconds": True},
            "duration_seconds should be a valid integer.",
        ),
    ],
)
def test_holds_that_are_wrong_are_told_by_their_fields(
    given: dict[str, Any], said: str
) -> None:
    assert told(NewHolds, given) == said


def test_a_whole_number_is_an_integer_however_it_is_written() -> None:
    assert Finish.model_validate({"fence": 2.0, "exit_code": 0}).fence == 2
    assert Heartbeat.model_validate({"fence": None}).fence is None
    assert "exit_code" in told(Finish, {"fence": 1, "exit_code": 0.5})
    assert "exit_code" in told(Finish, {"fence": 1, "exit_code": 256})


def test_times_are_read_with_their_offset() -> None:
    wanted = RunFilter.model_validate(
        {"since": "2026-01-31T12:00:00+02:00", "until": "2026-02-01t00:00:00.5z"}
    )

    assert wanted.since == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert wanted.until == datetime(2026, 2, 1, 0, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "time",
    [
        "",
        "0",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "\u0662026-01-31T12:00:00Z",
    ],
)
def test_what_is_no_time_is_told(time: str) -> None:
    assert told(RunFilter, {"since": time}) == (
        "since is not a time; write it as in 2026-01-31T12:00:00Z."
    )


@pytest.mark.parametrize(
    "limit", ["0", "201", "1.5", " 1", "-1", "+1", "\u0661", "1e1", ""]
)
def test_what_is_no_limit_is_told(limit: str) -> None:
    assert told(RunFilter, {"limit": limit}).startswith("limit should be ")


def test_a_query_is_told_by_its_parameters() -> None:
    assert "state should be 'queued'" in told(RunFilter, {"state": "Queued"})
    assert told(RunFilter, {"token": "hr_1_secret"}) == "token is not known here."


def test_a_strangers_name_is_shown_short_and_without_signs() -> None:
    assert shown("a\r\nb\x1b[31m") == "a\\r\\nb\\x1b[31m"
    assert shown("é" * 100) == "\\xe9" * 60 + "..."
    assert shown("") == '""'
