"""What fields and parameters are made of, and the words for one that is wrong."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

#: of numbers, because a database's integer may have 32 bits
LARGEST: Final = 2**31 - 1
LONGEST_NAME: Final = 100
LONGEST_REASON: Final = 500

_SHOWN: Final = 60
_NO_NUL: Final = r"^[^\u0000]*$"
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


def _without_nul(text: str) -> str:
    # PostgreSQL stores no NUL, and no program can be given one.
    if "\0" in text:
        raise PydanticCustomError("nul", "has a NUL character in it")
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


Text = Annotated[
    str, AfterValidator(_without_nul), Field(json_schema_extra={"pattern": _NO_NUL})
]
Name = Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME)]
Why = Annotated[Text, Field(max_length=LONGEST_REASON)]
#: what makes an `int` a JSON integer, behind its bounds
WHOLE: Final = BeforeValidator(_whole)
#: what makes an `int` a number in a parameter, behind its bounds
NUMBER: Final = BeforeValidator(_number)
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
#: what a parameter is that was left out: nothing that could be written
Absent = SkipJsonSchema[None]


def wrong(errors: Iterable[ErrorDetails]) -> str:
    """Return in one sentence per field what is wrong with it, without its value."""
    return " ".join(f"{_place(error['loc'])} {_words(error)}." for error in errors)


def shown(name: str) -> str:
    """Return a name that a stranger chose as it may be repeated."""
    cut = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
    return cut.encode("ascii", "backslashreplace").decode() if cut else '""'


def _place(loc: tuple[int | str, ...]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc]
    return shown("".join(parts).removeprefix("."))


def _words(error: ErrorDetails) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case "nul" | "moment" | "twice":
            return error["msg"]
        case _:
            return _from_pydantic(error["msg"])


def _from_pydantic(message: str) -> str:
    # Pydantic's own words: "Input should be a valid string", "String should have …".
    _, _, rest = message.partition(" should ")
    return f"should {rest}" if rest else "is not as it has to be"
