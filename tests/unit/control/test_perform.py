"""How a run ends: every way, with its reason, its note and its claim."""

import asyncio
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bot.control.verdict import ended_of
from bot.domain.people import Standing
from bot.domain.run import Reason, Run, RunState
from bot.domain.stack import FromEnv, Hooks
from bot.domain.telling import Said
from bot.ports import Minted
from runner.events import Ending, Outcome
from runner.job import DirectorySource, Limits, Phase
from tests.support.builders import a_new_run, later
from tests.unit.control.stand_ins import Stage, a_stack

P = Phase
#: ending → the reason it fails for, in whatever phase
FAILURES = {
    Ending.TIMEOUT: Reason.TIMEOUT,
    Ending.SILENCE: Reason.SILENCE,
    Ending.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
    Ending.IMAGE: Reason.IMAGE,
    Ending.SOURCE: Reason.SOURCE,
    Ending.ENGINE: Reason.ENGINE,
    Ending.LOST: Reason.LOST,
}
#: endings that cut a command off
CUTTING = {
    Ending.TIMEOUT,
    Ending.SILENCE,
    Ending.OUT_OF_MEMORY,
    Ending.ENGINE,
    Ending.LOST,
}


@pytest.mark.parametrize(("ending", "phase"), list(product(Ending, Phase)))
def test_every_ending_in_every_phase_has_its_verdict(
    ending: Ending, phase: Phase
) -> None:
    ended = ended_of(Outcome(ending=ending, phase=phase, exit_code=3))

    match ending:
        case Ending.STOPPED:
            verdict: tuple[RunState, Reason | None] = (RunState.STOPPED, None)
        case Ending.EXITED if phase is P.PERFORMING:
            verdict = (RunState.FAILED, Reason.EXIT_CODE)
        case Ending.EXITED:
            verdict = (RunState.FAILED, Reason.INIT)
        case _:
            verdict = (RunState.FAILED, FAILURES[ending])
    assert (ended.state, ended.reason) == verdict
    cut_off = phase is P.PERFORMING and ending in CUTTING
    assert ("state may be partial" in ended.note) is cut_off
    assert ended.exit_code == 3
    assert ended.release


@pytest.mark.parametrize("ending", list(Ending))
def test_a_lock_of_the_state_is_warned_of_where_nobody_asked_for_it_back(
    ending: Ending,
) -> None:
    ended = ended_of(Outcome(ending=ending, phase=P.PERFORMING, exit_code=3))

    unasked = ending in {Ending.OUT_OF_MEMORY, Ending.ENGINE, Ending.LOST}
    assert ("may still be locked" in ended.note) is unasked


def test_a_command_that_was_killed_from_outside_may_have_left_state_partial() -> None:
    killed = Outcome(ending=Ending.EXITED, phase=P.PERFORMING, exit_code=137)

    note = ended_of(killed).note

    assert "Something killed it" in note
    assert "may still be locked" in note
    assert ended_of(killed, changes=False).note == ""


@pytest.mark.parametrize("code", [137, 143])
def test_a_container_that_was_ended_from_outside_has_left_state_partial(
    code: int,
) -> None:
    note = ended_of(
        Outcome(
            ending=Ending.EXITED,
            phase=P.PERFORMING,
            exit_code=code,
            note="it was ended from outside",
        )
    ).note

    assert note.startswith("It was ended from outside. The command was cut off")
    assert "may still be locked" in note
    assert "Something killed it" not in note


@pytest.mark.parametrize("ending", sorted(CUTTING))
def test_a_plan_that_is_cut_off_leaves_nothing_partial(ending: Ending) -> None:
    ended = ended_of(Outcome(ending=ending, phase=P.PERFORMING), changes=False)

    assert "partial" not in ended.note


@pytest.mark.parametrize("ending", list(Ending))
def test_a_container_that_may_live_keeps_the_claim_and_says_the_way_out(
    ending: Ending,
) -> None:
    ended = ended_of(
        Outcome(ending=ending, phase=P.PERFORMING, note="why", container_gone=False)
    )

    assert not ended.release
    assert ended.note.startswith("Why. ")
    assert "release: <reason>" in ended.note


