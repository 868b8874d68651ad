"""What a thread is told of approvals."""

from dataclasses import replace

import pytest

from bot.domain.approval import Decision, Review, Reviews
from bot.domain.lock import Occupancy
from bot.domain.policy import Session
from bot.domain.run import Approval, Reason, Run, RunId, RunState, RunType
from bot.domain.sentences import status
from bot.domain.telling import Reviewed
from bot.slack import approving, headers, replies
from bot.slack.endings import final
from bot.slack.output import Excerpt
from tests.support.builders import NOON, STACK, a_run, an_actor, later
from tests.unit.slack.shown import buttons_in, buttons_of, said, shown

SUBJECT = "5" * 64
NOTE = "2 of @platform have to agree; 1 has (Ada)."
FREE = Occupancy()
NOBODYS = Reviews()


def a_pending_run(command: str = "terraform taint x", **changes: object) -> Run:
    run = replace(
        a_run(command, number=9),
        approval=Approval.PENDING,
        approval_note=NOTE,
        subject=SUBJECT,
    )
    return replace(run, **changes)  # type: ignore[arg-type]  # fields by name


def a_review(by: str, decision: Decision = Decision.APPROVE) -> Review:
    return Review(
        run=RunId(9),
        actor=an_actor(by),
        session=Session(login=by),
        decision=decision,
        at=NOON,
        subject=SUBJECT,
    )


def by(*names: str, rejected_by: tuple[str, ...] = ()) -> Reviews:
    against = (a_review(name, Decision.REJECT) for name in rejected_by)
    return Reviews(current=(*map(a_review, names), *against))


def test_a_pending_run_says_who_has_to_agree_in_the_words_of_its_rules() -> None:
    message = approving.pending(a_pending_run(), NOBODYS)

    told = shown(message)
    assert said(message).startswith(":raised_hand: *It waits for approval")
    assert f"\n{NOTE}\n" in told
    assert "Reply `approve`, `approve: note` or `reject: why`" in told
    assert NOTE in message.text


def test_its_buttons_say_what_exactly_is_agreed_to() -> None:
    approve, reject = buttons_in(approving.pending(a_pending_run(), NOBODYS))

    assert (approve["action_id"], approve["value"]) == ("approve", SUBJECT)
    assert (reject["action_id"], reject["value"]) == ("reject", SUBJECT)
    assert (approve["style"], reject["style"]) == ("primary", "danger")
    assert "confirm" not in approve


def test_who_agreed_so_far_is_named() -> None:
    told = shown(approving.pending(a_pending_run(), by("ada", "bob")))

    assert "Reviews so far: approved by <@U0ADA> and <@U0BOB>." in told
    assert "so far" not in shown(approving.pending(a_pending_run(), NOBODYS))


def test_it_says_when_it_is_discarded_by_itself() -> None:
    run = a_pending_run(approval_expires=later(3_600))

    told = shown(approving.pending(run, NOBODYS))

    assert "It is discarded at <!date^1795179600^" in told
    assert "discarded" not in shown(approving.pending(a_pending_run(), NOBODYS))


@pytest.mark.parametrize(
    "run",
    [a_pending_run(approval_note=""), a_pending_run(subject=None)],
    ids=["not judged", "not proposed"],
)
def test_nobody_is_asked_before_it_is_known_what_for(run: Run) -> None:
    assert buttons_of(approving.pending(run, NOBODYS)) == []
    assert "approve" not in buttons_of(headers.header(run, FREE))


@pytest.mark.parametrize(
    ("telling", "words"),
    [
        (
            Reviewed(actor=an_actor("bob"), decision=Decision.APPROVE),
            ":white_check_mark: <@U0BOB> approved this run.",
        ),
        (
            Reviewed(actor=an_actor("bob"), decision=Decision.APPROVE, note="a < b"),
            ":white_check_mark: <@U0BOB> approved this run: a &lt; b",
        ),
        (
            Reviewed(actor=an_actor("bob"), decision=Decision.REJECT, note="no"),
            ":no_entry: <@U0BOB> rejected this run: no",
        ),
    ],
    ids=["approved", "with a note", "rejected"],
)
def test_a_review_is_told_with_its_note(telling: Reviewed, words: str) -> None:
    assert said(approving.reviewed(telling)) == words


