"""The checker of a chaos run finds what must not be, and nothing in what may."""

import base64
import json
from dataclasses import replace

import pytest

from tests.bench.checker.evidence import Command, Event, Evidence, Mark, Message, RunRow
from tests.bench.checker.expected import learned, output_of
from tests.bench.checker.secrets import forms
from tests.bench.checker.verdict import verdict
from tests.bench.checker.violations import violations

SECRET = 'Cn00"7\\Kq3xw/9Zt+1mV&5rB'
COMMAND = Command(token="cmd1", stack="net", lines=3, code=0, skip_init=False)
RUN = RunRow(
    id=1,
    stack="net",
    command="sh work.sh cmd1 3 0 0",
    state="finished",
    reason=None,
    exit_code=0,
    channel="C1",
    ts="1.0",
    output=output_of(COMMAND),
    states=("queued", "ready", "preparing", "initializing", "performing", "finished"),
)
START = Mark(word="start", run=1, stack="net", token="cmd1", at=10.0)
END = Mark(word="end", run=1, stack="net", token="cmd1", at=12.0)
BEGUN = Event(action="start", container="a", run=1, stack="net", at=9)
DIED = Event(action="die", container="a", run=1, stack="net", at=13)
FINAL = Message(channel="C1", ts="1.5", thread_ts="1.0", kind="final", letter=4, run=1)
SOUND = Evidence(
    commands=(COMMAND,),
    runs=(RUN,),
    marks=(START, END),
    events=(BEGUN, DIED),
    messages=(FINAL,),
    secrets={"net": SECRET},
    places={"the channel": b"all is well: *****"},
)


def found(evidence: Evidence) -> dict[str, int]:
    """Return how much is found, of what anything is found of."""
    amounts = {
        promise: sum(violation.amount for violation in several)
        for promise, several in violations(evidence).items()
    }
    return {promise: amount for promise, amount in amounts.items() if amount}


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found(SOUND) == {}
    assert verdict(SOUND, 1).is_met


def test_a_command_that_became_two_runs_is_found() -> None:
    twin = replace(RUN, id=2, ts="2.0")
    told = (FINAL, replace(FINAL, thread_ts="2.0", letter=9, run=2))

    seen = replace(SOUND, runs=(RUN, twin), messages=told)

    assert found(seen)["commands started more than once"] == 1


def test_a_command_that_began_twice_is_found_by_its_marks() -> None:
    seen = replace(SOUND, marks=(START, START, END))

    assert found(seen)["commands started more than once"] == 1


def test_two_containers_of_one_run_are_found_by_the_engine_events() -> None:
    seen = replace(SOUND, events=(BEGUN, DIED, replace(BEGUN, container="b", at=14)))

    assert found(seen) == {"commands started more than once": 1}


@pytest.mark.parametrize("end", [(), (END,)], ids=["for ever", "for a while"])
def test_runs_that_perform_at_once_on_a_stack_are_found(end: tuple[Mark, ...]) -> None:
    other = Mark(word="start", run=2, stack="net", token="cmd2", at=11.0)

    seen = replace(SOUND, marks=(START, *end, other))

    assert found(seen)["overlaps on a stack"] == 1


def test_containers_of_one_stack_at_once_are_found() -> None:
    events = (
        replace(BEGUN, container="b", run=2, at=12),
        replace(DIED, container="b", run=2, at=20),
    )

    seen = replace(SOUND, events=(BEGUN, DIED, *events))

    assert found(seen) == {"overlaps on a stack": 1}


def test_runs_one_after_the_other_are_no_overlap() -> None:
    marks = (
        Mark(word="start", run=2, stack="net", token="cmd2", at=12.5),
        Mark(word="start", run=3, stack="app", token="cmd3", at=11.0),
    )

    assert found(replace(SOUND, marks=(START, END, *marks))) == {}


def test_a_lost_line_is_found_by_its_bytes() -> None:
    lines = output_of(COMMAND).splitlines(keepends=True)

    seen = replace(SOUND, runs=(replace(RUN, output=b"".join([lines[0], *lines[2:]])),))

    assert found(seen) == {"bytes of output lost or doubled": len(lines[1])}


def test_a_doubled_line_is_found_by_its_bytes() -> None:
    lines = output_of(COMMAND).splitlines(keepends=True)

    output = b"".join([*lines[:2], *lines[1:]])

    seen = replace(SOUND, runs=(replace(RUN, output=output),))
    assert found(seen) == {"bytes of output lost or doubled": len(lines[1])}


