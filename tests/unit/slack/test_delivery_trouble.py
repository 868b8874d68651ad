"""What becomes of letters that Slack does not take."""

from dataclasses import replace

import pytest

from bot.domain.telling import (
    Final,
    Header,
    Notice,
    NoticeKind,
    Said,
)
from bot.ports import Letter, Moved
from bot.slack.pacing import Budget
from tests.support.builders import CHANNEL, STACK
from tests.unit.slack.delivering import RUN, Hand, Letters, a_letter, delivering
from tests.unit.slack.test_refusals import refused


@pytest.mark.parametrize("code", ["ratelimited", "rate_limited"])
async def test_a_method_that_rests_rests_for_every_thread(code: str) -> None:
    said = [a_letter(n, Said(text="x"), revision=0) for n in range(1, 9)]
    update = a_letter(9, Header(run=RUN), message_ts="1.1")
    letters = Letters(said[:1], trouble=[refused(code, **{"Retry-After": "7"})])
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(2)
        letters.waiting = [*said, update]
        await letters.read(2)
        assert [letter.id for letter in letters.sent] == [1, 9]
        hand.now += 6.9
        await letters.read(2)
        assert len(letters.sent) == 2
        hand.now += 0.1
        await letters.read(3)

    assert {letter.id for letter in letters.sent} == {*range(1, 10)}
    assert letters.fates == []


async def test_what_slack_did_not_take_is_not_looked_for() -> None:
    letters = Letters()
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(2)
        letters.trouble = [refused("ratelimited", **{"Retry-After": "7"})]
        letters.waiting = [a_letter(1, Said(text="x"))]
        await letters.read(2)
        hand.now += 7
        await letters.read(2)

    assert letters.doubts == [False, False]


async def test_a_workspace_that_is_away_is_asked_by_one_letter_at_a_time() -> None:
    said = [a_letter(number, Said(text="x")) for number in range(1, 20)]
    letters = Letters(said, trouble=[TimeoutError()] * 11)
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(3)
        assert len(letters.sent) == 8
        for _ in range(3):
            hand.now += 60
            await letters.read(3)
        assert len(letters.sent) == 8 + 3
        hand.now += 60
        await letters.read(6)

    assert len(letters.sent) == 8 + 3 + len(said)
    assert letters.fates[:2] == ["1 waits 1 for Slack", "2 waits 1 for Slack"]


async def test_an_ending_goes_before_changes_that_have_to_wait() -> None:
    header = a_letter(1, Header(run=RUN), message_ts="1.1")
    other = a_letter(2, Header(run=RUN), message_ts="2.2")
    final = replace(a_letter(3, Final(run=RUN)), thread=other.thread)
    letters = Letters([header, other], ending=[final])

    async with delivering(letters, budget=Budget(updates=(1, 1))):
        await letters.read(3)

    assert letters.sent == [header, final]


async def test_an_ending_keeps_its_turn_while_changes_go_out() -> None:
    letters = Letters(ending=[a_letter(3, Final(run=RUN))])

    async with delivering(letters):
        await letters.read(3)

    assert letters.sent == []


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("is_archived", "1 to C0RECORDS: is_archived, U0ADA"),
        ("thread_not_found", "1 to C0INFRA: thread_not_found, "),
        ("cant_delete_message", "1 given up: cant_delete_message"),
        ("something_new", "1 waits 1"),
    ],
)
async def test_what_is_refused_waits_or_goes_elsewhere_or_is_given_up(
    code: str, fate: str
) -> None:
    letters = Letters([a_letter(1, Said(text="x"))], trouble=[refused(code)])

    async with delivering(letters):
        await letters.read(2)

    assert letters.fates == [fate]


@pytest.mark.parametrize(
    ("moved", "fate"),
    [
        (1, "1 to U0ADA: is_archived, "),
        (2, "1 given up everywhere: is_archived"),
    ],
)
async def test_a_thread_goes_on_until_every_place_was_tried(
    moved: int, fate: str
) -> None:
    before = Moved(channel=CHANNEL, why="is_archived", tried=moved)
    letter = replace(a_letter(1, Said(text="x")), moved=before)
    letters = Letters([letter], trouble=[refused("is_archived")])

    async with delivering(letters):
        await letters.read(2)

    assert letters.fates == [fate]


