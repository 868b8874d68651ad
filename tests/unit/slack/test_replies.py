"""What the thread of a run is told while it goes on."""

from dataclasses import replace

import pytest

from bot.domain.lock import EVERY, Claim
from bot.domain.people import api_actor
from bot.domain.run import Run, RunId, RunState, RunType
from bot.domain.telling import Confirmed, Echo, Said, StopAsked
from bot.slack import replies
from tests.support.builders import NOON, STACK, a_hold, a_run, an_actor, later
from tests.unit.slack.shown import blocks_of, preformatted_in, said, shown

LINK = "https://slack.example/p1"
CLAIM = Claim(stack=STACK, run=RunId(7), fence=1, since=NOON, lease=later(90))


def a_plan(summary: str, state: RunState = RunState.UNCONFIRMED) -> Run:
    run = a_run("terraform plan", state=state)
    return replace(run, type=RunType.TRACKED, summary=summary)


def test_the_echo_shows_the_exact_command_and_what_was_undone() -> None:
    run = replace(a_run("echo '``` <!here>'\n  next"), skip_init=True)

    message = replies.echo(Echo(run=run.id, remarks=("put <x> back",)), run)

    assert preformatted_in(message) == ["echo '``` <!here>'\n  next"]
    assert said(message) == ("<@U0ANN> runs exactly this, without init (`--no-init`):")
    assert "put &lt;x&gt; back" in shown(message)


def test_the_echo_of_a_repetition_names_the_run_that_it_repeats() -> None:
    run = replace(a_run(number=13), again=RunId(12))

    assert said(replies.echo(Echo(run=run.id), run)) == (
        "<@U0ANN> runs what run 12 ran, exactly this, after the stack's init:"
    )


def test_the_echo_of_a_preset_shows_the_call_and_what_exactly_runs() -> None:
    run = replace(
        a_run('./restart "$PARAM_SERVICE"', number=13),
        preset="restart",
        parameters={"service": "two words", "count": "2"},
    )

    message = replies.echo(Echo(run=run.id, remarks=("put back",)), run)

    assert preformatted_in(message) == [
        '!restart service="two words" count=2',
        './restart "$PARAM_SERVICE"',
    ]
    assert said(message) == "<@U0ANN> calls a preset:"
    assert (
        "It runs exactly this, after the stack's init, which finds its parameters as "
        "`PARAM_SERVICE`, `PARAM_COUNT`:"
    ) in shown(message)
    assert "put back" in shown(message)


def test_the_echo_of_a_preset_that_is_repeated_names_the_run() -> None:
    run = replace(a_run(number=13), again=RunId(12), preset="drain", skip_init=True)

    message = replies.echo(Echo(run=run.id), run)

    assert said(message) == "<@U0ANN> calls a preset as run 12 did:"
    assert "It runs exactly this, without init (`--no-init`):" in shown(message)


def test_the_echo_of_a_deploy_shows_how_it_plans_and_how_it_applies() -> None:
    run = replace(a_plan(""), apply="terraform apply x")

    message = replies.echo(Echo(run=run.id), run)

    assert preformatted_in(message) == ["terraform plan", "terraform apply x"]
    assert "<@U0ANN> deploys. This makes the plan, after the stack's init:" in shown(
        message
    )


def test_the_echo_of_an_outside_run_says_who_performs_it() -> None:
    run = replace(a_plan(""), outside=True, actor=api_actor("ci"))

    message = replies.echo(Echo(run=run.id), run)

    assert said(message) == "api::ci performs exactly this, outside of Handrail:"
    assert preformatted_in(message) == ["terraform plan"]


def test_a_queued_run_says_its_place_and_what_blocks_it_with_a_link() -> None:
    linked = said(replies.waiting(2, CLAIM, LINK))
    unlinked = said(replies.waiting(2, CLAIM, None))

    assert "Queued, number 2: <https://slack.example/p1|run 7> has the stack" in linked
    assert "since <!date^1795176000^" in linked
    assert "Reply `stop` to take it out of the queue." in linked
    assert ": run 7 has the stack since" in unlinked


