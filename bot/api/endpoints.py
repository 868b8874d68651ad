"""Every endpoint of the API: what it takes, and all that it may answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPMethod
from typing import Final

from bot.api.asked import (
    Finish,
    Heartbeat,
    HoldsToRelease,
    NewHolds,
    NewTask,
    NewTrackedRun,
    RunFilter,
)
from bot.api.errors import STATUS, Code, Fault
from bot.api.fields import Asked, Told
from bot.api.models import Begun, Holds, Run, Runs, Stack, StackList
from bot.domain.errors import Refusal

BASE: Final = "/api/v1"

JSON: Final = "application/json"
PLAIN: Final = "text/plain"
EVENT_STREAM: Final = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # each is one of a kind
class Endpoint:
    """A method of a path below `BASE`."""

    method: HTTPMethod
    path: str
    name: str
    summary: str
    #: by status: a model of JSON, or the media type of a text
    answers: Mapping[int, type[Told] | str]
    body: type[Asked] | None = None
    query: type[Asked] | None = None
    refusals: tuple[Code, ...] = ()  #: beside those that any endpoint has
    is_repeatable: bool = False  #: takes an Idempotency-Key
    is_resumable: bool = False  #: takes a Last-Event-ID
    is_open: bool = False  #: needs no key

    @property
    def codes(self) -> tuple[Code, ...]:
        """Return every code that an error may have here, by its status."""
        codes: set[Code] = {Fault.INVALID, *self.refusals}
        if not self.is_open:
            codes |= _OF_ANY_KEY
        if self.body is not None:
            codes |= _OF_ANY_BODY
        if "{id}" in self.path:
            codes.add(Refusal.UNKNOWN_RUN)
        return tuple(sorted(codes, key=lambda code: (STATUS[code], code)))


_OF_ANY_KEY: Final = frozenset(
    {Refusal.BAD_KEY, Refusal.NOT_ALLOWED, Refusal.TOO_OFTEN, Refusal.UNAVAILABLE}
)
_OF_ANY_BODY: Final = frozenset(
    {Fault.NOT_JSON, Fault.TOO_SLOW, Fault.TOO_LARGE, Fault.NO_SUCH_TYPE}
)
_OF_A_COMMAND: Final = (
    Refusal.UNKNOWN_STACK,
    Refusal.BAD_COMMAND,
    Refusal.UNSAFE,
    Refusal.POLICY,
    Refusal.CHANNEL,
    Refusal.CONFLICT,
)
_OF_HOLDS: Final = (
    Refusal.UNKNOWN_STACK,
    Refusal.HELD,
    Refusal.NO_REASON,
    Refusal.TOO_LATE,
    Refusal.BAD_COMMAND,
)

DOCUMENT: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/openapi.json",
    name="document",
    summary="This document.",
    answers={200: JSON},
    is_open=True,
)
NEW_TASK: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/tasks",
    name="new_task",
    summary=(
        "Run a command on a stack, or one of its presets. 200 is the run of the same "
        "request before."
    ),
    body=NewTask,
    answers={201: Run, 200: Run},
    refusals=(*_OF_A_COMMAND, Refusal.HELD),
    is_repeatable=True,
)
RUNS: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/runs",
    name="runs",
    summary="The history, newest first.",
    query=RunFilter,
    answers={200: Runs},
    refusals=(Refusal.UNKNOWN_STACK,),
)
RUN: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/runs/{id}",
    name="run",
    summary="One run.",
    answers={200: Run},
)
OUTPUT: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/runs/{id}/output",
    name="output",
    summary="The masked output so far.",
    answers={200: PLAIN},
    refusals=(Fault.DROPPED,),
)
EVENTS: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/runs/{id}/events",
    name="events",
    summary=(
        "What happens to a run until it ends: `state` with the Run whenever it "
        'changed, `output` with {"text": …}, and last `end` with the Run. The id of an '
        "`output` event is opaque; sent back as Last-Event-ID, the output goes on "
        "behind it."
    ),
    answers={200: EVENT_STREAM},
    is_resumable=True,
)
STOP: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/runs/{id}/stop",
    name="stop",
    summary="Discard a run that has not begun, or stop one that does not perform yet.",
    answers={200: Run},
    refusals=(Refusal.TOO_LATE,),
)
NEW_TRACKED_RUN: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/tracked-runs",
    name="new_tracked_run",
    summary=(
        "Announce a run that the caller performs itself. 200 is the run of the same "
        "request before."
    ),
    body=NewTrackedRun,
    answers={201: Run, 200: Run},
    refusals=(*_OF_A_COMMAND, Refusal.HELD),
    is_repeatable=True,
)
BEGIN: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/runs/{id}/begin",
    name="begin",
    summary="Take the turn of a ready outside run; 409 while it is not ready.",
    answers={200: Begun},
    refusals=(Refusal.TOO_LATE, Refusal.HELD),
)
HEARTBEAT: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/runs/{id}/heartbeat",
    name="heartbeat",
    summary="Tell that the CI of an outside run is alive.",
    body=Heartbeat,
    answers={200: Run},
    refusals=(Refusal.TOO_LATE, Refusal.STALE),
)
FINISH: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/runs/{id}/finish",
    name="finish",
    summary="Report how the command of an outside run ended.",
    body=Finish,
    answers={200: Run},
    refusals=(Refusal.TOO_LATE, Refusal.STALE),
)
STACKS: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/stacks",
    name="stacks",
    summary="The stacks that the key knows.",
    answers={200: StackList},
)
STACK: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/stacks/{name}",
    name="stack",
    summary="Who has a stack, and what waits for it.",
    answers={200: Stack},
    refusals=(Refusal.UNKNOWN_STACK,),
)
HOLDS: Final = Endpoint(
    method=HTTPMethod.GET,
    path="/holds",
    name="holds",
    summary="The holds on the stacks that the key knows, and a freeze.",
    answers={200: Holds},
)
NEW_HOLDS: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/holds",
    name="new_holds",
    summary="Hold stacks: only runs of this key start on them then.",
    body=NewHolds,
    answers={201: Holds},
    refusals=_OF_HOLDS,
)
RELEASE: Final = Endpoint(
    method=HTTPMethod.POST,
    path="/holds/release",
    name="release",
    summary="Release holds, and answer those released.",
    body=HoldsToRelease,
    answers={200: Holds},
    refusals=_OF_HOLDS,
)

ENDPOINTS: Final = (
    DOCUMENT,
    NEW_TASK,
    RUNS,
    RUN,
    OUTPUT,
    EVENTS,
    STOP,
    NEW_TRACKED_RUN,
    BEGIN,
    HEARTBEAT,
    FINISH,
    STACKS,
    STACK,
    HOLDS,
    NEW_HOLDS,
    RELEASE,
)
