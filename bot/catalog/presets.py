"""Named commands with typed parameters, as stacks offer them."""

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from bot.catalog.approving import ApprovalsOrNone, rule
from bot.catalog.entry import Entry, count, is_known
from bot.catalog.problem import short
from bot.catalog.shapes import Members, Shape, Text, Words
from bot.control.patterns import fault
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset
from bot.domain.rule import ApprovalRule

#: `!12` is the number of a run.
PresetName = Annotated[
    str,
    Shape(
        r"^[a-z][a-z0-9_-]{0,62}$",
        "is not a name for a preset; write up to 63 lower-case letters, digits, dashes "
        "and underscores, a letter first",
    ),
]
#: In capitals, it is part of a variable.
ParameterName = Annotated[
    str,
    Shape(
        r"^[a-z][a-z0-9_]{0,62}$",
        "is not a name for a parameter; write up to 63 lower-case letters, digits and "
        "underscores, a letter first",
    ),
]
ChoiceText = Annotated[
    str,
    Shape(
        r"^(?=.{1,1000}$)[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$",
        "cannot be chosen; write one line of up to 1,000 characters",
        echo=False,
    ),
]
#: What a shell counts with.
_Whole = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


def _compiles(pattern: str) -> str:
    if wrong := fault(pattern):
        raise ValueError(
            f"RE2 cannot read this pattern ({wrong}); write one of whole values, as "
            "in [a-z0-9-]+"
        )
    return pattern


def _once_each(texts: list[str]) -> list[str]:
    twice = next((it for at, it in enumerate(texts) if it in texts[:at]), None)
    if twice is not None:
        raise ValueError(f"`{short(twice)}` stands here twice; keep one of them")
    return texts


def _said(value: object) -> object:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


class IntegerEntry(Entry):
    """A whole number, both ends included."""

    least: _Whole | None = Field(default=None, description="Default: no such end.")
    most: _Whole | None = Field(default=None, description="Default: no such end.")

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(
                "no number is that; write a `least` that is no more than `most`"
            )
        return self


class ParameterEntry(Entry):
    """What has to be said for a preset, and what it may be."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in ("choice", "pattern", "integer")]
        }
    )

    choice: (
        Annotated[
            list[ChoiceText],
            Field(
                min_length=1, max_length=100, json_schema_extra={"uniqueItems": True}
            ),
            AfterValidator(_once_each),
        ]
        | None
    ) = Field(default=None, description="One of these texts.")
    pattern: (
        Annotated[Words, Field(max_length=1000), AfterValidator(_compiles)] | None
    ) = Field(default=None, description="What this pattern of RE2 matches as a whole.")
    integer: IntegerEntry | None = Field(
        default=None, description="A whole number, as in {least: 1, most: 9} or {}."
    )
    description: Text = Field(default="", description="What it is, for the form.")
    default: (
        Annotated[Text, BeforeValidator(_said, json_schema_input_type=str | int)] | None
    ) = Field(default=None, description="What it is if it is not said.")

    @model_validator(mode="before")
    @classmethod
    def _has_one_kind(cls, value: object) -> object:
        if is_known(value, cls) and count(value, "choice", "pattern", "integer") != 1:
            raise ValueError(
                "write exactly one of `choice`, `pattern` and `integer` here"
            )
        return value


class PresetEntry(Entry):
    """A command that is written beforehand, run as `!name`."""

    command: Words = Field(
        description="Shell text to run. The value of a parameter is in a variable: "
        "$PARAM_SERVICE is that of `service`."
    )
    description: Text = Field(default="", description="What it does, for the form.")
    parameters: dict[ParameterName, ParameterEntry] = Field(
        default={}, description="What has to be said for it, by name."
    )
    skip_init: bool = Field(
        default=False, description="Whether it runs without init. Default: false."
    )
    runners: Annotated[list[Members], Field(min_length=1)] | None = Field(
        default=None,
        description="Who may run it beside the stack's writers, written as those are.",
    )
    approvals: ApprovalsOrNone = Field(
        default=None,
        description="Who has to agree to it; none: nobody. Default: as for any command "
        "of the stack.",
    )


def preset(name: str, entry: PresetEntry) -> Preset:
    """Return the preset that *entry* writes."""
    return Preset(
        name=name,
        command=entry.command,
        description=entry.description,
        parameters={at: parameter(at, it) for at, it in entry.parameters.items()},
        skip_init=entry.skip_init,
        runners=tuple(entry.runners or ()),
        approvals=_approvals(entry),
    )


def parameter(name: str, entry: ParameterEntry) -> Parameter:
    """Return the parameter that *entry* writes."""
    return Parameter(
        name=name,
        kind=_kind(entry),
        description=entry.description,
        default=entry.default,
    )


def _kind(entry: ParameterEntry) -> Choice | Pattern | Integer:
    if entry.choice is not None:
        return Choice(of=tuple(entry.choice))
    if entry.pattern is not None:
        return Pattern(pattern=entry.pattern)
    return Integer(**entry.integer.model_dump()) if entry.integer else Integer()


def _approvals(entry: PresetEntry) -> ApprovalRule | None:
    if entry.approvals is not None:
        return rule(entry.approvals)
    return ApprovalRule(count=0) if "approvals" in entry.model_fields_set else None
