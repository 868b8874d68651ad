"""What Handrail says in words."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.lock import EVERY, Occupancy
from bot.domain.people import Actor, ActorKind, Role, api_actor
from bot.domain.run import Reason, Run, RunState
from bot.domain.sentences import (
    HELP,
    any_of,
    cannot_stop,
    duration,
    ended_by,
    ending,
    exit_code,
    held_by_another,
    span,
    status,
    why_failed,
)
from tests.support.builders import NOON, STACK, a_hold, a_run, an_actor, later

AT_NOON = "2026-11-20 12:00 UTC"


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


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(), "0 min"),
        (timedelta(minutes=-5), "0 min"),
        (timedelta(minutes=30), "30 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=1, minutes=30), "1 h 30 min"),
        (timedelta(hours=24), "1 day"),
        (timedelta(days=3), "3 days"),
        (timedelta(days=1, hours=12), "36 h"),
    ],
)
def test_a_duration_is_said_without_what_is_zero(length: timedelta, words: str) -> None:
    assert duration(length) == words


def test_who_holds_a_stack_is_said_with_what_to_do() -> None:
    hold = a_hold(by="ann", reason="moving the state")

    sentence = held_by_another(hold, Role.WRITER, later(90))

    assert sentence == (
        "ann has held net-prod for 1 min 30 s: moving the state. Ask ann to reply "
        "unlock, or an admin; or reply notify me in a thread of net-prod to be told "
        "when it is free."
    )


def test_an_admin_learns_how_to_take_a_hold_away() -> None:
    sentence = held_by_another(a_hold(by="ann"), Role.ADMIN, later(90))

    assert "for 1 min 30 s, without a reason." in sentence
    assert "in a thread of net-prod: steal: <reason>" in sentence
    assert "unlock: <reason> releases it" in sentence


@pytest.mark.parametrize(
    ("ends", "words"),
    [(later(3_600), " It ends in 59 min."), (later(30), " It ends now."), (None, "")],
)
def test_when_a_hold_ends_is_said_where_it_does(
    ends: datetime | None, words: str
) -> None:
    hold = replace(a_hold(by="ann"), until=ends)

    told = held_by_another(hold, Role.WRITER, later(30))

    assert told.startswith(
        f"ann has held net-prod for 30 s, without a reason.{words} A"
    )


def test_a_message_that_stays_says_since_when_and_until_when() -> None:
    hold = replace(a_hold(by="ann"), until=later(3_600))
    freeze = replace(a_hold(stack=EVERY, by="ada"), until=later(7_200))

    told = status(STACK, Occupancy(hold=hold, freeze=freeze), None, ())

    assert told == (
        f"ada froze every stack at {AT_NOON}, without a reason. "
        "It ends at 2026-11-20 14:00 UTC.\n"
        f"ann has held net-prod since {AT_NOON}, without a reason. "
        "It ends at 2026-11-20 13:00 UTC."
    )


@pytest.mark.parametrize("role", list(Role))
def test_a_freeze_is_ended_by_those_above_all_stacks_alone(role: Role) -> None:
    freeze = replace(a_hold(stack=EVERY, by="ada", reason="audit"), until=later(7_290))

    sentence = held_by_another(freeze, role, later(90))

    assert sentence == (
        "ada froze every stack 1 min 30 s ago: audit. It ends in 2 h 0 min. Only an "
        "admin whom handrail.yaml names for all stacks can end that, with the reply "
        "unfreeze: <reason>."
    )


def test_one_of_those_above_learns_how_to_end_a_freeze() -> None:
    freeze = a_hold(stack=EVERY, by="ada")

    sentence = held_by_another(freeze, Role.ADMIN, NOON, is_above=True)

    assert sentence.endswith(" You can end that with the reply unfreeze: <reason>.")


@pytest.mark.parametrize("role", list(Role))
def test_an_api_key_is_told_of_no_reply(role: Role) -> None:
    by_ann = held_by_another(a_hold(by="ann"), role, NOON, by_key=True)
    by_key = replace(a_hold(), actor=api_actor("ci"))

    assert by_ann.endswith(" Wait, or ask them or an admin.")
    assert "reply" not in by_ann
    assert "reply" not in held_by_another(by_key, role, NOON, by_key=True)


def test_nobody_can_ask_an_api_key_to_reply() -> None:
    hold = replace(a_hold(), actor=api_actor("ci"))

    sentence = held_by_another(hold, Role.WRITER, NOON)

    assert sentence.startswith("api::ci has held net-prod")
    assert "Ask whoever has the API key ci to release it, or an admin" in sentence


def test_one_without_a_name_goes_by_the_id() -> None:
    nameless = Actor(kind=ActorKind.PERSON, id="U0X", team="T0HOME")
    hold = replace(a_hold(), actor=nameless)

    assert held_by_another(hold, Role.WRITER, NOON).startswith("U0X has held")
    assert "U0X has held" in status(STACK, Occupancy(hold=hold), None, ())


def test_a_free_stack_is_said_to_be_free() -> None:
    assert status(STACK, Occupancy(), None, ()) == (
        "net-prod is free and nothing waits."
    )


def test_the_status_names_holder_run_and_queue() -> None:
    occupancy = Occupancy(hold=a_hold(by="ada", reason="audit"))
    running = a_run(number=3, by="ann", state=RunState.PERFORMING)
    queue = (a_run(number=4, by="bob"), a_run(number=5, by="ann"))

    assert status(STACK, occupancy, running, queue).split("\n") == [
        f"ada has held net-prod since {AT_NOON}: audit.",
        f"Run 3 of ann has been performing since {AT_NOON}.",
        "Waiting: run 4 (bob), run 5 (ann).",
    ]


def test_the_status_begins_with_the_freeze() -> None:
    occupancy = Occupancy(hold=a_hold(by="bob"), freeze=a_hold(stack=EVERY, by="ada"))

    assert status(STACK, occupancy, None, ()).split("\n") == [
        f"ada froze every stack at {AT_NOON}, without a reason.",
        f"bob has held net-prod since {AT_NOON}, without a reason.",
    ]


def test_the_status_says_that_a_plan_waits_and_what_it_would_do() -> None:
    run = replace(
        a_run(number=3, by="ann", state=RunState.UNCONFIRMED),
        summary="1 to add, 2 to destroy\n+ a\n- b\n- c",
    )

    told = status(STACK, Occupancy(), run, ())
    confirmed = replace(run, confirmed_by=run.actor)

    assert told == (
        f"The plan of run 3 of ann has waited for a confirm since {AT_NOON}: 1 to add, "
        "2 to destroy."
    )
    assert status(STACK, Occupancy(), confirmed, ()) == (
        f"Run 3 of ann has been unconfirmed since {AT_NOON}."
    )


def test_the_status_says_that_a_ci_was_not_heard_of() -> None:
    run = replace(
        a_run(number=3, state=RunState.PERFORMING),
        actor=api_actor("ci"),
        outside=True,
        lost_since=NOON,
    )

    told = status(STACK, Occupancy(), run, ())

    assert told.startswith(
        f"The CI that performs run 3 of api::ci was not heard of since {AT_NOON},"
    )
    assert "release: <reason>" in told


def test_help_names_every_word_that_can_be_said() -> None:
    missing = [
        word
        for word in (
            *("status", "help", "stop", "confirm", "discard", "lock a, b: reason"),
            *("lock 2h: reason", "unlock all mine", "notify me", "redact: text"),
            *("steal: reason", "force-unlock", "release: reason", "freeze 2h: reason"),
            *("unfreeze", "/task <stack> !12", "/deploy <stack>", "--no-init"),
        )
        if word not in HELP
    ]

    assert missing == []


def test_a_lost_run_that_keeps_the_stack_says_the_way_out() -> None:
    lost = replace(a_run(number=3, state=RunState.FAILED), keeps_claim=True)

    told = status(STACK, Occupancy(), lost, ())

    assert "could not be proven gone" in told
    assert "release: <reason>" in told


def test_a_ci_that_was_lost_is_not_said_to_have_lost_a_container() -> None:
    run = replace(a_run(state=RunState.FAILED), reason=Reason.LOST, outside=True)

    assert ending(run) == "failed: its CI was not heard of any more"


def test_why_a_run_cannot_be_stopped_says_whose_command_performs() -> None:
    of_handrail = a_run(number=3, state=RunState.PERFORMING)
    of_a_ci = replace(of_handrail, outside=True)

    assert "by the stack's time limit" in cannot_stop(of_handrail)
    assert "time limit" not in cannot_stop(of_a_ci)
    assert "The CI that announced run 3 performs its command" in cannot_stop(of_a_ci)


@pytest.mark.parametrize(
    ("names", "choice"),
    [((), ""), (("a",), "a"), (("a", "b"), "a or b"), (("a", "b", "c"), "a, b or c")],
)
def test_names_are_told_as_a_choice(names: tuple[str, ...], choice: str) -> None:
    assert any_of(names) == choice


@pytest.mark.parametrize(
    ("state", "is_told"),
    [
        (RunState.DISCARDED, True),
        (RunState.STOPPED, True),
        (RunState.FAILED, False),
        (RunState.INITIALIZING, False),
    ],
)
def test_only_what_was_called_off_was_ended_by_somebody(
    state: RunState, is_told: bool
) -> None:
    run = replace(a_run(state=state), stop_asked_by=an_actor("bob"))

    assert ended_by(run) == (an_actor("bob") if is_told else None)
    assert ended_by(replace(run, stop_asked_by=None)) is None
