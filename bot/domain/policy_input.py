"""What policies are asked: documents by the names that Spacelift has for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain.approval import Review, Reviews
from bot.domain.policy import Session
from bot.domain.run import Run, RunState, RunType
from bot.domain.stack import Stack
from runner.job import GitSource

#: as JSON has it
Fields = Mapping[str, object]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: what the state of a stack is called that was never deployed
_NEVER: Final = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A stack, and how it stands when a policy is asked."""

    stack: Stack
    locked_by: str | None = None  #: as the `login` of a session
    state: RunState | None = None  #: of its newest deploy; None: it never had one


def task_document(
    command: str, session: Session, at: datetime, situation: Situation
) -> Fields:
    """Return what a task policy is asked about *command*."""
    return {
        "request": {
            "command": command,
            "remote_ip": session.creator_ip,
            "timestamp_ns": nanoseconds(at),
        },
        "session": _session(session),
        "stack": _stack(situation),
    }


def approval_document(run: Run, reviews: Reviews, situation: Situation) -> Fields:
    """Return what an approval policy is asked about *run*."""
    older = Reviews(current=reviews.older)
    return {
        "run": _run(run, situation.stack),
        "reviews": {"current": _reviews(reviews), "older": _reviews(older)},
        "stack": _stack(situation),
    }


def nanoseconds(at: datetime) -> int:
    """Return *at* as a Unix timestamp; no float has so many digits."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _session(session: Session) -> Fields:
    return {
        "login": session.login,
        "name": session.name,
        "teams": list(session.teams),
        "admin": session.admin,
        "machine": session.machine,
        "creator_ip": session.creator_ip,
    }


def _run(run: Run, stack: Stack) -> Fields:
    return {
        "id": str(run.id),
        "type": run.type.upper(),
        "state": run.state.upper(),
        # An allow list of commands means no deploy that begins with one of them.
        "command": run.command if run.type is RunType.TASK else None,
        "deploy": _deploy(run),
        "preset": run.preset,
        "parameters": dict(run.parameters),
        "skip_init": run.skip_init,
        "created_at": nanoseconds(run.created_at),
        "updated_at": nanoseconds(run.state_since),
        "creator_session": _session(run.session or _nobody(run)),
        "triggered_by": run.actor.id,
        "branch": _branch(stack),
        "commit": _commit(run, stack),
        "runtime_config": _configuration(stack),
        "based_on_local_workspace": False,
        "drift_detection": False,
        "changes": [],
        "flags": [],
        "user_provided_metadata": [],
    }


def _deploy(run: Run) -> Fields | None:
    if run.type is not RunType.TRACKED:
        return None
    return {"plan": run.command, "apply": run.apply, "outside": run.outside}


def _nobody(run: Run) -> Session:
    """Return as whom a run of before there were sessions was made: nothing is known."""
    return Session(login=run.actor.id, name=run.actor.name)


def _commit(run: Run, stack: Stack) -> Fields:
    # Which one it is, is known once the run prepares; Handrail asks no Git host.
    return {
        "hash": run.commit or "",
        "branch": _branch(stack),
        "author": "",
        "message": "",
        "created_at": 0,
    }


def _configuration(stack: Stack) -> Fields:
    return {
        "before_init": list(stack.hooks.before_init),
        "project_root": stack.project_root,
        "runner_image": stack.image,
        "terraform_version": "",
    }


def _reviews(reviews: Reviews) -> Fields:
    return {
        "approvals": _each(reviews.approvals),
        "rejections": _each(reviews.rejections),
    }


def _each(reviews: Iterable[Review]) -> list[Fields]:
    return [
        {
            "author": review.session.login,
            "note": review.note,
            "request": {
                "remote_ip": review.session.creator_ip,
                "timestamp_ns": nanoseconds(review.at),
            },
            "session": _session(review.session),
            # Nobody is asked of a run in another state.
            "state": RunState.QUEUED.upper(),
        }
        for review in reviews
    ]


def _stack(situation: Situation) -> Fields:
    stack, state = situation.stack, situation.state
    namespace, repository = _repository(stack)
    return {
        "id": stack.name,
        "name": stack.name,
        "labels": list(stack.labels),
        "locked_by": situation.locked_by,
        "state": _NEVER if state is None else state.upper(),
        "branch": _branch(stack),
        "project_root": stack.project_root,
        "repository": repository,
        "namespace": namespace,
        "administrative": False,
        "autodeploy": False,
        "roles": [],
        "terraform_version": None,
        "worker_pool": {"id": "", "name": "", "labels": [], "public": False},
    }


def _branch(stack: Stack) -> str:
    return stack.source.ref if isinstance(stack.source, GitSource) else ""


def _repository(stack: Stack) -> tuple[str, str]:
    """Return the namespace and the name of the Git repository of *stack*."""
    if not isinstance(stack.source, GitSource):
        return "", ""
    # Both `https://host/group/name.git` and `git@host:group/name.git`.
    _, scheme, rest = stack.source.url.rpartition("://")
    path = rest.partition("/" if scheme else ":")[2]
    namespace, _, name = path.strip("/").removesuffix(".git").rpartition("/")
    return namespace, name