def test_the_header_of_a_pending_run_says_so_and_offers_to_decide() -> None:
    message = headers.header(a_pending_run(), FREE)

    assert said(message) == ":raised_hand: *net-prod* · waits for approval"
    assert NOTE in shown(message)
    assert buttons_of(message) == ["approve", "reject", "stop", "lock"]


@pytest.mark.parametrize(
    "run",
    [
        a_pending_run("x" * 400),
        a_pending_run("1\n2\n3\n4\n5\n6"),
        a_pending_run(type=RunType.TRACKED, apply="terraform apply"),
        a_pending_run(preset="restart", parameters={"service": "api"}),
    ],
    ids=["long", "many lines", "deploy", "preset"],
)
def test_nobody_agrees_where_only_a_part_of_it_is_shown(run: Run) -> None:
    assert buttons_of(headers.header(run, FREE)) == ["stop", "lock"]
    assert buttons_of(approving.pending(run, NOBODYS)) == ["approve", "reject"]


@pytest.mark.parametrize(
    ("run", "fact"),
    [
        (a_pending_run(approval=Approval.APPROVED), "approved by <@U0ADA>"),
        (
            a_pending_run(approval=Approval.APPROVED, state=RunState.PERFORMING),
            "approved by <@U0ADA>",
        ),
        (
            a_pending_run(state=RunState.FAILED, reason=Reason.REJECTED),
            "rejected by <@U0BOB>",
        ),
        (
            a_pending_run(state=RunState.DISCARDED, stop_asked_by=an_actor("ann")),
            "discarded by <@U0ANN>",
        ),
    ],
    ids=["approved", "performs", "rejected", "taken back"],
)
def test_once_it_is_decided_only_who_decided_is_named(run: Run, fact: str) -> None:
    reviews = by("ada", rejected_by=("bob",))

    message = headers.header(run, FREE, reviews)

    assert {"approve", "reject"}.isdisjoint(buttons_of(message))
    assert "waits for approval" not in shown(message)
    facts = shown(message).split("\n")[2].split(" · ")
    assert [it for it in facts[1:] if " by " in it] == [fact]
    past = shown(headers.card(STACK, FREE, None, (), (run,), {run.id: reviews}))
    assert ("approved by <@U0ADA>" in past) == fact.startswith("approved")
    assert ("rejected by <@U0BOB>" in past) == fact.startswith("rejected")


def test_where_it_waited_stays_who_rejected_it() -> None:
    run = a_pending_run(state=RunState.FAILED, reason=Reason.REJECTED)
    run = replace(run, ended_at=later(90))

    by_bob = shown(replies.waited(run, by("ada", rejected_by=("bob",))))
    by_a_policy = shown(replies.waited(run, NOBODYS))

    assert by_bob == ":hourglass: It was rejected by <@U0BOB> after 1 min 30 s."
    assert by_a_policy == ":hourglass: It was rejected after 1 min 30 s."


def test_where_it_waited_stays_who_approved_it() -> None:
    run = a_pending_run(approval=Approval.APPROVED, state=RunState.PERFORMING)
    run = replace(run, started_at=later(9))

    by_two = shown(replies.waited(run, by("ada", "bob")))
    by_a_policy = shown(replies.waited(run, NOBODYS))

    assert by_two == (
        ":hourglass: It was approved by <@U0ADA> and <@U0BOB>, and its turn came "
        "after 9 s."
    )
    assert by_a_policy == ":hourglass: It was approved, and its turn came after 9 s."