def the_end(run: Run) -> tuple[RunState, Reason | None, int | None]:
    return run.state, run.reason, run.exit_code


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        ({}, (RunState.FINISHED, None, 0)),
        ({"apply": 3}, (RunState.FAILED, Reason.EXIT_CODE, 3)),
        ({"init": 2}, (RunState.FAILED, Reason.INIT, 2)),
        ({"login": 4}, (RunState.FAILED, Reason.INIT, 4)),
        ({"before": 5}, (RunState.FAILED, Reason.EXIT_CODE, 5)),
        ({"after": 6}, (RunState.FAILED, Reason.EXIT_CODE, 6)),
        ({"logout": 7}, (RunState.FINISHED, None, 0)),
    ],
    ids=str,
)
async def test_a_step_that_fails_ends_the_run(
    stage: Stage, steps: dict[str, int], end: tuple[RunState, Reason | None, int]
) -> None:
    stage.stack = a_stack(
        init="init",
        hooks=Hooks(
            before_init=("login",),
            before_perform=("before",),
            after_perform=("after",),
            after_run=("logout",),
        ),
    )
    for text, code in steps.items():
        stage.engine.prepare(text, code=code)

    run = await stage.performed(a_new_run("apply"))

    assert the_end(run) == end
    assert (await stage.store.archive.occupancy(run.stack)).claim is None


async def test_an_image_that_is_not_there_fails_the_run(stage: Stage) -> None:
    stage.engine.missing_images.add("sample")

    run = await stage.performed()

    assert the_end(run) == (RunState.FAILED, Reason.IMAGE, None)
    assert "no image sample" in run.note


async def test_a_source_that_is_not_there_fails_the_run(
    stage: Stage, tmp_path: Path
) -> None:
    stage.stack = a_stack(source=DirectorySource(directory=tmp_path / "none"))

    run = await stage.performed()

    assert the_end(run) == (RunState.FAILED, Reason.SOURCE, None)


@pytest.mark.parametrize(("text", "partial"), [("init", False), ("apply", True)])
async def test_a_timeout_says_that_state_may_be_partial_only_of_the_command(
    stage: Stage, text: str, *, partial: bool
) -> None:
    limits = Limits(run_timeout=timedelta(seconds=0.2))
    stage.stack = a_stack(init="init", limits=limits)
    stage.engine.on(text, block=True)

    run = await stage.performed(a_new_run("apply"))

    assert (run.state, run.reason) == (RunState.FAILED, Reason.TIMEOUT)
    assert ("state may be partial" in run.note) is partial


async def test_out_of_memory_is_told_as_such(stage: Stage) -> None:
    stage.engine.on("apply", out_of_memory=True, code=137)

    run = await stage.performed(a_new_run("apply"))

    assert the_end(run) == (RunState.FAILED, Reason.OUT_OF_MEMORY, 137)


async def test_a_container_that_cannot_be_removed_keeps_the_stack(
    stage: Stage,
) -> None:
    stage.engine.removable = False

    run = await stage.performed()

    assert run.state is RunState.FINISHED
    assert run.keeps_claim
    assert (await stage.store.archive.occupancy(run.stack)).claim is not None


async def test_a_stop_before_the_start_ends_the_run_without_a_container(
    stage: Stage,
) -> None:
    stop = asyncio.Event()
    stop.set()

    run = await stage.performed(stop=stop)

    assert the_end(run) == (RunState.STOPPED, None, None)
    assert stage.engine.jobs == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"away": True}, "Slack could not be asked. In doubt nothing starts."),
        ({"standing": {"U0ANN": Standing.DEACTIVATED}}, "deactivated"),
        ({}, "You are no writer of net-prod"),
    ],
    ids=["away", "deactivated", "no writer"],
)
async def test_who_may_no_longer_is_rejected_at_the_start(
    stage: Stage, change: dict[str, Any], words: str
) -> None:
    if not change:
        stage.stack = a_stack(writers=("U0BOB",))
    for name, value in change.items():
        setattr(stage.people, name, value)

    run = await stage.performed()

    assert the_end(run) == (RunState.FAILED, Reason.REJECTED, None)
    assert words in run.note
    assert stage.engine.jobs == []
    assert (await stage.store.archive.occupancy(run.stack)).claim is None


