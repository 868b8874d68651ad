"""The channel's own messages: a run's header, a stack's card."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.lock import EVERY, Claim, Hold, Occupancy
from bot.domain.people import api_actor
from bot.domain.preset import Choice, Parameter, Preset
from bot.domain.run import Reason, Run, RunId, RunState, RunType
from bot.slack import headers
from tests.support.builders import NOON, STACK, a_hold, a_run, an_actor, later
from tests.unit.slack.shown import (
    blocks_of,
    buttons_in,
    buttons_of,
    preformatted_in,
    said,
    shown,
)

FREE = Occupancy()
LATER = later(3_600)


def ended(state: RunState = RunState.FINISHED, **changes: object) -> Run:
    run = replace(a_run(state=state), started_at=NOON, ended_at=later(65))
    return replace(run, **changes)  # type: ignore[arg-type]  # fields by name


def a_deploy(state: RunState, **changes: object) -> Run:
    run = replace(
        a_run("terraform plan", number=7, state=state),
        type=RunType.TRACKED,
        apply="terraform apply",
    )
    return replace(run, **changes)  # type: ignore[arg-type]  # fields by name


def from_outside(state: RunState, **changes: object) -> Run:
    run = a_deploy(state, outside=True, apply="", actor=api_actor("ci"))
    return replace(run, **changes)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("run", "title"),
    [
        (a_run(state=RunState.QUEUED), ":hourglass_flowing_sand: *net-prod* · queued"),
        (a_run(state=RunState.READY), ":hourglass_flowing_sand: *net-prod* · ready"),
        (a_run(state=RunState.PREPARING), ":package: *net-prod* · preparing"),
        (a_run(state=RunState.INITIALIZING), ":gear: *net-prod* · initializing"),
        (a_run(state=RunState.PERFORMING), ":rocket: *net-prod* · performing"),
        (a_deploy(RunState.PLANNING), ":mag: *net-prod* · deploy · planning"),
        (
            a_deploy(RunState.UNCONFIRMED),
            ":raised_hand: *net-prod* · deploy · unconfirmed",
        ),
        (
            a_deploy(RunState.UNCONFIRMED, confirmed_by=an_actor("bob")),
            ":raised_hand: *net-prod* · deploy · confirmed",
        ),
        (a_deploy(RunState.APPLYING), ":rocket: *net-prod* · deploy · applying"),
        (from_outside(RunState.PERFORMING), ":rocket: *net-prod* · performing"),
        (
            ended(exit_code=0),
            ":white_check_mark: *net-prod* · finished, exit code 0",
        ),
        (
            ended(RunState.FAILED, reason=Reason.EXIT_CODE, exit_code=2),
            ":x: *net-prod* · failed: the command failed, exit code 2",
        ),
        (ended(RunState.DISCARDED), ":no_entry: *net-prod* · discarded"),
        (ended(RunState.STOPPED), ":octagonal_sign: *net-prod* · stopped"),
    ],
    ids=lambda value: value.state if isinstance(value, Run) else "",
)
def test_the_header_begins_with_where_the_run_stands(run: Run, title: str) -> None:
    message = headers.header(run, FREE)

    assert message.blocks[0]["text"]["text"] == title


def test_the_header_says_who_since_when_and_what_ran() -> None:
    run = replace(
        a_run("terraform plan", number=7),
        skip_init=True,
        commit="0123456789abcdef",
        image_digest="terraform@sha256:" + "a" * 64,
    )

    facts = shown(headers.header(run, FREE)).split("\n")[2]

    assert facts == (
        "run 7 · by <@U0ANN> · since <!date^1795176000^{date_short_pretty} "
        "{time_secs}|2026-11-20 12:00:00 UTC> · `--no-init` · commit `0123456789` · "
        "image `terraform@sha256:aaaaaaaaaaaa`"
    )


def test_the_header_says_what_is_repeated_who_confirmed_and_where_it_performs() -> None:
    again = shown(headers.header(replace(a_run(), again=RunId(3)), FREE))
    confirmed = a_deploy(RunState.APPLYING, confirmed_by=an_actor("bob"))
    outside = shown(headers.header(from_outside(RunState.PERFORMING), FREE))

    assert " · again run 3" in again
    assert " · confirmed by <@U0BOB>" in shown(headers.header(confirmed, FREE))
    assert "by api::ci · since" in outside
    assert " · performed by an outside CI" in outside


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("hold", [None, a_hold()], ids=["free", "held"])
def test_the_buttons_of_a_task_fit_the_state(
    state: RunState, hold: Hold | None
) -> None:
    stoppable = {
        RunState.QUEUED,
        RunState.READY,
        RunState.PREPARING,
        RunState.INITIALIZING,
        RunState.PLANNING,
    }
    first = ["stop"] if state in stoppable else []
    first = ["confirm", "discard"] if state is RunState.UNCONFIRMED else first
    first = ["again"] if state.is_terminal else first

    buttons = buttons_of(headers.header(a_run(state=state), Occupancy(hold=hold)))

    assert buttons == first + (["unlock", "steal"] if hold else ["lock"])


@pytest.mark.parametrize("made", [a_deploy, from_outside])
@pytest.mark.parametrize("state", [s for s in RunState if s.is_terminal])
def test_only_a_task_runs_again(
    made: Callable[[RunState], Run], state: RunState
) -> None:
    assert buttons_of(headers.header(made(state), FREE)) == ["lock"]


def test_what_is_confirmed_cannot_be_confirmed_twice() -> None:
    run = a_deploy(RunState.UNCONFIRMED, confirmed_by=an_actor("bob"))

    assert buttons_of(headers.header(run, FREE)) == ["lock"]


def test_stop_asks_before_it_acts() -> None:
    stop, lock = buttons_in(headers.header(a_run(), FREE))

    assert stop["confirm"]["confirm"]["text"] == "Stop"
    assert "before its command performs" in stop["confirm"]["text"]["text"]
    assert "confirm" not in lock


def test_confirm_asks_with_what_the_plan_would_do() -> None:
    run = a_deploy(RunState.UNCONFIRMED, summary="1 to add, 2 to destroy\n+ a")

    confirm, discard, _ = buttons_in(headers.header(run, FREE))

    assert confirm["style"] == "primary"
    assert confirm["confirm"]["text"]["text"] == (
        "Exactly this plan is applied to net-prod: 1 to add, 2 to destroy"
    )
    assert "confirm" not in discard


def test_run_again_asks_with_the_command() -> None:
    again, _ = buttons_in(headers.header(ended(command="terraform import a b"), FREE))

    assert again["text"]["text"] == "Run again"
    assert again["confirm"]["text"]["text"] == (
        "It becomes a new run, by you: terraform import a b"
    )


def test_the_header_of_a_plan_shows_its_counts_and_not_every_change() -> None:
    run = a_deploy(RunState.UNCONFIRMED, summary="1 to add & <2> to destroy\n+ aws_x")

    told = shown(headers.header(run, FREE))

    assert "\nPlan: 1 to add &amp; &lt;2&gt; to destroy\n" in told
    assert "aws_x" not in told


def test_the_header_says_that_a_ci_was_not_heard_of() -> None:
    lost = from_outside(RunState.PERFORMING, lost_since=NOON)
    over = replace(lost, state=RunState.FAILED)

    assert ":warning: its CI was not heard of since <!date^1795176000" in shown(
        headers.header(lost, FREE)
    )
    assert "`release: reason`" in shown(headers.header(lost, FREE))
    assert ":warning:" not in shown(headers.header(over, FREE))


@pytest.mark.parametrize(
    ("command", "preview"),
    [
        ("ls -l", "ls -l"),
        ("1\n2\n3\n4\n5", "1\n2\n3\n4\n5"),
        ("1\n2\n3\n4\n5\n6", "1\n2\n3\n4\n5\n…"),
        ("x" * 281, "x" * 279 + "…"),
        ("a ``` b <!channel> &", "a ``` b <!channel> &"),
    ],
)
def test_the_header_shows_the_beginning_of_the_command(
    command: str, preview: str
) -> None:
    assert preformatted_in(headers.header(a_run(command), FREE)) == [preview]


def test_the_header_names_who_holds_the_stack_why_and_until_when() -> None:
    hold = a_hold(by="bob", reason="moving & <shaking>")
    timed = replace(hold, until=LATER)

    told = shown(headers.header(a_run(), Occupancy(hold=hold)))

    assert ":lock: held by <@U0BOB>: moving &amp; &lt;shaking&gt;" in told
    assert ":lock: held by <@U0BOB> until <!date^1795179600^" in shown(
        headers.header(a_run(), Occupancy(hold=timed))
    )


def test_the_header_names_who_froze_every_stack() -> None:
    freeze = a_hold(stack=EVERY, by="ada", reason="audit")

    told = shown(headers.header(a_run(), Occupancy(freeze=freeze)))

    assert ":snowflake: every stack is frozen by <@U0ADA>: audit" in told


def test_a_card_shows_the_hold_the_run_the_queue_and_the_last_runs() -> None:
    running = a_run(number=8, state=RunState.PERFORMING)
    claim = Claim(stack=STACK, run=running.id, fence=1, since=NOON, lease=LATER)
    occupancy = Occupancy(
        claim=claim,
        hold=a_hold(by="bob", reason="audit"),
        freeze=a_hold(stack=EVERY, by="ada"),
    )
    queue = (a_run(number=9, by="ann"),)
    last = (ended(exit_code=0), a_run("echo `id`", number=2))

    message = headers.card(STACK, occupancy, running, queue, last, {})

    told = shown(message)
    assert "ada froze every stack at 2026-11-20 12:00 UTC, without a reason." in told
    assert "bob has held net-prod since 2026-11-20 12:00 UTC: audit." in told
    assert "Run 8 of ann has been performing since 2026-11-20 12:00 UTC." in told
    assert "Waiting: run 9 (ann)." in told
    assert "run 1 · <@U0ANN> · `terraform state list` · finished, exit code 0" in told
    assert "`echo 'id'`" in told
    assert buttons_of(message) == ["unlock", "steal"]


def test_a_card_says_how_each_preset_is_called() -> None:
    service = Parameter(name="service", kind=Choice(of=("api", "worker")))
    presets = (
        Preset(
            name="restart",
            command="./restart",
            description="Restarts *one* of them.\nThe rest stays.",
            parameters={"service": service},
        ),
        Preset(name="drain", command="./drain"),
    )

    message = headers.card(STACK, FREE, None, (), (), {}, presets)

    assert (
        "Presets:\n"
        "• `/task net-prod !restart service=&lt;api|worker&gt;` "
        "Restarts *one* of them.\n"
        "• `/task net-prod !drain`"
    ) in shown(message)


def test_the_header_of_a_preset_run_shows_what_was_called() -> None:
    run = replace(a_run("./x"), preset="restart", parameters={"service": "api"})

    message = headers.header(run, FREE)

    assert preformatted_in(message) == ["!restart service=api"]
    assert "!restart service=api" in message.text


def test_the_card_of_a_free_stack_offers_the_lock() -> None:
    message = headers.card(STACK, FREE, None, (), (), {})

    assert "net-prod is free and nothing waits." in shown(message)
    assert said(message) == ":memo: *net-prod*"
    assert buttons_of(message) == ["lock"]
    assert blocks_of(message, "context") == []