def test_lines_in_another_order_are_found() -> None:
    lines = output_of(COMMAND).splitlines(keepends=True)

    output = b"".join([lines[0], lines[2], lines[1], *lines[3:]])

    seen = replace(SOUND, runs=(replace(RUN, output=output),))
    assert found(seen) == {"bytes of output lost or doubled": 1}


def test_a_run_that_was_stopped_may_have_the_beginning_of_its_output() -> None:
    states = ("queued", "ready", "preparing", "initializing", "stopped")
    stopped = replace(
        RUN, state="stopped", exit_code=None, output=b"initia", states=states
    )

    assert found(replace(SOUND, runs=(stopped,), marks=(), events=())) == {}


@pytest.mark.parametrize(
    "told",
    [
        replace(RUN, exit_code=1, state="failed", reason="exit_code"),
        replace(RUN, exit_code=None, state="failed", reason="lost"),
    ],
    ids=["another exit code", "lost"],
)
def test_a_run_told_otherwise_than_its_command_went_is_found(told: RunRow) -> None:
    seen = replace(SOUND, runs=(replace(told, states=RUN.states[:-1]),))

    assert found(seen) == {"runs told otherwise than they went": 1}


def test_a_command_that_began_in_a_run_that_was_stopped_is_found() -> None:
    stopped = replace(RUN, state="stopped", states=("initializing", "stopped"))

    seen = replace(SOUND, runs=(stopped,), marks=(START,))

    assert found(seen) == {"runs told otherwise than they went": 1}


@pytest.mark.parametrize("count", [0, 2])
def test_a_thread_without_exactly_one_final_message_is_found(count: int) -> None:
    messages = tuple(replace(FINAL, letter=number) for number in range(count))

    seen = replace(SOUND, messages=messages)

    assert found(seen) == {"threads without exactly one final message": 1}


def test_a_message_that_was_posted_twice_is_found() -> None:
    held = Message(channel="C1", ts="1", thread_ts="1.0", kind="held", letter=3, run=1)

    seen = replace(SOUND, messages=(FINAL, held, replace(held, ts="2")))

    assert found(seen) == {"messages in channels told twice": 1}


def test_a_direct_message_may_be_posted_twice_and_is_counted() -> None:
    notice = Message(channel="D1", ts="1", thread_ts="", kind="notice", letter=3, run=0)

    seen = replace(SOUND, messages=(FINAL, notice, replace(notice, ts="2")))

    assert found(seen) == {}
    assert "told twice: 1 of all" in verdict(seen, seed=1).notes[0]


def test_what_is_left_is_found() -> None:
    seen = replace(SOUND, claims=("net",), containers=("handrail-x-1",))

    assert found(seen) == {"claims, containers and runs left": 2}


def test_a_run_that_is_not_over_is_found() -> None:
    open_run = replace(RUN, state="performing", states=RUN.states[:-1])

    seen = replace(SOUND, runs=(open_run,), marks=(START,))

    assert found(seen)["claims, containers and runs left"] == 1


@pytest.mark.parametrize(
    "shown",
    [
        SECRET.encode(),
        SECRET[:12].encode(),
        json.dumps({"a": SECRET}).encode(),
        base64.b64encode(b"x" + SECRET.encode() + b"yz"),
        base64.b64encode(b"xy" + SECRET.encode() + b"z"),
        SECRET.encode().hex().encode(),
        learned("cmd1").encode(),
    ],
    ids=["raw", "half", "json", "base64 at 1", "base64 at 2", "hex", "learned"],
)
def test_a_secret_is_found_in_any_form(shown: bytes) -> None:
    seen = replace(SOUND, places={"a file": b"It is " + shown + b"."})

    assert found(seen) == {"secrets seen": 1}


def test_no_form_of_a_secret_is_so_short_that_it_is_found_by_chance() -> None:
    assert min(map(len, forms(SECRET))) >= 12


def test_a_change_of_state_that_may_not_be_is_found() -> None:
    leap = replace(RUN, states=("queued", "performing", "finished"))

    seen = replace(SOUND, runs=(leap,))

    assert found(seen) == {"changes of state that may not be": 1}


def test_a_broken_audit_chain_is_found() -> None:
    seen = replace(SOUND, audit="The chain breaks at row 7.")

    assert found(seen) == {"breaks of the audit chain": 1}
    assert "The chain breaks at row 7." in str(verdict(seen, 1))