def test_where_it_waited_stays_who_was_asked_and_who_took_it_back() -> None:
    run = a_pending_run(state=RunState.DISCARDED, ended_at=later(90))
    stopped = replace(run, stop_asked_by=an_actor("bob"))

    assert shown(replies.waited(run, by("ada"))) == (
        f":hourglass: It was discarded after 1 min 30 s.\nWhat was still open: {NOTE}"
    )
    assert said(replies.waited(stopped, NOBODYS)) == (
        ":hourglass: It was discarded by <@U0BOB> after 1 min 30 s."
    )


def test_what_failed_before_anybody_decided_was_not_rejected() -> None:
    run = a_pending_run(state=RunState.FAILED, reason=Reason.IMAGE)

    told = said(replies.waited(replace(run, ended_at=later(90)), NOBODYS))

    assert told == ":hourglass: It failed after 1 min 30 s."


def test_the_people_who_are_asked_are_mentioned() -> None:
    note = "1 of @platform, U0ADA or U0BOB has to agree; 1 has (U0EVE)."
    run = a_pending_run(approval_note=note)
    words = "1 of @platform, <@U0ADA> or <@U0BOB> has to agree; 1 has (U0EVE)."

    assert f"\n{words}\n" in shown(approving.pending(run, NOBODYS))
    assert words in approving.pending(run, NOBODYS).text
    assert words in shown(headers.header(run, FREE))
    assert words in shown(headers.card(STACK, FREE, None, (run,), (), {}))
    over = replace(run, state=RunState.DISCARDED)
    assert words in shown(replies.waited(over, NOBODYS))


def test_the_final_message_names_who_agreed() -> None:
    run = a_pending_run(approval=Approval.APPROVED, state=RunState.FINISHED)

    told = shown(final(run, Excerpt(), attached=True, reviews=by("ada", "bob")))

    assert "It was approved by <@U0ADA> and <@U0BOB>." in told


def test_the_final_message_of_a_rejected_run_says_it_once() -> None:
    run = a_pending_run(
        state=RunState.FAILED, reason=Reason.REJECTED, note="bob rejected it: not now"
    )

    reviews = by("ada", rejected_by=("bob",))
    told = shown(final(run, Excerpt(), attached=True, reviews=reviews))

    assert told == (
        ":x: *failed: it was not allowed to start*\nbob rejected it: not now"
    )


def test_the_final_message_of_a_run_taken_back_names_who_did_and_no_review() -> None:
    run = a_pending_run(state=RunState.DISCARDED, stop_asked_by=an_actor("ann"))

    message = final(
        run, Excerpt(), attached=True, reviews=by("ada", rejected_by=("bob",))
    )

    assert shown(message) == ":no_entry: *discarded* by <@U0ANN>"
    assert message.text == "net-prod: discarded by ann (ann)"


def test_a_card_names_who_agreed_to_each_run() -> None:
    running = a_pending_run(approval=Approval.APPROVED, state=RunState.PERFORMING)
    waiting = a_pending_run(id=RunId(10))
    last = (replace(running, id=RunId(8), state=RunState.FINISHED),)
    reviews = {RunId(9): by("ada"), RunId(8): by("bob")}

    told = shown(headers.card(STACK, FREE, running, (waiting,), last, reviews))

    assert "Run 9 of ann has been performing since 2026-11-20 12:00 UTC." in told
    assert " Approved by ada." in told
    assert f"Run 10 of ann waits for approval: {NOTE}" in told
    assert "Waiting:" not in told
    assert "finished · approved by <@U0BOB>" in told


def test_more_reviewers_than_are_worth_reading_are_counted() -> None:
    told = approving.reviewers(a_pending_run(), by(*(f"p{n}" for n in range(12))))

    assert told.endswith("<@U0P4> and 7 more")


def test_what_waits_for_people_is_told_apart_from_what_waits_for_its_turn() -> None:
    queue = (a_run(number=1), a_pending_run(approval_note=""))

    told = status(STACK, FREE, None, queue)

    assert told == "Waiting: run 1 (ann).\nRun 9 of ann waits for approval."
