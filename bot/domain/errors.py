"""The errors of Handrail."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """Why a person's wish was refused; the audit row carries it."""

    UNKNOWN_STACK = "unknown_stack"
    UNKNOWN_RUN = "unknown_run"
    BAD_COMMAND = "bad_command"
    NOT_ALLOWED = "not_allowed"
    HELD = "held"
    UNSAFE = "unsafe"
    CHANNEL = "channel"
    TOO_LATE = "too_late"  #: the run or the hold is no longer what was meant
    NO_REASON = "no_reason"  #: a reason has to be given
    STALE = "stale"  #: a fence or a lease that is over
    CONFLICT = "conflict"  #: an idempotency key that was used with another body
    BAD_KEY = "bad_key"  #: no API key, or one that is wrong, revoked or expired
    TOO_OFTEN = "too_often"
    UNAVAILABLE = "unavailable"
    POLICY = "policy"  #: a policy denies it, or could not be evaluated
    NOT_ASKED = "not_asked"  #: a review of what needs none


class HandrailError(Exception):
    """Something in Handrail failed."""


class Refused(HandrailError):
    """A wish that was not granted; the message says what to do next."""

    def __init__(self, sentence: str, *, reason: Refusal, stack: str = "") -> None:
        """Refuse for *reason*; *stack* is the one that is held, if one is."""
        super().__init__(sentence)
        self.reason = reason
        self.stack = stack


class IllegalTransition(HandrailError):
    """A run was moved along an edge that its state does not have."""


class StaleFence(HandrailError):
    """A claim was spoken for with a fence that is not its own."""


class Superseded(HandrailError):
    """Another replica drives the run by now: whoever is told so lets go of it."""


class LateWord(HandrailError):
    """A word on locks came after a newer one of the same person."""


class RepliesUnavailable(HandrailError):
    """Slack could not be asked for what people replied; it is asked again later."""


class IdempotencyConflict(HandrailError):
    """An idempotency key came again with something else to do."""


class QueueFull(HandrailError):
    """A stack has as many queued runs as it may have."""


class RoleSourceUnavailable(HandrailError):
    """A person, a group or a channel could not be asked for; so nobody may."""

    def __init__(self, sentence: str, *, again_in: float | None = None) -> None:
        """*again_in* so many seconds it may be known; None: not by itself."""
        super().__init__(sentence)
        self.again_in = again_in

    def refused(self, nothing_was: str = "done") -> Refused:
        """Return what to tell a person whose wish is not granted because of this."""
        return Refused(
            f"{self} Nothing was {nothing_was}. Try again in a minute.",
            reason=Refusal.UNAVAILABLE,
        )


class Outage(StrEnum):
    """Why the record cannot be asked, or not be added to."""

    AWAY = "away"
    FULL = "full"
    READ_ONLY = "read_only"  #: or broken


_SENTENCES: Final[Mapping[Outage, str]] = {
    Outage.AWAY: "Handrail cannot reach its database, so nothing was run or changed. "
    "Try again in a minute.",
    Outage.FULL: "Handrail's disk is full: nothing can be recorded, so nothing was "
    "run or changed. What runs goes on. Try again once somebody has made room.",
    Outage.READ_ONLY: "Handrail's disk cannot be written to: nothing can be recorded, "
    "so nothing was run or changed. What runs goes on. Try again once somebody has "
    "repaired it.",
}


class StoreUnavailable(HandrailError):
    """The database could not be asked, so nothing starts; the message is for a log."""

    def __init__(self, message: str, kind: Outage = Outage.AWAY) -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def sentence(self) -> str:
        """Return what to tell a person whose wish could not be recorded."""
        return _SENTENCES[self.kind]


_WHY: Final[Mapping[Outage, str]] = {
    Outage.AWAY: "Handrail cannot reach its database",
    Outage.FULL: "Handrail's disk is full",
    Outage.READ_ONLY: "Handrail's disk is read-only",
}


class WordUnheard(HandrailError):
    """A reply could not even be noted as heard; it is read again later."""

    def __init__(self, away: StoreUnavailable) -> None:
        super().__init__(f"a reply could not be noted: {away}")
        self.kind = away.kind

    @property
    def sentence(self) -> str:
        """Return what to tell whoever replied."""
        return (
            f"{_WHY[self.kind]}, so nothing was done yet. Your reply is heard as soon "
            "as that is over; after a while you are asked whether you still mean it."
        )


class PolicyUnavailable(HandrailError):
    """No policy can be evaluated: the message names what is missing."""


class SecretUnavailable(HandrailError):
    """A secret's source gave no value; the message names it, never the value."""
