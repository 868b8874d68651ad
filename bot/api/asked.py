"""What is asked for, as JSON."""

from datetime import timedelta
from typing import Annotated, Final, LiteralString, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from bot.api.fields import (
    LARGEST,
    NUMBER,
    WHOLE,
    Asked,
    Command,
    Moment,
    Name,
    Value,
    Why,
)
from bot.domain.run import RunId, RunState, RunType
from bot.domain.task import PresetRequest, TaskRequest
from bot.ports import RunQuery

_SHORTEST_HOLD = 60
_LONGEST_HOLD = 30 * 24 * 3600


def _once_each(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("twice", "names a stack twice")
    return names


Stacks = Annotated[
    list[Name],
    Field(min_length=1, max_length=100, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_once_each),
]
Fence = Annotated[int, Field(ge=1, le=LARGEST), WHOLE]


#: what no field of `NewTask` says alone
_ONE_OF_TWO: Final[JsonDict] = {
    "oneOf": [
        {
            "required": ["command"],
            "properties": {
                "command": {"type": "string"},
                "preset": {"type": "null"},
                "parameters": {"maxProperties": 0},
            },
        },
        {
            "required": ["preset"],
            "properties": {
                "command": {"type": "null"},
                "preset": {"type": "string"},
                "skip_initialization": {"const": False},
            },
        },
    ]
}


class NewTask(Asked):
    """A command to run on a stack, or one of the stack's presets."""

    model_config = ConfigDict(json_schema_extra=_ONE_OF_TWO)

    stack: Name
    command: Command | None = Field(
        default=None, description="Run by `sh -c`, exactly as it is."
    )
    skip_initialization: bool = Field(
        default=False, description="Of a command; a preset says so itself."
    )
    preset: Name | None = Field(
        default=None, description="The name of a preset, in the place of a command."
    )
    parameters: dict[Name, Value] = Field(
        default={},
        description=(
            "Of the preset, by name: each reaches its command as the environment "
            "variable PARAM_NAME."
        ),
    )

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        match self.command, self.preset:
            case None, None:
                raise _apart("names neither a command nor a preset")
            case str(), str():
                raise _apart("names both a command and a preset; give one of them")
            case None, str() if self.skip_initialization:
                raise _apart("skips the initialization; a preset says so itself")
            case str(), None if self.parameters:
                raise _apart("has parameters, which only a preset takes")
        return self

    @property
    def request(self) -> TaskRequest | PresetRequest:
        """Return what is asked for."""
        if self.preset is not None:
            return PresetRequest(
                stack=self.stack, preset=self.preset, parameters=self.parameters
            )
        return TaskRequest(
            stack=self.stack,
            command=self.command or "",
            skip_init=self.skip_initialization,
        )


class NewTrackedRun(Asked):
    """A run that an outside CI performs itself, once it is its turn."""

    stack: Name
    command: Command = Field(description="What the CI will run; for the record.")


class NewHolds(Asked):
    """Stacks to hold: all of them, or none."""

    stacks: Stacks
    reason: Why = ""
    duration_seconds: (
        Annotated[int, Field(ge=_SHORTEST_HOLD, le=_LONGEST_HOLD), WHOLE] | None
    ) = Field(default=None, description="null: until it is released.")

    @property
    def duration(self) -> timedelta | None:
        """Return how long the stacks are to be held."""
        if self.duration_seconds is None:
            return None
        return timedelta(seconds=self.duration_seconds)


class HoldsToRelease(Asked):
    """Stacks of which the holds are to be released: all of them, or none."""

    stacks: Stacks
    reason: Why = Field(default="", description="Needed for what another one holds.")


class Heartbeat(Asked):
    """A sign of life of the CI that announced the run."""

    fence: Fence | None = Field(
        default=None, description="As `begin` answered it; null before that."
    )


class Finish(Asked):
    """How the command of an outside run ended."""

    fence: Fence
    exit_code: Annotated[int, Field(ge=0, le=255), WHOLE]


class RunFilter(Asked):
    """Which runs are asked for; what is left out does not matter."""

    stack: Name | None = None
    type: Annotated[RunType, Field(strict=False)] | None = None
    state: Annotated[RunState, Field(strict=False)] | None = None
    actor: Annotated[Name, Field(description="The id of who started it.")] | None = None
    since: Annotated[Moment, Field(description="Created then or later.")] | None = None
    until: Annotated[Moment, Field(description="Created before.")] | None = None
    before: (
        Annotated[
            int,
            Field(ge=1, le=LARGEST, description="Older than the run of that id."),
            NUMBER,
        ]
        | None
    ) = None
    limit: Annotated[int, Field(ge=1, le=200), NUMBER] = 50

    def query(self) -> RunQuery:
        """Return the question, with one run more than asked for."""
        return RunQuery(
            type=self.type,
            state=self.state,
            actor=self.actor,
            since=self.since,
            until=self.until,
            before=None if self.before is None else RunId(self.before),
            limit=self.limit + 1,
        )


def _apart(message: LiteralString) -> PydanticCustomError:
    return PydanticCustomError("apart", message)
