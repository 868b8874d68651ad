"""The errors of Handrail."""

from enum import StrEnum


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


class IdempotencyConflict(HandrailError):
    """An idempotency key came again with something else to do."""


class QueueFull(HandrailError):
    """A stack has as many queued runs as it may have."""


class RoleSourceUnavailable(HandrailError):
    """A person, a group or a channel could not be asked for; so nobody may."""


class StoreUnavailable(HandrailError):
    """The database could not be asked, so nothing starts."""


class SecretUnavailable(HandrailError):
    """A secret's source gave no value; the message names it, never the value."""
