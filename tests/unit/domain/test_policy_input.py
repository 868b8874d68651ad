"""What policies are asked has the names that Spacelift has for it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.approval import Decision, Review, Reviews
from bot.domain.policy import Session
from bot.domain.policy_input import (
    Situation,
    approval_document,
    nanoseconds,
    task_document,
)
from bot.domain.run import Run, RunId, RunState, RunType, ThreadId
from bot.domain.stack import Hooks, Stack
from runner.job import DirectorySource, GitSource
from tests.support.builders import NOON, STACK, an_actor, later

ANN = Session(
    login="U0ANN",
    name="ann",
    teams=("devops", "platform"),
    admin=True,
    creator_ip="::1",
)
GIT = GitSource(url="git@example.com:acme/infra.git", ref="main")
RUN = Run(
    id=RunId(7),
    stack=STACK,
    command="terraform plan",
    skip_init=True,
    actor=an_actor("ann"),
    session=ANN,
    thread=ThreadId(1),
    created_at=NOON,
    state_since=later(1),
)


def a_situation(**changes: object) -> Situation:
    stack = Stack(
        name=STACK,
        image="terraform:1",
        source=GIT,
        project_root="net/prod",
        labels=("prod",),
        hooks=Hooks(before_init=("./login.sh",)),
        writers=(),
    )
    return replace(Situation(stack=stack), **changes)  # type: ignore[arg-type]


def a_review(decision: Decision, name: str = "bob") -> Review:
    return Review(
        run=RUN.id,
        actor=an_actor(name),
        session=Session(login=f"U0{name.upper()}", name=name, teams=("security",)),
        decision=decision,
        note="fine",
        at=later(2),
        subject="s",
    )


def test_a_task_policy_is_asked_for_request_session_and_stack() -> None:
    situation = a_situation(locked_by="U0BOB", state=RunState.FINISHED)

    document = task_document("ls; rm", ANN, NOON, situation)

    assert document == {
        "request": {
            "command": "ls; rm",
            "remote_ip": "::1",
            "timestamp_ns": 1_795_176_000_000_000_000,
        },
        "session": {
            "login": "U0ANN",
            "name": "ann",
            "teams": ["devops", "platform"],
            "admin": True,
            "machine": False,
            "creator_ip": "::1",
        },
        "stack": {
            "id": "net-prod",
            "name": "net-prod",
            "labels": ["prod"],
            "locked_by": "U0BOB",
            "state": "FINISHED",
            "branch": "main",
            "project_root": "net/prod",
            "repository": "infra",
            "namespace": "acme",
            "administrative": False,
            "autodeploy": False,
            "roles": [],
            "terraform_version": None,
            "worker_pool": {"id": "", "name": "", "labels": [], "public": False},
        },
    }


def test_an_approval_policy_is_asked_for_the_run_and_who_reviewed_it() -> None:
    reviews = Reviews(
        current=(a_review(Decision.APPROVE),),
        older=(a_review(Decision.REJECT, "cat"),),
    )

    document = approval_document(RUN, reviews, a_situation())

    run = document["run"]
    assert isinstance(run, dict)
    assert run["id"] == "7"
    assert run["type"] == "TASK"
    assert run["state"] == "QUEUED"
    assert run["command"] == "terraform plan"
    assert run["skip_init"] is True
    assert run["triggered_by"] == "U0ANN"
    assert run["created_at"] == nanoseconds(NOON)
    assert run["creator_session"]["teams"] == ["devops", "platform"]
    assert run["commit"]["branch"] == "main"
    assert run["runtime_config"]["before_init"] == ["./login.sh"]
    assert run["runtime_config"]["runner_image"] == "terraform:1"
    assert document["reviews"] == {
        "current": {"approvals": [given("U0BOB", "bob")], "rejections": []},
        "older": {"approvals": [], "rejections": [given("U0CAT", "cat")]},
    }


def given(login: str, name: str) -> dict[str, object]:
    return {
        "author": login,
        "note": "fine",
        "request": {"remote_ip": "", "timestamp_ns": nanoseconds(later(2))},
        "session": {
            "login": login,
            "name": name,
            "teams": ["security"],
            "admin": False,
            "machine": False,
            "creator_ip": "",
        },
        "state": "QUEUED",
    }


def test_a_deploy_has_no_command_that_an_allow_list_could_match() -> None:
    run = replace(RUN, type=RunType.TRACKED, apply="terraform apply")

    document = approval_document(run, Reviews(), a_situation())["run"]

    assert isinstance(document, dict)
    assert (document["type"], document["command"]) == ("TRACKED", None)
    assert document["deploy"] == {
        "plan": "terraform plan",
        "apply": "terraform apply",
        "outside": False,
    }


def test_of_a_run_from_before_there_were_sessions_only_its_author_is_known() -> None:
    run = replace(RUN, session=None)

    document = approval_document(run, Reviews(), a_situation())

    session = document["run"]["creator_session"]  # type: ignore[index]
    assert (session["login"], session["teams"]) == ("U0ANN", [])
    assert session["admin"] is False


@pytest.mark.parametrize(
    ("url", "namespace", "repository"),
    [
        ("git@example.com:infra.git", "", "infra"),
        ("git@example.com:acme/infra", "acme", "infra"),
        ("https://example.com/acme/infra.git", "acme", "infra"),
        ("https://example.com/acme/teams/infra", "acme/teams", "infra"),
        ("https://u:p@example.com/acme/infra.git", "acme", "infra"),
        ("ssh://git@example.com:2222/acme/infra.git/", "acme", "infra"),
    ],
)
def test_a_repository_is_named_whatever_its_address_is_like(
    url: str, namespace: str, repository: str
) -> None:
    situation = a_situation()
    source = GitSource(url=url, ref="main")
    stack = replace(situation.stack, source=source)

    document = task_document("ls", ANN, NOON, replace(situation, stack=stack))

    assert document["stack"]["namespace"] == namespace  # type: ignore[index]
    assert document["stack"]["repository"] == repository  # type: ignore[index]


def test_a_stack_without_a_repository_has_none(tmp_path: object) -> None:
    situation = a_situation()
    stack = replace(situation.stack, source=DirectorySource(directory=tmp_path))  # type: ignore[arg-type]

    document = task_document("ls", ANN, NOON, replace(situation, stack=stack))

    assert document["stack"]["repository"] == ""  # type: ignore[index]
    assert document["stack"]["branch"] == ""  # type: ignore[index]


def test_no_digit_of_a_time_is_lost() -> None:
    at = datetime(2026, 11, 20, 12, 0, 0, 123_457, tzinfo=UTC)

    assert nanoseconds(at) == 1_795_176_000_123_457_000
