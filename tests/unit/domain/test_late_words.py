"""What is heard late is asked for again where acting on it could do harm."""

from datetime import timedelta

import pytest

from bot.domain import late_words as late
from bot.domain.words import (
    Approve,
    Confirm,
    Discard,
    ForceUnlock,
    Freeze,
    Help,
    Lock,
    NotifyMe,
    Redact,
    Reject,
    Release,
    RunAgain,
    Status,
    Steal,
    Stop,
    Unfreeze,
    Unlock,
    Word,
)
from tests.support.builders import NOON, later

OLD = timedelta(minutes=11)
HARMFUL: tuple[Word, ...] = (
    Unlock(),
    Steal(reason="x"),
    Freeze(),
    Unfreeze(),
    Confirm(),
    Discard(),
    Approve(),
    Reject(note="x"),
    Stop(),
    Release(reason="x"),
    ForceUnlock(),
    RunAgain(),
)
HARMLESS: tuple[Word, ...] = (
    Lock(),
    Lock(duration=timedelta(hours=2)),
    Redact(text="x"),
    Status(),
    Help(),
    NotifyMe(),
)


@pytest.mark.parametrize("word", HARMFUL, ids=str)
def test_an_old_word_that_changes_something_is_asked_for_again(word: Word) -> None:
    assert late.asks_again(word, OLD)
    assert not late.asks_again(word, timedelta(minutes=10))


@pytest.mark.parametrize("word", HARMLESS, ids=str)
def test_an_old_word_that_changes_nothing_counts(word: Word) -> None:
    assert not late.asks_again(word, OLD)


def test_a_hold_that_would_be_over_by_now_is_asked_for_again() -> None:
    word = Lock(duration=timedelta(minutes=20))

    assert late.asks_again(word, timedelta(minutes=19, seconds=30))
    assert not late.asks_again(word, timedelta(minutes=18))


@pytest.mark.parametrize(
    ("word", "minutes", "may_be_void"),
    [(Lock(), 10, True), (Lock(), 8, False), (Unlock(), 60, False)],
)
def test_a_lock_that_comes_late_may_have_been_taken_back(
    word: Word, minutes: float, *, may_be_void: bool
) -> None:
    ts = f"{NOON.timestamp():.6f}"

    assert late.may_be_void(word, ts, later(minutes * 60)) is may_be_void
    assert not late.may_be_void(word, "", later(minutes * 60))


def test_a_hold_that_is_taken_late_ends_when_it_was_to_end() -> None:
    word = Lock(duration=timedelta(hours=2), reason="moving")

    assert late.as_of(word, OLD) == Lock(
        duration=timedelta(minutes=109), reason="moving"
    )
    assert late.as_of(word, timedelta(minutes=5)) == word
    assert late.as_of(Lock(), OLD) == Lock()
    assert late.as_of(Stop(), OLD) == Stop()


def test_whoever_is_asked_again_learns_what_they_said_and_when() -> None:
    sentence = late.ask_again(ForceUnlock(), NOON, later(25 * 60))

    assert sentence.startswith("You said force-unlock at ")
    assert "12:00" in sentence
    assert "25 min ago" in sentence
    assert "nothing was done" in sentence


def test_slacks_timestamps_are_times() -> None:
    assert late.said_at(f"{NOON.timestamp():.6f}") == NOON


@pytest.mark.parametrize("ts", ["", "soon", "1e400", "nan"])
def test_what_is_no_timestamp_is_no_time(ts: str) -> None:
    assert late.said_at(ts) is None
