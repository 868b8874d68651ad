"""The last message of a run."""

from dataclasses import replace

import pytest

from bot.domain.audit import AuditHead
from bot.domain.people import api_actor
from bot.domain.run import Reason, Run, RunState, RunType
from bot.domain.state_lock import StateLock
from bot.slack.blocks import context
from bot.slack.endings import final
from bot.slack.output import Excerpt
from tests.support.builders import NOON, a_run, later
from tests.unit.slack.shown import blocks_of, preformatted_in, shown


def ended(state: RunState = RunState.FINISHED, **changes: object) -> Run:
    run = replace(a_run(state=state), started_at=NOON, ended_at=later(65))
    return replace(run, **changes)  # type: ignore[arg-type]  # fields by name


def fed(*pieces: bytes) -> Excerpt:
    excerpt = Excerpt()
    for piece in pieces:
        excerpt.feed(piece)
    return excerpt


def test_the_final_message_shows_short_output_whole() -> None:
    message = final(ended(exit_code=0), fed(b"all\ngood\n"), attached=True)

    assert shown(message) == (
        ":white_check_mark: *finished, exit code 0*, after 1 min 5 s\nall\ngood"
    )


def test_the_final_message_of_a_silent_run_has_no_output() -> None:
    message = final(ended(exit_code=0), fed(), attached=True)

    assert blocks_of(message, "rich_text") == []


def test_the_final_message_carries_the_note() -> None:
    run = ended(RunState.FAILED, reason=Reason.IMAGE, note="there is no <image>")

    told = shown(final(run, fed(), attached=True))

    assert "failed: the image is not to be had" in told
    assert "there is no &lt;image&gt;" in told


def test_a_run_that_never_started_has_no_length() -> None:
    run = a_run(state=RunState.DISCARDED)

    told = shown(final(run, fed(), attached=True))

    assert told == ":no_entry: *discarded*"


@pytest.mark.parametrize(
    ("attached", "words"),
    [
        (True, "is attached to this thread"),
        (False, "could not be attached; `handrail output 1` prints it"),
    ],
)
def test_long_output_is_said_to_be_elsewhere(attached: bool, words: str) -> None:
    excerpt = fed(b"line\n" * 10_000)

    told = shown(final(ended(), excerpt, attached=attached))

    assert words in told
    assert "(50,000 bytes, 10,000 lines)" in told


def test_a_run_of_a_ci_says_where_its_output_is() -> None:
    run = ended(type=RunType.TRACKED, outside=True, actor=api_actor("ci"))

    message = final(run, fed(), attached=True)

    assert "Its output is where its CI keeps it." in shown(message)
    assert message.text.endswith("(api::ci)")


def test_a_lock_on_the_state_is_shown_as_the_tool_printed_it() -> None:
    lock = StateLock(
        id="5f0e-1c",
        operation="OperationTypeApply",
        who="bob@laptop <&>",
        created="2026-11-20 11:00:00 UTC",
    )
    run = ended(RunState.FAILED, exit_code=1, state_lock=lock)

    message = final(run, fed(b"Error acquiring the state lock\n"), attached=True)

    assert preformatted_in(message)[1] == (
        "ID:        5f0e-1c\n"
        "Operation: OperationTypeApply\n"
        "Who:       bob@laptop <&>\n"
        "Created:   2026-11-20 11:00:00 UTC"
    )
    assert "an admin can reply `force-unlock`" in shown(message)


def test_of_a_lock_on_the_state_the_id_alone_may_be_known() -> None:
    run = ended(RunState.FAILED, state_lock=StateLock(id="5f0e"))

    assert preformatted_in(final(run, fed(), attached=True)) == ["ID:        5f0e"]


def test_the_final_message_ends_with_the_audit_row_that_says_so_too() -> None:
    head = AuditHead(ordinal=1234, hash="9f86d081884c7d65" + "0" * 48)
    last = [context("a warning")]

    message = final(ended(), fed(b"x\n"), attached=True, head=head, more=last)

    assert shown(message).split("\n")[-2:] == [
        "a warning",
        "audit 1234 · 9f86d081884c7d65",
    ]


def test_output_that_was_dropped_is_said_to_be() -> None:
    run = ended(exit_code=0, output_dropped_at=later(86_400 * 90))

    told = shown(final(run, fed(), attached=True))

    assert "The output of run 1 was dropped on 2027-02-18" in told


def test_a_brief_final_message_only_says_where_the_output_is() -> None:
    told = shown(final(ended(exit_code=0), fed(b"x\n"), attached=True, brief=True))

    assert "The whole output (2 bytes, 1 lines) is attached" in told
    assert "\nx" not in told
