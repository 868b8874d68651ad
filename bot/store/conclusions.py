"""How the container of a run ended, kept as text before the container is removed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from bot.domain.people import Actor, ActorKind
from bot.domain.run import Reason, RunState
from bot.domain.state_lock import StateLock
from bot.ports import Ended, Hide, Plan

_PLAN: Final = "digest"  #: a field that plans alone have


def conclusion_text(conclusion: Ended | Plan) -> str:
    """Return *conclusion* as its column keeps it."""
    return json.dumps(asdict(conclusion))


def conclusion_of(text: str) -> Ended | Plan:
    """Return the conclusion that was kept as *text*."""
    fields = json.loads(text)
    return Plan(**fields) if _PLAN in fields else _ended(fields)


def hidden_conclusion(text: str, hide: Hide) -> str:
    """Return a kept conclusion with what *hide* knows taken out of its words."""
    fields = json.loads(text)
    words: dict[str, object] = {
        name: hide.text(fields[name]) for name in ("note", "summary") if name in fields
    }
    if lock := fields.get("state_lock"):
        words["state_lock"] = {name: hide.text(said) for name, said in lock.items()}
    return text if fields | words == fields else json.dumps(fields | words)


def _ended(fields: Mapping[str, Any]) -> Ended:
    reason, lock = fields["reason"], fields["state_lock"]
    actor = Actor(**fields["actor"])
    ended = Ended(
        state=RunState(fields["state"]),
        actor=replace(actor, kind=ActorKind(actor.kind)),
        exit_code=fields["exit_code"],
        note=fields["note"],
        release=fields["release"],
    )
    return replace(
        ended,
        reason=None if reason is None else Reason(reason),
        state_lock=None if lock is None else StateLock(**lock),
    )
