"""How ids, names, paths, sizes and durations are written in `handrail.yaml`."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from bot.catalog.problem import short

#: The duration that stands for none at all: `none` is written.
NEVER: Final = timedelta(0)

_SIZE: Final = r"^[0-9]{1,6}(\.[0-9]{1,3})?[kmgKMG]$"
_DURATION: Final = r"^(?=.)([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
_UNITS: Final = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
#: Docker refuses to run anything in less.
_LEAST_MEMORY: Final = 6 << 20
_LEAST_OUTPUT: Final = 64 << 10
#: Slack delivers an event that nobody took again for up to a day.
_LEAST_DELIVERIES: Final = timedelta(hours=25)
_LEAST_KEPT: Final = timedelta(days=1)
#: `AssumeRole` gives nothing shorter and nothing longer.
_SESSION: Final = (timedelta(minutes=15), timedelta(hours=12))


@dataclass(frozen=True, slots=True)
class Shape:
    """A text of one shape: a pattern for the schema, *instead* for people.

    Where *echo* is false, the text may be a misplaced secret and is not repeated.
    """

    pattern: str
    instead: str
    echo: bool = True

    def check(self, text: str) -> str:
        """Return *text*, or raise ValueError with what to write instead."""
        if re.fullmatch(self.pattern, text) and "\0" not in text:
            return text
        subject = f"`{short(text)}`" if self.echo and text else "this"
        raise ValueError(f"{subject} {self.instead}")

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}


TeamIdText = Annotated[
    str,
    Shape(
        r"^T[A-Z0-9]{2,}$",
        "is not the id of a Slack workspace; write it as in "
        "T0123ABCD (it stands in the address of Slack in a browser)",
    ),
]
PersonId = Annotated[
    str,
    Shape(
        r"^[UW][A-Z0-9]{2,}$",
        "is not the id of a person; write it as in U0ADMIN "
        "(in Slack: profile, then Copy member ID)",
    ),
]
ChannelIdText = Annotated[
    str,
    Shape(
        r"^[CG][A-Z0-9]{2,}$",
        "is not the id of a channel; write it as in C0INFRA "
        "(in Slack: the channel's details, at the bottom)",
    ),
]
Members = Annotated[
    str,
    Shape(
        r"^([UWSCG][A-Z0-9]{2,}|@[^\s@#]{1,80}|#[^\s@#]{1,80})$",
        'names nobody; write a person (U0ANN), a user group ("@platform" or S0GROUP) '
        'or the members of a channel ("#infra" or C0INFRA)',
    ),
]
StackNameText = Annotated[
    str,
    Shape(
        r"^[a-z0-9][a-z0-9._-]{0,62}$",
        "is not a name for a stack; write up to 63 "
        "lower-case letters, digits, dots, dashes and underscores, a letter or digit "
        "first",
    ),
]
ContextName = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        "is not a name for a context; write up "
        "to 63 letters, digits, dots, dashes and underscores, a letter or digit first",
    ),
]
VariableName = Annotated[
    str,
    Shape(
        r"^(?!HANDRAIL_)[A-Za-z_][A-Za-z0-9_]*$",
        "cannot be a variable of a stack; "
        "write letters, digits and underscores, no digit first, and leave HANDRAIL_… "
        "to Handrail",
    ),
]
OwnVariable = Annotated[
    str,
    Shape(
        r"^[A-Za-z_][A-Za-z0-9_]*$",
        "does not name an environment variable; write "
        "the name of one that the bot has, not its value",
        echo=False,
    ),
]
Text = Annotated[str, Shape(r"^[^\x00]*$", "holds a NUL; remove it", echo=False)]
Words = Annotated[
    str, Shape(r"^[^\x00]*[^\x00\s][^\x00]*$", "is empty; write something", echo=False)
]
ImageName = Annotated[
    str,
    Shape(
        r"^(?!.*/\.\.?([/:@]|$))[A-Za-z0-9][^\s\x00@]*(@sha256:[0-9a-f]{64})?$",
        "is not the name of an image; write it as in hashicorp/terraform:1.11, a "
        "digest as @sha256: and its 64 hex digits",
    ),
]
RegistryPrefix = Annotated[
    str,
    Shape(
        r"^(localhost|(?=[^/]*[.:])[A-Za-z0-9][A-Za-z0-9.-]*)(:[0-9]{1,5})?"
        r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
        "is not the beginning of an image's whole name; write the registry's host and, "
        "if need be, a path, as in ghcr.io/acme or docker.io/library",
    ),
]
#: The formats of IAM and STS, as the API reference of `AssumeRole` has them.
RoleArn = Annotated[
    str,
    Shape(
        r"^arn:aws(-[a-z]+){0,2}:iam::[0-9]{12}:role/([!-.0-~]+/)*"
        r"[A-Za-z0-9_+=,.@-]{1,64}$",
        "is not the ARN of a role; write it as in "
        "arn:aws:iam::111111111111:role/handrail",
    ),
]
ExternalId = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$",
        "is no external id of AWS; write 2 to 1224 letters, digits and _+=,.@:/-",
        echo=False,
    ),
]
Region = Annotated[
    str,
    Shape(
        r"^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$",
        "is not a region of AWS; write it as in eu-west-1",
    ),
]
#: OpenID Connect Discovery: `iss` is compared as it is, and a path is put behind it.
IssuerUrl = Annotated[
    str,
    Shape(
        r"^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://(localhost|127\.0\.0\.1))"
        r"(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*$",
        "cannot be an issuer; write an https URL in lower case, without user, ?, # and "
        "a slash at the end, as in https://handrail.example.com",
    ),
]
Audience = Annotated[
    str,
    Shape(
        r"^[!-~]{1,255}$",
        "cannot be an audience; write up to 255 characters without spaces, as in "
        "sts.amazonaws.com",
    ),
]
GitAddress = Annotated[
    str,
    Shape(
        r"^[^-\s\x00][^\s\x00]*$",
        "is not the address of a Git repository; write it "
        "as in git@example.com:infra.git",
        echo=False,
    ),
]
#: `git check-ref-format` forbids more; these are the ones that mean something else.
GitRef = Annotated[
    str,
    Shape(
        r"^(?!-)(?!.*\.\.)(?!.*@\{)[^\s\x00-\x1f\x7f~^:?*\[\\]+$",
        "is not a Git ref; write a branch, a tag or a commit, without a dash in front",
    ),
]
#: Below the top of something, and never above it.
PathBelow = Annotated[
    str,
    Shape(
        r"^(?!/)(?!(.*/)?\.\.(/|$))[^\x00-\x1f]*$",
        "leaves the source; write a path below it, without .. and without / in front",
    ),
]
FilePath = Annotated[
    str,
    Shape(
        r"^(?!/)(?!(.*/)?\.\.(/|$))(?!(\./*)*$)[^\x00-\x1f]*[^/\x00-\x1f]$",
        "is not a file in "
        "the workspace; write a path below the project root, without .. and without "
        "/ in front",
    ),
]
#: The host's own network would put the container beside the bot.
NetworkName = Annotated[
    str,
    Shape(
        r"^(?!host$)[A-Za-z0-9][A-Za-z0-9_.-]*$",
        "is not a network for a stack; "
        "write bridge, none or the name of a Docker network (never host)",
    ),
]


def _told(value: object) -> str:
    return f"`{short(str(value))}`" if isinstance(value, str | int | float) else "this"


def _size(value: object) -> int:
    """Return bytes."""
    if not isinstance(value, str) or not re.fullmatch(_SIZE, value):
        raise ValueError(f"{_told(value)} is not a size; write it as in 512m or 2g")
    return int(float(value[:-1]) * _UNITS[value[-1].lower()])


def _memory(value: object) -> int:
    size = _size(value)
    if size < _LEAST_MEMORY:
        raise ValueError("no container runs in so little memory; write 6m or more")
    return size


def _output(value: object) -> int:
    size = _size(value)
    if size < _LEAST_OUTPUT:
        raise ValueError("so little output tells nobody a thing; write 64k or more")
    return size


def _duration(value: object) -> timedelta:
    found = re.fullmatch(_DURATION, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            f"{_told(value)} is not a duration; write it as in 90s, 70m or 1h30m"
        )
    days, hours, minutes, seconds = (
        int((part or "0d")[:-1]) for part in found.groups()
    )
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not duration:
        raise ValueError("a duration has to be longer than nothing; write 1s or more")
    return duration


def _duration_or_none(value: object) -> timedelta:
    if value is False or value == "none":
        return NEVER
    try:
        return _duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or none") from error


def _kept_output(value: object) -> timedelta:
    duration = _duration_or_none(value)
    if duration is not NEVER and duration < _LEAST_KEPT:
        raise ValueError(
            f"{_told(value)} is too short for anybody to read it; write 1d or more"
        )
    return duration


def _deliveries(value: object) -> timedelta:
    duration = _duration(value)
    if duration < _LEAST_DELIVERIES:
        raise ValueError(
            "Slack delivers again for up to a day, and a command would run twice; "
            "write 25h or more"
        )
    return duration


def _session(value: object) -> timedelta:
    duration = _duration(value)
    if not _SESSION[0] <= duration <= _SESSION[1]:
        raise ValueError(f"{_told(value)} is no session of AWS; write 15m to 12h")
    return duration


def _state_reader(value: object) -> object:
    # YAML reads a bare `no` or `off` as false.
    return "none" if value is False else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_SizeText = Annotated[str, Field(pattern=_SIZE)]

Memory = Annotated[int, BeforeValidator(_memory, json_schema_input_type=_SizeText)]
OutputSize = Annotated[int, BeforeValidator(_output, json_schema_input_type=_SizeText)]
Duration = Annotated[
    timedelta,
    BeforeValidator(
        _duration, json_schema_input_type=Annotated[str, Field(pattern=_DURATION)]
    ),
]
_DurationOrNoneText = Annotated[str, Field(pattern=_DURATION)] | Literal["none", False]

DurationOrNone = Annotated[
    timedelta,
    BeforeValidator(_duration_or_none, json_schema_input_type=_DurationOrNoneText),
]
KeptOutput = Annotated[
    timedelta, BeforeValidator(_kept_output, json_schema_input_type=_DurationOrNoneText)
]
KeptDeliveries = Annotated[
    timedelta,
    BeforeValidator(
        _deliveries, json_schema_input_type=Annotated[str, Field(pattern=_DURATION)]
    ),
]
SessionDuration = Annotated[
    timedelta,
    BeforeValidator(
        _session, json_schema_input_type=Annotated[str, Field(pattern=_DURATION)]
    ),
]
StateReader = Annotated[
    Literal["terraform", "tofu", "none"],
    BeforeValidator(
        _state_reader,
        json_schema_input_type=Literal["terraform", "tofu", "none", False],
    ),
]
HookTexts = Annotated[
    list[Words], BeforeValidator(_listed, json_schema_input_type=Words | list[Words])
]
Audiences = Annotated[
    list[Audience],
    Field(min_length=1),
    BeforeValidator(
        _listed,
        json_schema_input_type=Audience
        | Annotated[list[Audience], Field(min_length=1)],
    ),
]
