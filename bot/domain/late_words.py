"""What becomes of a word that is heard long after it was said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain.sentences import minute, span
from bot.domain.words import (
    Approve,
    Confirm,
    Discard,
    ForceUnlock,
    Freeze,
    Lock,
    Reject,
    Release,
    RunAgain,
    Steal,
    Stop,
    Unfreeze,
    Unlock,
    Word,
)

#: what changes a run or takes a hold away is not done unasked any more then
LATE: Final = timedelta(minutes=10)
#: until a word that is foreseen is heard, which may be late by then
MEANWHILE: Final = timedelta(minutes=1)
#: left of a hold that was asked for with a length, for it to be worth taking
_WORTH_IT: Final = timedelta(minutes=1)

_NAMES: Final[dict[type[Word], str]] = {
    Unlock: "unlock",
    Steal: "steal",
    Freeze: "freeze",
    Unfreeze: "unfreeze",
    Confirm: "confirm",
    Discard: "discard",
    Approve: "approve",
    Reject: "reject",
    Stop: "stop",
    Release: "release",
    ForceUnlock: "force-unlock",
    RunAgain: "run again",
    Lock: "lock",
}


def said_at(ts: str) -> datetime | None:
    """Return the time of Slack's timestamp *ts*, such as `1700000000.000100`."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def asks_again(word: Word, age: timedelta) -> bool:
    """Tell whether *word* is asked for again rather than acted on at that *age*.

    A lock changes nothing, so it is taken, unless it would be over by now.
    """
    if age <= LATE:
        return False
    if isinstance(word, Lock):
        return word.duration is not None and word.duration - age < _WORTH_IT
    return type(word) in _NAMES


def may_be_void(word: Word, ts: str, now: datetime) -> bool:
    """Tell whether *word*, said at *ts*, is so late that what came after it counts.

    A lock is taken however late it is; whoever asked for it may have taken it back
    since, in another thread, which would not be done unasked any more.
    """
    age = now - (said_at(ts) or now)
    return isinstance(word, Lock) and age + MEANWHILE > LATE


def as_of(word: Word, age: timedelta) -> Word:
    """Return *word* as it counts at that *age*: a hold ends when it was to end."""
    if age <= LATE or not isinstance(word, Lock) or word.duration is None:
        return word
    return replace(word, duration=word.duration - age)


def ask_again(word: Word, said: datetime, now: datetime) -> str:
    """Ask whoever said *word* whether it is still meant."""
    return (
        f"You said {_NAMES[type(word)]} at {minute(said)}, {span(now - said)} ago, and "
        "Handrail hears it only now, so nothing was done. If it is still meant, say "
        "the same again."
    )


def asked_for(said: datetime, now: datetime) -> str:
    """Say when a lock was asked for that was taken only now."""
    return (
        f"You asked for this lock at {minute(said)}, {span(now - said)} ago; Handrail "
        "heard it only now."
    )


def overtaken(word: str) -> str:
    """Say why a word on locks was not acted on."""
    return (
        f"You said something newer about that lock than this {word}, which reached "
        "Handrail late, so it was not acted on. Reply status to see who has the stack."
    )