async def test_the_role_is_asked_anew_at_the_start(stage: Stage) -> None:
    await stage.performed()

    assert stage.people.asked_fresh
    assert all(stage.people.asked_fresh)


async def test_a_missing_secret_fails_the_run_by_name(stage: Stage) -> None:
    stage.stack = a_stack(secrets={"DB": FromEnv(variable="A")})

    run = await stage.performed()

    assert the_end(run) == (RunState.FAILED, Reason.CREDENTIALS, None)
    assert run.note == "DB: A is not set."


async def test_what_cannot_be_masked_is_named_in_the_thread(stage: Stage) -> None:
    stage.stack = a_stack(secrets={"PIN": FromEnv(variable="A")})
    stage.safe.values["A"] = "1234"

    await stage.performed()

    told = [said.text for said in await stage.store.told() if isinstance(said, Said)]
    assert told == ["Not masked, because too short or too ordinary: PIN."]


async def test_naming_them_waits_for_a_store_that_is_away(stage: Stage) -> None:
    stage.stack = a_stack(secrets={"PIN": FromEnv(variable="A")})
    stage.safe.values["A"] = "1234"
    stage.record.away["tell"] = 1

    run = await stage.performed()

    assert the_end(run) == (RunState.FINISHED, None, 0)


async def test_the_end_is_recorded_though_the_store_is_away_just_then(
    stage: Stage,
) -> None:
    stage.record.away["end"] = 2

    run = await stage.performed()

    assert run.state is RunState.FINISHED


async def test_a_container_that_was_lost_is_told_when_the_run_is_taken_up(
    stage: Stage,
) -> None:
    run = await stage.preparing()
    begun = await stage.record.advance(run.id, RunState.INITIALIZING, later(3))
    assert begun is not None

    await stage.perform().again(begun, asyncio.Event())

    lost = await stage.store.archive.run(run.id)
    assert the_end(lost) == (RunState.FAILED, Reason.LOST, None)


async def test_a_run_goes_on_where_an_earlier_process_left_it(stage: Stage) -> None:
    stage.engine.on("apply", b"one\n", block=True, then=b"two\n")
    run = await stage.ready(a_new_run("apply"))
    first = asyncio.create_task(stage.perform()(run, asyncio.Event()))
    await stage.record.stored.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    left = await stage.store.archive.run(run.id)
    assert left.state is RunState.PERFORMING

    stage.engine.release("apply")
    await stage.perform().again(left, asyncio.Event())

    pieces = [piece async for piece in stage.store.archive.output(run.id)]
    ended = await stage.store.archive.run(run.id)
    assert b"".join(pieces) == b"one\ntwo\n"
    assert the_end(ended) == (RunState.FINISHED, None, 0)


async def test_whatever_fails_before_a_container_is_asked_for_frees_the_stack(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(Exception):
        pass

    async def mint(*_: object) -> Minted:
        raise Odd

    monkeypatch.setattr(stage.mint, "mint", mint)

    run = await stage.performed()

    assert the_end(run) == (RunState.FAILED, Reason.ENGINE, None)
    assert "before it began" in run.note
    assert (await stage.store.archive.occupancy(run.stack)).claim is None


async def test_credentials_that_are_not_to_be_had_fail_the_run(stage: Stage) -> None:
    stage.mint.trouble = "AWS says no: AccessDenied"

    run = await stage.performed()

    assert the_end(run) == (RunState.FAILED, Reason.CREDENTIALS, None)
    assert "AccessDenied" in run.note


async def test_what_is_too_long_to_be_masked_line_by_line_is_named(
    stage: Stage,
) -> None:
    stage.stack = a_stack(secrets={"KEYS": FromEnv(variable="A")})
    stage.safe.values["A"] = "\n".join(f"line-{n:06}-of-keys" for n in range(9_000))

    await stage.performed()

    told = [said.text for said in await stage.store.told() if isinstance(said, Said)]
    assert told == [
        "Masked as a whole, and by their first lines only, because so long: KEYS."
    ]


async def test_a_run_that_another_hand_started_is_left_to_it(stage: Stage) -> None:
    run = await stage.ready()
    await stage.record.start(run.id, later(2))

    await stage.perform()(run, asyncio.Event())

    assert (await stage.store.archive.run(run.id)).state is RunState.PREPARING
    assert stage.engine.jobs == []
