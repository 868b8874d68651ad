"""Rows and the values that they stand for."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import RowMapping

from bot.domain.approval import Decision, Review
from bot.domain.lock import Claim, Hold
from bot.domain.people import Actor, ActorKind, ChannelId
from bot.domain.policy import Session
from bot.domain.run import (
    Approval,
    Reason,
    Run,
    RunId,
    RunState,
    RunType,
    ThreadId,
    Transition,
)
from bot.domain.stack import StackName
from bot.domain.state_lock import StateLock
from bot.ports import Thread

#: what a column may be given
Value = str | int | bool | bytes | object | None


def actor_values(prefix: str, actor: Actor) -> dict[str, Value]:
    """Return the columns that keep *actor*."""
    return {
        f"{prefix}_kind": actor.kind.value,
        f"{prefix}_id": actor.id,
        f"{prefix}_team": actor.team,
        f"{prefix}_name": actor.name,
    }


def actor_of(row: RowMapping, prefix: str = "actor") -> Actor:
    """Return the actor that a row keeps."""
    return Actor(
        kind=ActorKind(row[f"{prefix}_kind"]),
        id=row[f"{prefix}_id"],
        team=row[f"{prefix}_team"],
        name=row[f"{prefix}_name"],
    )


_SAME_IN_ROW = {field.name for field in fields(Run)} - {
    "type",
    "actor",
    "state",
    "reason",
    "stop_asked_by",
    "confirmed_by",
    "state_lock",
    "parameters",
    "session",
    "approval",
}


def run_of(row: RowMapping) -> Run:
    """Return the run of a row of `runs`."""
    return Run(
        **{name: row[name] for name in _SAME_IN_ROW},
        type=RunType(row["type"]),
        actor=actor_of(row),
        state=RunState(row["state"]),
        reason=row["reason"] and Reason(row["reason"]),
        stop_asked_by=actor_of(row, "stop") if row["stop_kind"] else None,
        confirmed_by=actor_of(row, "confirmed") if row["confirmed_kind"] else None,
        state_lock=_state_lock_of(row["state_lock"]),
        parameters=json.loads(row["parameters"]),
        session=_session_of(row["session"]),
        approval=Approval(row["approval"]),
    )


def state_lock_text(lock: StateLock | None) -> str | None:
    """Return *lock* as its column keeps it."""
    return None if lock is None else json.dumps(asdict(lock))


def parameters_text(parameters: Mapping[str, str]) -> str:
    """Return the *parameters* of a preset as their column keeps them."""
    return json.dumps(dict(parameters))


def session_text(session: Session | None) -> str | None:
    """Return *session* as its column keeps it."""
    return None if session is None else json.dumps(asdict(session))


def transition_of(row: RowMapping) -> Transition:
    """Return the transition of a row of `transitions`."""
    return Transition(
        run=RunId(row["run"]),
        ordinal=row["ordinal"],
        from_state=row["from_state"] and RunState(row["from_state"]),
        to_state=RunState(row["to_state"]),
        at=row["at"],
        actor=actor_of(row),
        note=row["note"],
    )


def claim_of(row: RowMapping) -> Claim:
    """Return the claim of a row of `claims` that has a run."""
    return Claim(
        stack=StackName(row["stack"]),
        run=RunId(row["run"]),
        fence=row["fence"],
        since=row["since"],
        lease=row["lease"],
    )


def hold_of(row: RowMapping) -> Hold:
    """Return the hold of a row of `holds`."""
    return Hold(
        stack=StackName(row["stack"]),
        actor=actor_of(row),
        reason=row["reason"],
        since=row["since"],
        until=row["until"],
        thread=row["thread"],
    )


def thread_of(row: RowMapping) -> Thread:
    """Return the thread of a row of `threads` with its run beside it as `run`.

    It is where it goes on now, once that has a first message of its own.
    """
    began = row["channel"], row["ts"]
    there = row["fallback"], row["fallback_ts"]
    channel, ts = began if row["fallback_ts"] is None else there
    return Thread(
        id=ThreadId(row["id"]),
        channel=ChannelId(channel),
        ts=ts,
        stack=StackName(row["stack"]),
        run=row["run"],
    )


def review_of(row: RowMapping) -> Review:
    """Return the review of a row of `reviews`."""
    return Review(
        run=RunId(row["run"]),
        ordinal=row["ordinal"],
        actor=actor_of(row),
        session=_session(json.loads(row["session"])),
        decision=Decision(row["decision"]),
        note=row["note"],
        at=row["at"],
        subject=row["subject"],
        void=row["voided_at"] is not None,
    )


def _session_of(text: str | None) -> Session | None:
    return None if text is None else _session(json.loads(text))


def _session(kept: Mapping[str, Any]) -> Session:
    return Session(**{**kept, "teams": tuple(kept["teams"])})


def _state_lock_of(text: str | None) -> StateLock | None:
    return None if text is None else StateLock(**json.loads(text))
