"""Values for tests: each mentions only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.lock import Hold
from bot.domain.people import Actor, ActorKind, ChannelId, api_actor
from bot.domain.run import Run, RunId, RunState, RunType, ThreadId
from bot.domain.stack import StackName
from bot.ports import NewRun

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHANNEL = ChannelId("C0INFRA")
STACK = StackName("net-prod")


def later(seconds: float) -> datetime:
    """Return a time after noon."""
    return NOON + timedelta(seconds=seconds)


def an_actor(name: str = "ann") -> Actor:
    """Return a person of the home workspace."""
    return Actor(
        kind=ActorKind.PERSON, id=f"U0{name.upper()}", team="T0HOME", name=name
    )


def a_new_run(
    command: str = "terraform state list",
    *,
    stack: str = STACK,
    by: str = "ann",
    skip_init: bool = False,
    remarks: tuple[str, ...] = (),
) -> NewRun:
    """Return what becomes a run."""
    return NewRun(
        stack=StackName(stack),
        command=command,
        skip_init=skip_init,
        actor=an_actor(by),
        channel=CHANNEL,
        remarks=remarks,
    )


def a_deploy(*, stack: str = STACK, by: str = "ann") -> NewRun:
    """Return what becomes a tracked run that Handrail performs."""
    return replace(
        a_new_run("terraform plan", stack=stack, by=by),
        type=RunType.TRACKED,
        apply="terraform apply",
    )


def an_announced_run(
    command: str = "make deploy", *, stack: str = STACK, key: str = "ci"
) -> NewRun:
    """Return what becomes a tracked run that the CI with an API key performs."""
    new = a_new_run(command, stack=stack, skip_init=True)
    return replace(new, type=RunType.TRACKED, outside=True, actor=api_actor(key))


def a_run(
    command: str = "terraform state list",
    *,
    number: int = 1,
    state: RunState = RunState.QUEUED,
    stack: str = STACK,
    by: str = "ann",
) -> Run:
    """Return a run as the record has it."""
    return Run(
        id=RunId(number),
        stack=StackName(stack),
        command=command,
        actor=an_actor(by),
        thread=ThreadId(number),
        created_at=NOON,
        state=state,
        state_since=NOON,
    )


def a_hold(
    *,
    stack: str = STACK,
    by: str = "ann",
    reason: str = "",
    since: datetime = NOON,
    until: datetime | None = None,
    thread: ThreadId | None = None,
) -> Hold:
    """Return a person's hold on a stack."""
    return Hold(
        stack=StackName(stack),
        actor=an_actor(by),
        reason=reason,
        since=since,
        until=until,
        thread=thread,
    )
