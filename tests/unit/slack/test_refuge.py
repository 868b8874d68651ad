"""Where threads go that have to leave their channel."""

from dataclasses import replace

import pytest

from bot.domain.people import ChannelId, UserId
from bot.domain.run import RunId, ThreadId
from bot.domain.telling import Move, Notice, NoticeKind, Said
from bot.ports import Letter, LetterId, Moved, Thread
from bot.slack.notices import notice
from bot.slack.refuge import Refuge, preface, why_moved
from tests.support.builders import CHANNEL, STACK
from tests.unit.slack.shown import said

RECORDS, ADA, EVA = ChannelId("C0RECORDS"), UserId("U0ADA"), UserId("U0EVA")
LETTER = Letter(
    id=LetterId(1),
    thread=Thread(id=ThreadId(1), channel=CHANNEL, ts="1", stack=STACK, run=RunId(4)),
    telling=Said(text="x"),
    attempts=0,
    message_ts=None,
)


def moved(tried: int, channel: ChannelId = CHANNEL) -> Letter:
    return replace(LETTER, moved=Moved(channel=channel, why="is_archived", tried=tried))


def test_a_thread_goes_to_the_channel_for_records_then_to_one_admin_after_another() -> (
    None
):
    refuge = Refuge(fallback=RECORDS, admins=(ADA, EVA))

    tried = [refuge.after(letter) for letter in (LETTER, *map(moved, (1, 2, 3)))]

    assert tried == [RECORDS, ChannelId(ADA), ChannelId(EVA), None]


def test_what_only_some_may_read_goes_to_the_admins_at_once() -> None:
    refuge = Refuge(fallback=RECORDS, admins=(ADA,), with_readers=frozenset({STACK}))

    assert refuge.after(LETTER) == ChannelId(ADA)
    assert refuge.after(moved(1)) is None


def test_no_thread_goes_where_it_comes_from() -> None:
    refuge = Refuge(fallback=CHANNEL, admins=(ADA,))

    assert refuge.after(LETTER) == ChannelId(ADA)
    assert refuge.after(moved(1)) is None


def test_without_a_place_to_go_there_is_none() -> None:
    assert Refuge().after(LETTER) is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("is_archived", "is archived"),
        ("not_in_channel", "has not let Handrail in"),
        ("restricted_action_read_only_channel", "does not let Handrail post"),
        ("<odd>", "takes no messages of Handrail's (`&lt;odd&gt;`)"),
    ],
)
def test_it_is_said_why_a_thread_left(code: str, told: str) -> None:
    assert f"<#C1> {told}" in why_moved(code, "C1")


def test_a_thread_says_first_why_it_goes_on_here() -> None:
    before = Moved(channel=CHANNEL, why="is_archived", tried=1)
    deleted = Moved(channel=CHANNEL, why="thread_not_found", tried=0)

    assert "goes on here: <#C0INFRA> is archived" in str(preface(before))
    assert "Somebody deleted the first message" in str(preface(deleted))


@pytest.mark.parametrize(
    ("to", "named"), [("C0RECORDS", "<#C0RECORDS>"), ("U0EVA", "<@U0EVA>, directly")]
)
def test_admins_are_told_which_thread_went_where(to: str, named: str) -> None:
    move = Move(run=RunId(4), left=CHANNEL, to=to, why="is_archived")
    told = said(notice(Notice(kind=NoticeKind.MOVED, stack=STACK, move=move)))

    assert told == (
        f":warning: The thread of run 4 on *net-prod* goes on with {named}: "
        "<#C0INFRA> is archived (`is_archived`)."
    )
