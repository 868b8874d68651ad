"""What record and channel say differently is found, and nothing else."""

import pytest

from bot.domain.audit import AuditHead
from bot.domain.witness import (
    KeptMessage,
    KeptThread,
    SeenMessage,
    compare,
    kept_from,
    uncompared,
)

HASH = "9f" * 32
HEAD = AuditHead(ordinal=12, hash=HASH)
NAME = "net-prod-run-3.log"


def seen(ts: str, digest: str = "d", **more: object) -> SeenMessage:
    return SeenMessage(ts=ts, digest=digest, link=f"link {ts}", **more)  # type: ignore[arg-type]


def kept(*messages: tuple[str, str | None], run: int | None = 3) -> KeptThread:
    return KeptThread(
        run=run,
        stack="net-prod",
        roots=("1.0",),
        messages=tuple(KeptMessage(ts=ts, digest=it) for ts, it in messages),
    )


def found(
    thread: KeptThread | None, *there: SeenMessage, kept_since: str | None = None
) -> list[tuple[str, str]]:
    findings = compare(thread, there, "C1", kept_since=kept_since)
    return [(finding.what, finding.why) for finding in findings]


def test_what_messages_show_is_kept_since_one_has_a_whole_head() -> None:
    printed = AuditHead(ordinal=1, hash=HASH[:16])

    assert kept_from([]) is None
    assert kept_from([seen("1.0"), seen("2.0", head=printed)]) is None
    assert kept_from([seen("10.0", head=HEAD), seen("9.0", head=HEAD)]) == "9.0"


@pytest.mark.parametrize(("since", "faults"), [(None, 0), ("3.0", 0), ("2.0", 1)])
def test_a_message_without_a_digest_is_of_before_or_a_fault(
    since: str | None, faults: int
) -> None:
    thread = kept(("1.0", "d"), ("2.0", None))

    named = found(thread, seen("1.0"), seen("2.0"), kept_since=since)

    what = "message of run 3 on net-prod (link 2.0)"
    assert named == [(what, "the row with what it showed was removed")] * faults


@pytest.mark.parametrize("files", [(), ("",)])
def test_a_file_that_is_not_beside_its_final_message_is_named(
    files: tuple[str, ...],
) -> None:
    thread = kept(("1.0", "d"), ("2.0", "d"))
    there = seen("1.0"), seen("2.0", says_attached=True)

    deleted = [seen("3.0", files=files)] if files == ("",) else []
    missed = found(thread, *there, *deleted)

    assert found(thread, *there, seen("3.0", files=(NAME,))) == []
    assert found(thread, seen("1.0"), seen("2.0")) == []
    what = "final message of run 3 on net-prod (link 2.0)"
    assert missed == [(what, f"its file {NAME} was deleted in Slack")]


def test_a_message_in_the_thread_of_another_run_is_named() -> None:
    thread = kept(("1.0", "d"), run=9)

    named = found(thread, seen("1.0", run=3))

    why = "the database has it as one of run 9 on net-prod"
    assert named == [("message of run 3 (link 1.0)", why)]


def test_a_message_that_was_redacted_is_not_compared() -> None:
    thread = kept(("1.0", "d"), ("2.0", ""), ("3.0", None))
    there = [seen("1.0"), seen("2.0"), seen("3.0")]

    assert found(thread, *there) == []
    assert uncompared(thread, there) == 2
