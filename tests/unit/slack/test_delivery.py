"""Which letter goes when, and that none goes twice."""

from dataclasses import replace

from bot.domain.telling import (
    Final,
    Header,
    Said,
    Tail,
    Waiting,
)
from bot.ports import LetterId
from tests.support.builders import CHANNEL
from tests.unit.slack.delivering import RUN, Hand, Letters, a_letter, delivering


async def test_what_was_redacted_goes_before_everything_else() -> None:
    final = a_letter(1, Final(run=RUN))
    header = a_letter(2, Header(run=RUN), message_ts="1.1")
    waiting = a_letter(4, Waiting(run=RUN), message_ts="4.1")
    tail = a_letter(3, Tail(run=RUN), message_ts="2.2")
    redacted = [
        a_letter(8, Said(text="*****"), message_ts="3.3", revision=1),
        a_letter(9, Tail(run=RUN), message_ts="4.4", revision=1),
    ]
    letters = Letters([tail, header, waiting, final, *redacted])

    async with delivering(letters):
        await letters.read(2)

    assert letters.sent == [*redacted, final, header, waiting, tail]


async def test_it_is_noted_where_a_letter_was_posted() -> None:
    letters = Letters([a_letter(1, Said(text="x"))])

    async with delivering(letters):
        await letters.read(3)

    assert letters.places == [("True", CHANNEL)]


async def test_a_letter_that_was_read_just_before_its_note_does_not_go_twice() -> None:
    letters = Letters([a_letter(1, Said(text="x"))])

    async with delivering(letters):
        await letters.read(3)

    assert len(letters.sent) == 1


async def test_a_letter_that_was_redacted_since_goes_again() -> None:
    letter = a_letter(1, Said(text="x"))
    again = replace(letter, message_ts="2.2", revision=1)
    newer = replace(a_letter(7, Said(text="y")), thread=letter.thread)
    letters = Letters()

    async with delivering(letters):
        for letter_now in (letter, again, newer, replace(again, revision=2)):
            letters.waiting = [letter_now]
            await letters.read(2)

    assert [(each.id, each.revision) for each in letters.sent] == [
        (1, 0),
        (1, 1),
        (7, 0),
        (1, 2),
    ]


async def test_a_redacted_tail_does_not_wait_for_its_turn() -> None:
    tail = a_letter(1, Tail(run=RUN), message_ts="2.2")
    letters = Letters([tail])

    async with delivering(letters):
        await letters.read(2)
        letters.waiting = [replace(tail, id=LetterId(2), revision=1)]
        await letters.read(2)

    assert len(letters.sent) == 2


async def test_a_replica_without_the_duty_looks_at_nothing() -> None:
    letters = Letters([a_letter(1, Said(text="x"))])
    hand = Hand(has_duty=False)

    async with delivering(letters, hand=hand) as delivery:
        delivery.wake()
        await hand.is_asked(2)
        assert letters.reads.empty()

        hand.has_duty = True
        await letters.read(2)

    assert [letter.id for letter in letters.sent] == [1]


async def test_whoever_takes_the_duty_anew_doubts_what_is_due() -> None:
    letters = Letters()
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(2)
        hand.has_duty = False
        await hand.is_asked(2)
        letters.waiting = [a_letter(1, Said(text="x"))]
        hand.has_duty = True
        await letters.read(2)
        letters.waiting = [a_letter(2, Said(text="y"))]
        await letters.read(2)

    assert letters.doubts == [True, False]
    assert letters.forgotten == 2


async def test_a_final_message_that_could_go_first_is_doubted_behind_its_header() -> (
    None
):
    header = a_letter(1, Header(run=RUN), message_ts="1.1")
    final = replace(a_letter(2, Final(run=RUN)), thread=header.thread)
    letters = Letters(waiting=[header], ending=[final])

    async with delivering(letters):
        await letters.read(2)
        letters.waiting, letters.ending = [final], []
        await letters.read(2)

    assert [letter.id for letter in letters.sent] == [1, 2]
    assert letters.doubts == [True, True]


async def test_what_stood_still_until_another_delivers_is_not_sent() -> None:
    letters = Letters([a_letter(1, Said(text="x"))])
    letters.goes_on.clear()
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(2)
        hand.has_duty = False
        letters.goes_on.set()
        await hand.is_asked(3)
        assert letters.sent == []

        hand.has_duty = True
        await letters.read(2)

    assert letters.doubts == [True]


async def test_what_stood_still_while_another_delivered_is_not_sent() -> None:
    letters = Letters()
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(2)
        letters.goes_on.clear()
        letters.waiting = [a_letter(1, Said(text="x"))]
        await letters.read(2)
        hand.has_duty = False
        await hand.is_asked(2)
        hand.has_duty = True
        await letters.read(2)
        letters.waiting = []
        letters.goes_on.set()
        await letters.read(2)

    assert letters.sent == []


async def test_a_duty_that_was_lost_between_two_looks_is_taken_anew() -> None:
    letters = Letters()
    hand = Hand()

    async with delivering(letters, hand=hand):
        await letters.read(2)
        hand.has_duty = False
        assert letters.may_send is not None
        assert not await letters.may_send(a_letter(1, Said(text="x")))
        hand.has_duty = True
        await letters.read(2)

    assert letters.forgotten == 2