def test_a_queued_run_names_the_holder_why_and_until_when() -> None:
    hold = replace(a_hold(by="bob", reason="<audit>"), until=later(60))

    told = said(replies.waiting(1, hold, LINK))

    assert "<@U0BOB> <https://slack.example/p1|holds the stack> since <!date^" in told
    assert " until <!date^1795176060^" in told
    assert ": &lt;audit&gt;. Reply" in told


def test_a_queued_run_says_that_every_stack_is_frozen() -> None:
    freeze = a_hold(stack=EVERY, by="ada")

    told = said(replies.waiting(1, freeze, None))

    assert "<@U0ADA> has frozen every stack since <!date^" in told


def test_a_queued_run_that_nothing_blocks_starts_in_a_moment() -> None:
    assert "it starts in a moment" in said(replies.waiting(1, None, None))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (
            replace(a_run(state=RunState.READY), state_since=later(30)),
            "Its turn came after 30 s",
        ),
        (
            replace(a_run(state=RunState.FAILED), started_at=later(5), ended_at=NOON),
            "Its turn came after 5 s",
        ),
        (
            replace(a_run(state=RunState.DISCARDED), ended_at=later(90)),
            "It was discarded after 1 min 30 s",
        ),
    ],
    ids=["ready", "over", "discarded"],
)
def test_a_run_whose_turn_came_says_how_long_it_waited(run: Run, words: str) -> None:
    assert said(replies.waited(run)) == f":hourglass: {words}."


def test_a_plan_is_told_by_its_counts_then_its_changes() -> None:
    run = a_plan("1 to add & 2 to destroy\n+ a\n- <b>\n- ``` <!here>")

    message = replies.planned(run)

    assert said(message) == ":mag: Plan: *1 to add &amp; 2 to destroy*"
    assert preformatted_in(message) == ["+ a\n- <b>\n- ``` <!here>"]
    assert "A writer replies `confirm`" in shown(message)


def test_a_plan_of_many_changes_says_how_many_are_not_shown() -> None:
    changes = [f"+ aws_instance.number[{number}]" for number in range(1_000)]

    (told,) = preformatted_in(replies.planned(a_plan("\n".join(["1000", *changes]))))

    *first, last = told.split("\n")
    assert first == changes[: len(first)]
    assert last == f"… and {1_000 - len(first):,} more lines, in the output"
    assert len(told) < 3_100


def test_a_plan_without_a_summary_is_told_all_the_same() -> None:
    message = replies.planned(a_plan(""))

    assert said(message) == ":mag: The plan is made."
    assert preformatted_in(message) == []


@pytest.mark.parametrize("state", [RunState.APPLYING, RunState.DISCARDED])
def test_a_plan_that_was_decided_on_asks_nobody(state: RunState) -> None:
    assert blocks_of(replies.planned(a_plan("1 to add", state)), "context") == []


def test_a_plan_says_who_confirmed_it() -> None:
    told = said(replies.confirmed(Confirmed(actor=an_actor("bob"))))

    assert told == (
        ":ballot_box_with_check: <@U0BOB> confirmed the plan. Exactly this plan is "
        "applied."
    )


def test_a_wish_to_stop_and_a_sentence_are_told_plainly() -> None:
    asked = said(replies.stop_asked(StopAsked(actor=an_actor("bob"))))
    sentence = said(replies.said(Said(text="a < b", to=an_actor("ann"))))

    assert asked == ":octagonal_sign: <@U0BOB> asked to stop the run."
    assert sentence == "<@U0ANN> a &lt; b"


def test_the_tail_shows_the_last_lines_or_a_blank() -> None:
    output = b"".join(b"line %d\n" % number for number in range(100))

    (told,) = preformatted_in(replies.tail(output))

    assert told.split("\n")[0] == "line 70"
    assert preformatted_in(replies.tail(b"")) == [" "]
