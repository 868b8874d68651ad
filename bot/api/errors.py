"""What a request is answered when it is not granted."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bot.domain.errors import HandrailError, Refusal


class Fault(StrEnum):
    """What is wrong with a request, whoever sends it."""

    NOT_JSON = "not_json"
    NO_SUCH_PATH = "no_such_path"
    NO_SUCH_METHOD = "no_such_method"
    TOO_SLOW = "too_slow"
    DROPPED = "dropped"  #: what is asked for was kept for as long as it is wanted
    TOO_LARGE = "too_large"
    NO_SUCH_TYPE = "no_such_type"  #: of the body: JSON is taken, and nothing else
    INVALID = "invalid"  #: a field or a parameter is not as it has to be


Code = Refusal | Fault

#: the status (RFC 9110, 15.5) that each answer has
STATUS: Final[Mapping[Code, int]] = {
    Fault.NOT_JSON: 400,
    Refusal.BAD_KEY: 401,
    Refusal.NOT_ALLOWED: 403,
    Refusal.POLICY: 403,
    Refusal.UNKNOWN_STACK: 404,
    Refusal.UNKNOWN_RUN: 404,
    Fault.NO_SUCH_PATH: 404,
    Fault.NO_SUCH_METHOD: 405,
    Fault.TOO_SLOW: 408,
    Refusal.HELD: 409,
    Refusal.CHANNEL: 409,
    Refusal.TOO_LATE: 409,
    Refusal.STALE: 409,
    Refusal.CONFLICT: 409,
    Refusal.NOT_ASKED: 409,
    Fault.DROPPED: 410,
    Fault.TOO_LARGE: 413,
    Fault.NO_SUCH_TYPE: 415,
    Refusal.BAD_COMMAND: 422,
    Refusal.UNSAFE: 422,
    Refusal.NO_REASON: 422,
    Fault.INVALID: 422,
    Refusal.TOO_OFTEN: 429,
    Refusal.UNAVAILABLE: 503,
}

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Unanswerable(HandrailError):
    """A request that no use case was asked; the message says what to change."""

    def __init__(
        self, sentence: str, *, code: Code, headers: Mapping[str, str] = _NONE
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.headers = headers


def invalid(sentence: str) -> Unanswerable:
    """Return the error for a field or a parameter that is not as it has to be."""
    return Unanswerable(sentence, code=Fault.INVALID)
