"""What fields and parameters are made of, and the words for one that is wrong."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
)
from pydantic.json_schema import WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.domain.task import LONGEST_COMMAND

#: of numbers, because a database's integer may have 32 bits
LARGEST: Final = 2**31 - 1
LONGEST_NAME: Final = 100
LONGEST_REASON: Final = 500

_SHOWN: Final = 60
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class Asked(BaseModel):
    """What is asked for. A field that nobody knows is refused, as is another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Told(BaseModel):
    """What is answered. Every field is always there."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


def _storable(text: str) -> str:
    # PostgreSQL stores no NUL, and half of a surrogate pair is no character.
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text):
        raise PydanticCustomError("unstorable", "has a NUL, or half a character, in it")
    return text


def _whole(value: object) -> object:
    # To JSON 1.0 is an integer (JSON Schema Validation, 6.1.1).
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number(value: object) -> object:
    # A parameter is text; `int` alone would take blanks, signs and other digits.
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value, re.ASCII):
        return int(value)
    return value


def _moment(value: object) -> object:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise _no_moment()
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_moment() from error


def _no_moment() -> PydanticCustomError:
    return PydanticCustomError(
        "moment", "is not a time; write it as in 2026-01-31T12:00:00Z"
    )


#: what keeps out of a text, behind its bounds, what nobody can store
STORABLE: Final = AfterValidator(_storable)
_PATTERN: Final[dict[str, JsonValue]] = {"pattern": r"^[^\u0000]*$"}

Name = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_NAME, json_schema_extra=_PATTERN),
    STORABLE,
]
Why = Annotated[
    str, Field(max_length=LONGEST_REASON, json_schema_extra=_PATTERN), STORABLE
]
Command = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_COMMAND, json_schema_extra=_PATTERN),
    STORABLE,
]
#: what makes an `int` a JSON integer, behind its bounds
WHOLE: Final = BeforeValidator(_whole)
#: what makes an `int` a number in a parameter, behind its bounds
NUMBER: Final = BeforeValidator(_number)
#: of a preset's parameter; how long one may be is said with what else it has to be
Value = Annotated[str, Field(json_schema_extra=_PATTERN), STORABLE]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def wrong(errors: Iterable[ErrorDetails]) -> str:
    """Return in one sentence per field what is wrong with it, without its value."""
    return " ".join(f"{_place(error['loc'])} {_words(error)}." for error in errors)


def shown(name: str) -> str:
    """Return a name that a stranger chose as it may be repeated."""
    cut = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
    return ascii(cut)[1:-1] or '""'


def _place(loc: tuple[int | str, ...]) -> str:
    if not loc:
        return "The body"
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc]
    return shown("".join(parts).removeprefix("."))


def _words(error: ErrorDetails) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case "string_unicode":
            return "has half a character in it"
        case "unstorable" | "moment" | "twice" | "apart":
            return error["msg"]
        case _:
            return _from_pydantic(error["msg"])


def _from_pydantic(message: str) -> str:
    # Pydantic's own words: "Input should be a valid string", "String should have …".
    _, _, rest = message.partition(" should ")
    return f"should {rest}" if rest else "is not as it has to be"
