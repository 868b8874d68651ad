"""What Handrail says in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.lock import Occupancy
from bot.domain.people import Actor, ActorKind, Role
from bot.domain.run import Reason, Run, RunState
from bot.domain.sentences import (
    ending,
    exit_code,
    held_by_another,
    span,
    status,
    why_failed,
)
from tests.support.builders import NOON, STACK, a_hold, a_run, later


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (185, "3 min 5 s"),
        (599, "9 min 59 s"),
        (600, "10 min"),
        (3_599, "59 min"),
        (3_600, "1 h 0 min"),
        (7_800, "2 h 10 min"),
        (48 * 3_600 - 1, "47 h 59 min"),
        (48 * 3_600, "2 days"),
        (100 * 86_400, "100 days"),
    ],
)
def test_a_length_of_time_is_said_as_a_person_would(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (1, "exit code 1"),
        (126, "exit code 126 (found, but not executable)"),
        (127, "exit code 127 (command not found)"),
        (128, "exit code 128"),
        (130, "exit code 130 (ended by signal 2)"),
        (137, "exit code 137 (ended by signal 9)"),
        (192, "exit code 192 (ended by signal 64)"),
        (193, "exit code 193"),
        (255, "exit code 255"),
    ],
)
def test_an_exit_code_is_said_with_what_it_means(code: int, words: str) -> None:
    assert exit_code(code) == words


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_said_in_words(reason: Reason) -> None:
    run = replace(a_run(state=RunState.FAILED), reason=reason)

    assert ending(run) == f"failed: {why_failed(reason)}"


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (
            replace(a_run(state=RunState.FINISHED), exit_code=0),
            "finished, exit code 0",
        ),
        (
            replace(a_run(state=RunState.FAILED), reason=Reason.EXIT_CODE, exit_code=2),
            "failed: the command failed, exit code 2",
        ),
        (a_run(state=RunState.STOPPED), "stopped"),
        (a_run(state=RunState.DISCARDED), "discarded"),
    ],
    ids=lambda value: value.state if isinstance(value, Run) else "",
)
def test_an_ending_shows_the_exit_code_where_there_is_one(run: Run, words: str) -> None:
    assert ending(run) == words


def test_who_holds_a_stack_is_said_with_what_to_do() -> None:
    hold = a_hold(by="ann", reason="moving the state")

    sentence = held_by_another(hold, Role.WRITER, later(90))

    assert sentence == (
        "ann has held net-prod for 1 min 30 s: moving the state. Ask ann to reply "
        "unlock there, or ask an admin."
    )


def test_an_admin_learns_how_to_take_a_hold_away() -> None:
    sentence = held_by_another(a_hold(by="ann"), Role.ADMIN, later(90))

    assert "for 1 min 30 s, without a reason." in sentence
    assert "unlock: <reason> in a thread of net-prod" in sentence


def test_one_without_a_name_goes_by_the_id() -> None:
    nameless = Actor(kind=ActorKind.PERSON, id="U0X", team="T0HOME")
    hold = replace(a_hold(), actor=nameless)

    assert held_by_another(hold, Role.WRITER, NOON).startswith("U0X has held")
    assert "U0X has held" in status(STACK, Occupancy(hold=hold), None, (), NOON)


def test_a_free_stack_is_said_to_be_free() -> None:
    assert status(STACK, Occupancy(), None, (), NOON) == (
        "net-prod is free and nothing waits."
    )


def test_the_status_names_holder_run_and_queue() -> None:
    occupancy = Occupancy(hold=a_hold(by="ada", reason="audit"))
    running = a_run(number=3, by="ann", state=RunState.PERFORMING)
    queue = (a_run(number=4, by="bob"), a_run(number=5, by="ann"))

    assert status(STACK, occupancy, running, queue, later(5)).split("\n") == [
        "ada has held net-prod for 5 s: audit.",
        "Run 3 of ann has been performing for 5 s.",
        "Waiting: run 4 (bob), run 5 (ann).",
    ]


def test_a_lost_run_that_keeps_the_stack_says_the_way_out() -> None:
    lost = replace(a_run(number=3, state=RunState.FAILED), keeps_claim=True)

    told = status(STACK, Occupancy(), lost, (), NOON)

    assert "could not be proven gone" in told
    assert "release: <reason>" in told