async def test_a_thread_that_can_go_on_nowhere_rests_for_an_hour() -> None:
    before = Moved(channel=CHANNEL, why="is_archived", tried=2)
    first = replace(a_letter(1, Said(text="x")), moved=before)
    second = replace(a_letter(2, Said(text="y")), thread=first.thread)
    letters = Letters([first], trouble=[refused("is_archived")])
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(2)
        letters.waiting = [second]
        hand.now += 3599
        await letters.read(3)
        assert letters.sent == [first]
        hand.now += 1
        await letters.read(2)

    assert letters.sent == [first, second]


@pytest.mark.parametrize(
    "letter",
    [
        a_letter(1, Notice(kind=NoticeKind.FREE, stack=STACK)),
        a_letter(1, Said(text="*****"), message_ts="2.2", revision=1),
    ],
    ids=["a direct message", "a redaction"],
)
async def test_what_is_bound_to_its_place_goes_nowhere_else(letter: Letter) -> None:
    letters = Letters([letter], trouble=[refused("channel_not_found")])

    async with delivering(letters):
        await letters.read(2)

    assert letters.fates == ["1 given up: channel_not_found"]


async def test_what_was_redacted_before_it_was_posted_goes_elsewhere() -> None:
    letters = Letters(
        [a_letter(1, Said(text="*****"), revision=1)], trouble=[refused("is_archived")]
    )

    async with delivering(letters):
        await letters.read(2)

    assert letters.fates == ["1 to C0RECORDS: is_archived, U0ADA"]


async def test_a_first_message_that_was_given_up_may_come_again() -> None:
    letters = Letters([a_letter(1, Header(run=RUN))], trouble=[ValueError()])

    async with delivering(letters):
        await letters.read(4)

    assert len(letters.sent) > 1


@pytest.mark.parametrize("code", ["access_denied", "no_permission"])
async def test_what_alone_is_denied_goes_elsewhere(code: str) -> None:
    denied, other = a_letter(1, Said(text="x")), a_letter(2, Said(text="y"))
    letters = Letters([denied], trouble=[refused(code)])
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(3)
        letters.waiting = [other]
        hand.now += 60
        await letters.read(3)
        letters.trouble = [refused(code)]
        letters.waiting = [denied]
        await letters.read(3)

    assert letters.fates[:2] == [
        "1 waits 1 for Slack",
        f"1 to C0RECORDS: {code}, U0ADA",
    ]


async def test_what_is_refused_without_end_goes_elsewhere() -> None:
    letter = replace(a_letter(1, Said(text="x")), attempts=12)
    letters = Letters([letter], trouble=[refused("something_new")])

    async with delivering(letters):
        await letters.read(2)

    assert letters.fates == ["1 to C0RECORDS: something_new, U0ADA"]


async def test_no_outage_keeps_a_thread_from_where_it_can_go_on() -> None:
    letter = replace(a_letter(1, Said(text="x")), attempts=99)
    letters = Letters([letter], trouble=[refused("is_archived")])

    async with delivering(letters):
        await letters.read(2)

    assert letters.fates == ["1 to C0RECORDS: is_archived, U0ADA"]


async def test_a_thread_does_not_begin_anew_without_end() -> None:
    letter = replace(a_letter(1, Said(text="x")), attempts=13)
    letters = Letters([letter], trouble=[refused("thread_not_found")])

    async with delivering(letters):
        await letters.read(2)

    assert letters.fates == ["1 given up: thread_not_found"]


async def test_a_letter_asks_less_often_the_longer_slack_is_away() -> None:
    letters = Letters([a_letter(1, Said(text="x"))], trouble=[TimeoutError()] * 3)
    hand = Hand()

    async with delivering(letters, hand=hand):
        for _ in range(3):
            await letters.read(3)
            # One attempt is noted, however often Slack is away.
            letters.waiting = [replace(a_letter(1, Said(text="x")), attempts=1)]
            hand.now += 60

    assert letters.fates == [f"1 waits {wait} for Slack" for wait in (1, 2, 4)]


async def test_an_ending_that_cannot_be_made_is_told_without_its_output() -> None:
    letters = Letters(
        [a_letter(1, Final(run=RUN)), a_letter(2, Said(text="x"))],
        trouble=[ValueError(), ValueError()],
    )

    async with delivering(letters):
        await letters.read(2)

    assert [letter.id for letter in letters.unmade] == [1, 2]
    assert letters.places == [("bare", CHANNEL)]
    assert letters.fates == ["2 given up: ValueError"]
