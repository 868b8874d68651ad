"""Tellings as text in the outbox, and back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Final, TypedDict

from bot.domain import telling as tellings
from bot.domain.lock import Hold
from bot.domain.people import Actor, ActorKind
from bot.domain.run import RunId
from bot.domain.stack import StackName
from bot.domain.telling import IN_PLACE, Telling
from bot.ports import Hide

_KINDS: Final[Mapping[type[Telling], str]] = {
    tellings.Header: "header",
    tellings.Card: "card",
    tellings.Echo: "echo",
    tellings.Waiting: "waiting",
    tellings.Held: "held",
    tellings.Released: "released",
    tellings.StopAsked: "stop_asked",
    tellings.Said: "said",
    tellings.Tail: "tail",
    tellings.Final: "final",
}

#: the kinds that are told in place, and of these the one that is a reply
REPLACED: Final = frozenset(_KINDS[kind] for kind in IN_PLACE)
TAIL: Final = _KINDS[tellings.Tail]
#: the kinds that are a thread's first message
FIRST: Final = REPLACED - {TAIL}

#: what a telling could not be read again without, and who people are
_NO_WORDS: Final = frozenset({"kind", "id", "team", "name", "stack", "since"})


def kind_of(telling: Telling) -> str:
    """Return the name under which *telling*'s kind is stored."""
    return _KINDS[type(telling)]


def to_text(telling: Telling) -> str:
    """Return *telling* as it is stored."""
    return json.dumps(asdict(telling), default=datetime.isoformat)


def from_text(kind: str, text: str) -> Telling:
    """Return the telling that was stored as *text*."""
    return _READERS[kind](json.loads(text))


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


class _Actor(TypedDict):
    kind: str
    id: str
    team: str
    name: str


class _Hold(TypedDict):
    stack: str
    actor: _Actor
    reason: str
    since: str


class _Fields(TypedDict, total=False):
    run: int
    stack: str
    remarks: list[str]
    place: int
    blocking_run: int | None
    hold: _Hold
    since: str | None
    actor: _Actor
    reason: str
    text: str
    to: _Actor | None


def _actor(fields: _Actor) -> Actor:
    return Actor(
        kind=ActorKind(fields["kind"]),
        id=fields["id"],
        team=fields["team"],
        name=fields["name"],
    )


def _hold(fields: _Hold) -> Hold:
    return Hold(
        stack=StackName(fields["stack"]),
        actor=_actor(fields["actor"]),
        reason=fields["reason"],
        since=datetime.fromisoformat(fields["since"]),
    )


def _waiting(fields: _Fields) -> tellings.Waiting:
    run, hold, since = fields["blocking_run"], fields.get("hold"), fields["since"]
    return tellings.Waiting(
        place=fields["place"],
        blocking_run=None if run is None else RunId(run),
        hold=_hold(hold) if hold else None,
        since=datetime.fromisoformat(since) if since else None,
    )


def _echo(fields: _Fields) -> tellings.Echo:
    return tellings.Echo(run=RunId(fields["run"]), remarks=tuple(fields["remarks"]))


def _released(fields: _Fields) -> tellings.Released:
    return tellings.Released(
        hold=_hold(fields["hold"]),
        actor=_actor(fields["actor"]),
        reason=fields["reason"],
    )


def _said(fields: _Fields) -> tellings.Said:
    to = fields["to"]
    return tellings.Said(text=fields["text"], to=_actor(to) if to else None)


_READERS: Final[Mapping[str, Callable[[_Fields], Telling]]] = {
    "header": lambda fields: tellings.Header(run=RunId(fields["run"])),
    "card": lambda fields: tellings.Card(stack=fields["stack"]),
    "echo": _echo,
    "waiting": _waiting,
    "held": lambda fields: tellings.Held(hold=_hold(fields["hold"])),
    "released": _released,
    "stop_asked": lambda fields: tellings.StopAsked(actor=_actor(fields["actor"])),
    "said": _said,
    "tail": lambda fields: tellings.Tail(run=RunId(fields["run"])),
    "final": lambda fields: tellings.Final(run=RunId(fields["run"])),
}
