"""Tellings as text in the outbox, and back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from bot.domain import telling as tellings
from bot.domain.approval import Decision
from bot.domain.lock import Hold
from bot.domain.people import Actor, ActorKind
from bot.domain.run import RunId, ThreadId
from bot.domain.stack import StackName
from bot.domain.telling import IN_PLACE, NoticeKind, Telling
from bot.ports import Hide

_KINDS: Final[Mapping[type[Telling], str]] = {
    tellings.Header: "header",
    tellings.Card: "card",
    tellings.Notice: "notice",
    tellings.Echo: "echo",
    tellings.Waiting: "waiting",
    tellings.Held: "held",
    tellings.Released: "released",
    tellings.Stolen: "stolen",
    tellings.Expired: "expired",
    tellings.Planned: "planned",
    tellings.Confirmed: "confirmed",
    tellings.Reviewed: "reviewed",
    tellings.StopAsked: "stop_asked",
    tellings.Said: "said",
    tellings.Tail: "tail",
    tellings.Final: "final",
}

#: the kinds that are told in place, and of these the ones that are replies
REPLACED: Final = frozenset(_KINDS[kind] for kind in IN_PLACE)
TAIL: Final = _KINDS[tellings.Tail]
WAITING: Final = _KINDS[tellings.Waiting]
FINAL: Final = _KINDS[tellings.Final]
NOTICE: Final = _KINDS[tellings.Notice]
#: the kinds that are a thread's first message
FIRST: Final = (REPLACED - {TAIL, WAITING}) | {NOTICE}
#: the kinds that repeat what people said of their holds
OF_HOLDS: Final = frozenset(
    _KINDS[kind]
    for kind in (
        tellings.Held,
        tellings.Released,
        tellings.Stolen,
        tellings.Expired,
        tellings.Notice,
    )
)

#: what a telling could not be read again without, and who people are
_NO_WORDS: Final = frozenset(
    {"kind", "id", "team", "name", "stack", "since", "until", "move", "decision"}
)


def kind_of(telling: Telling) -> str:
    """Return the name under which *telling*'s kind is stored."""
    return _KINDS[type(telling)]


def to_text(telling: Telling) -> str:
    """Return *telling* as it is stored."""
    return json.dumps(asdict(telling), default=datetime.isoformat)


def from_text(kind: str, text: str, run: RunId | None = None) -> Telling:
    """Return the telling that was stored as *text* for the thread of *run*.

    What earlier versions stored is read as what would be told today.
    """
    return _READERS[kind]({"run": run, **json.loads(text)})


def hidden(text: str, hide: Hide) -> str:
    """Return a stored telling with what *hide* knows taken out of its words."""
    fields = json.loads(text)
    words = _hidden(fields, hide)
    return text if words == fields else json.dumps(words)


def _hidden(field: object, hide: Hide) -> object:
    match field:
        case str():
            return hide.text(field)
        case list():
            return [_hidden(part, hide) for part in field]
        case dict():
            return {
                name: part if name in _NO_WORDS else _hidden(part, hide)
                for name, part in field.items()
            }
        case _:
            return field


#: what JSON made of a telling, or of a value in one
_Fields = Mapping[str, Any]


def _run(fields: _Fields) -> RunId:
    return RunId(fields["run"])


def _actor(fields: _Fields) -> Actor:
    return Actor(
        kind=ActorKind(fields["kind"]),
        id=fields["id"],
        team=fields["team"],
        name=fields["name"],
    )


def _maybe_actor(fields: _Fields | None) -> Actor | None:
    return _actor(fields) if fields else None


def _hold(fields: _Fields) -> Hold:
    until, thread = fields.get("until"), fields.get("thread")
    return Hold(
        stack=StackName(fields["stack"]),
        actor=_actor(fields["actor"]),
        reason=fields["reason"],
        since=datetime.fromisoformat(fields["since"]),
        until=datetime.fromisoformat(until) if until else None,
        thread=None if thread is None else ThreadId(thread),
    )


def _holds(fields: _Fields) -> tuple[Hold, ...]:
    # A telling was of one hold before several could be taken at once.
    if "hold" in fields:
        return (_hold(fields["hold"]),)
    return tuple(map(_hold, fields["holds"]))


def _notice(fields: _Fields) -> tellings.Notice:
    return tellings.Notice(
        kind=NoticeKind(fields["kind"]),
        stack=fields["stack"],
        hold=_hold(fields["hold"]) if fields["hold"] else None,
        actor=_maybe_actor(fields["actor"]),
        reason=fields["reason"],
        move=tellings.Move(**fields["move"]) if fields.get("move") else None,
    )


def _released(fields: _Fields) -> tellings.Released:
    return tellings.Released(
        holds=_holds(fields), actor=_actor(fields["actor"]), reason=fields["reason"]
    )


def _stolen(fields: _Fields) -> tellings.Stolen:
    held, wanted = fields["held"], fields["wanted"]
    return tellings.Stolen(held=_hold(held), wanted=_hold(wanted))


def _said(fields: _Fields) -> tellings.Said:
    return tellings.Said(text=fields["text"], to=_maybe_actor(fields["to"]))


def _reviewed(fields: _Fields) -> tellings.Reviewed:
    return tellings.Reviewed(
        actor=_actor(fields["actor"]),
        decision=Decision(fields["decision"]),
        note=fields["note"],
    )


_READERS: Final[Mapping[str, Callable[[_Fields], Telling]]] = {
    "header": lambda fields: tellings.Header(run=_run(fields)),
    "card": lambda fields: tellings.Card(stack=fields["stack"]),
    "notice": _notice,
    "echo": lambda fields: tellings.Echo(
        run=_run(fields), remarks=tuple(fields["remarks"])
    ),
    # Its place and what blocked it were stored once; by now it may wait for another.
    "waiting": lambda fields: tellings.Waiting(run=_run(fields)),
    "held": lambda fields: tellings.Held(holds=_holds(fields)),
    "released": _released,
    "stolen": _stolen,
    "expired": lambda fields: tellings.Expired(hold=_hold(fields["hold"])),
    "planned": lambda fields: tellings.Planned(run=_run(fields)),
    "confirmed": lambda fields: tellings.Confirmed(actor=_actor(fields["actor"])),
    "reviewed": _reviewed,
    "stop_asked": lambda fields: tellings.StopAsked(actor=_actor(fields["actor"])),
    "said": _said,
    "tail": lambda fields: tellings.Tail(run=_run(fields)),
    "final": lambda fields: tellings.Final(run=_run(fields)),
}
