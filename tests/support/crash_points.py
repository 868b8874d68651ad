"""Places in the bot's code at which it is killed, each with a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_RECORD: Final = "bot.store.record:SqlRecord"
_ENGINE: Final = "runner.docker.engine:DockerEngine"
_CONTAINER: Final = "runner.docker.container:DockerContainer"
_OUTBOX: Final = "bot.store.outbox:SqlOutbox"
_POST: Final = "bot.slack.post:Post.__call__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Right behind a call of the function *where*, as `module:Class.name`."""

    where: str
    before: bool = False  #: right before it instead
    nth: int = 1  #: of the calls that count
    #: only calls count that have such an argument, or a letter of such a telling
    given: str = ""
    answered: bool = False  #: only calls count that return something true


def _record(method: str, given: str = "", *, nth: int = 1) -> Point:
    return Point(where=f"{_RECORD}.{method}", given=given, nth=nth)


def _just_before(where: str, given: str = "") -> Point:
    return Point(where=where, given=given, before=True)


def _sent(telling: str, *, nth: int = 1) -> Point:
    """Return the point where Slack has a message, and the bot has not noted it."""
    return Point(where=_POST, given=telling, nth=nth)


POINTS: Final[Mapping[str, Point]] = {
    "migrating": Point(where="alembic.op:create_table", nth=6),
    "slash heard": _just_before(f"{_RECORD}.first_seen"),
    "slash noted": _record("first_seen"),
    "role asked": Point(where="bot.control.access:Access.require"),
    "submit not committed": Point(where="bot.store.submissions:submit"),
    "submit stored": _record("submit"),
    "promote not committed": Point(where="bot.store.starts:promote", answered=True),
    "promoted": Point(where=f"{_RECORD}.promote", answered=True),
    "start not committed": Point(where="bot.store.starts:start"),
    "started": _record("start"),
    "secrets read": Point(where="bot.control.job:Jobs.make"),
    "source fetched": Point(where="runner.source:Sources.fetch"),
    "image resolved": Point(where=f"{_ENGINE}.resolve"),
    "container made, empty": Point(where=f"{_ENGINE}._created"),
    "container created": Point(where=f"{_ENGINE}.create"),
    "container recorded": _record("note_progress", nth=3),
    "container started": Point(where=f"{_CONTAINER}.start"),
    "initializing stored": _record("advance", "initializing"),
    "state read": Point(where=f"{_CONTAINER}.aside"),
    "state's values kept": Point(where=f"{_CONTAINER}.keep"),
    "at the gate": _just_before(f"{_RECORD}.advance", "performing"),
    "performing stored": _record("advance", "performing"),
    "gate opened": Point(where=f"{_CONTAINER}.open_gate"),
    "output read": _just_before(f"{_RECORD}.append_output"),
    "output begun": _record("append_output"),
    "output not committed": Point(where="bot.store.output:append", nth=3),
    "output stored": _record("append_output", nth=3),
    "container exited": Point(where=f"{_CONTAINER}.exit"),
    "conclusion stored": _record("conclude"),
    "container removed": Point(where=f"{_CONTAINER}.remove"),
    "at the end": _just_before(f"{_RECORD}.end"),
    "end not committed": Point(where="bot.store.endings:end_run"),
    "end stored": _record("end"),
    "header sent": _sent("Header"),
    "header noted": Point(where=f"{_OUTBOX}.delivered", given="Header"),
    "echo sent": _sent("Echo"),
    "header changed": _sent("Header", nth=3),
    "tail sent": _sent("Tail"),
    "file uploaded": Point(where="bot.slack.attachment:upload"),
    "final sent": _sent("Final"),
    "final noted": Point(where=f"{_OUTBOX}.delivered", given="Final"),
    "planning stored": _record("advance", "planning"),
    "plan read": Point(where=f"{_CONTAINER}.result", nth=2),
    "plan not stored": _just_before(f"{_RECORD}.planned"),
    "plan stored": _record("planned"),
    "plan sent": _sent("Planned"),
    "confirm stored": _record("confirm"),
    "confirm sent": _sent("Confirmed"),
    "applying stored": _record("apply"),
    "applier created": Point(where=f"{_ENGINE}.create", nth=2),
    "applier started": Point(where=f"{_CONTAINER}.start", nth=2),
    "at the gate of apply": _just_before(f"{_RECORD}.begin_applying"),
    "applying begun": _record("begin_applying"),
    "gate of apply opened": Point(where=f"{_CONTAINER}.open_gate", nth=2),
    "applier's output stored": _record("append_output", nth=6),
    "applier exited": Point(where=f"{_CONTAINER}.exit", nth=2),
    "apply concluded": _record("conclude", nth=2),
    "applier removed": Point(where=f"{_CONTAINER}.remove", nth=2),
    "word noted": _record("first_seen", nth=2),
    "hold not committed": Point(where="bot.store.holds:hold"),
    "hold stored": _record("hold"),
    "hold sent": _sent("Held"),
    "release stored": _record("release_holds"),
    "release sent": _sent("Released"),
    "stop stored": _record("ask_stop"),
    "stop sent": _sent("StopAsked"),
    "interrupted": Point(where=f"{_CONTAINER}.interrupt"),
}
