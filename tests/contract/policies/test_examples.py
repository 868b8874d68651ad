"""The policies to start from: each is sound, and rules on what it is really asked."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import Decision, Review, Reviews
from bot.domain.policy import Policy, PolicyKind, Ruling, Session
from bot.domain.policy_input import Situation, approval_document, task_document
from bot.domain.run import RunId, RunType
from bot.policies.opa import OpaPolicies
from runner.job import GitSource
from tests.contract.policies.asking import Asked
from tests.support.builders import NOON, a_run, an_actor
from tests.unit.control.stand_ins import a_stack

POLICIES = Path(__file__).parents[2] / "policies"
NAMES = sorted(path.parent.name for path in POLICIES.glob("*/policy.rego"))

DENIES = PolicyKind(denies=True)
DECIDES = PolicyKind(decides=True)
#: by the headings of the page that explains them
SECTIONS = {"Task policies": DENIES, "Approval policies": DECIDES}
BOTH = {"keys-deploy": PolicyKind(denies=True, decides=True)}

ANN, BOB, CARL = map(an_actor, ("ann", "bob", "carl"))
STACK = a_stack(
    labels=("production",),
    source=GitSource(url="git@example.com:acme/infra.git", ref="main"),
    project_root="net/prod",
)
SUNDAY = datetime.fromisoformat("2026-11-22T15:00:00+00:00")


@pytest.fixture
def policies(asked: Asked) -> OpaPolicies:
    return asked.policies


def policy(name: str) -> Policy:
    return Policy(name=f"{name}.rego", path=POLICIES / name / "policy.rego")


def session(name: str = "ann", *teams: str, **changes: Any) -> Session:
    plain = Session(login=an_actor(name).id, name=name, teams=teams)
    return replace(plain, **changes)


def sent(
    command: str, by: Session, *, at: datetime = NOON, holder: str | None = None
) -> Any:
    """Return what a task policy is asked about *command* on net-prod."""
    return task_document(command, by, at, Situation(stack=STACK, locked_by=holder))


def waiting(
    command: str, *agreed: Session, by: Session | None = None, **changes: Any
) -> Any:
    """Return what an approval policy is asked about a run to which some agreed."""
    run = replace(a_run(command=command), session=by or session("ann"), **changes)
    reviews = Reviews(current=tuple(map(agrees, agreed)))
    return approval_document(run, reviews, Situation(stack=STACK))


def agrees(by: Session) -> Review:
    return Review(
        run=RunId(1),
        actor=an_actor(by.name),
        session=by,
        decision=Decision.APPROVE,
        at=NOON,
        subject="",
    )


def page() -> str:
    return (POLICIES / "README.md").read_text()


@pytest.mark.parametrize("name", NAMES)
async def test_it_compiles_and_its_tests_pass(name: str, policies: OpaPolicies) -> None:
    tests = POLICIES / name / "policy_test.rego"

    faults = await policies.check([policy(name)])
    results = await policies.run_tests(policy(name), [tests])

    assert faults == ()
    assert [it for it in results if not it.passed] == []
    assert len(results) >= 3


@pytest.mark.parametrize("name", NAMES)
async def test_it_is_of_the_kind_that_the_page_says(
    name: str, policies: OpaPolicies
) -> None:
    section = page().partition(f"[`{name}`]")[0].rpartition("\n## ")[2]
    said = next(kind for words, kind in SECTIONS.items() if section.startswith(words))

    assert await policies.kind(policy(name)) == BOTH.get(name, said)


def test_every_policy_is_on_the_page_in_its_syntax_and_package() -> None:
    rows = re.findall(r"^\| \[`([\w-]+)`\].*\| (v[01])[^|]*, `(\w+)` \|", page(), re.M)

    told = {name: (syntax, package) for name, syntax, package in rows}
    assert told == {name: _written(name) for name in NAMES}
    assert {"v0", "v1"} == {syntax for syntax, _ in told.values()}


def _written(name: str) -> tuple[str, str]:
    text = (POLICIES / name / "policy.rego").read_text()
    is_v1 = re.search(r"^import rego\.v1$|\bif\b(?=.*\{?$)", _code(text), re.M)
    package = re.search(r"^package (\w+)$", text, re.M)
    assert package is not None
    return ("v1" if is_v1 else "v0"), package[1]


def _code(text: str) -> str:
    return re.sub(r"#.*|`[^`]*`|\"[^\"]*\"", "", text)


def test_what_the_page_says_a_policy_is_asked_is_what_it_is_asked() -> None:
    task, approval = map(json.loads, re.findall(r"```json\n(.*?)```", page(), re.S))

    _same_shape(task, sent("terraform plan", session()))
    _same_shape(approval, waiting("terraform apply", session("bob")))


def _same_shape(said: Any, given: Any) -> None:
    """Compare what the page shows with what there is: it may leave fields out."""
    if isinstance(said, dict):
        assert said.keys() <= given.keys()
        for name, value in said.items():
            _same_shape(value, given[name])
    elif isinstance(said, list) and said and given:
        _same_shape(said[0], given[0])
    elif said is not None and given is not None:
        assert type(said) is type(given)


async def ruled(policies: OpaPolicies, name: str, document: Any) -> Ruling:
    ruling = await policies.rule(policy(name), document)
    assert ruling.failed == ""
    return ruling


async def test_a_weekend_is_known_by_the_time_of_the_request(
    policies: OpaPolicies,
) -> None:
    by_day = await ruled(policies, "weekend", sent("true", session()))
    on_sunday = await ruled(policies, "weekend", sent("true", session(), at=SUNDAY))
    on_call = session("ann", "on-call")
    anyway = await ruled(policies, "weekend", sent("true", on_call, at=SUNDAY))

    assert (by_day.deny, anyway.deny) == ((), ())
    assert len(on_sunday.deny) == 1


async def test_who_is_admin_is_known_by_the_session(policies: OpaPolicies) -> None:
    writer = await ruled(policies, "admins-only", sent("true", session()))
    admin = await ruled(policies, "admins-only", sent("true", session(admin=True)))

    assert len(writer.deny) == 1
    assert admin.deny == ()


async def test_who_holds_the_stack_is_known_by_their_login(
    policies: OpaPolicies,
) -> None:
    free, own, foreign = [
        await ruled(policies, "hold-it-first", sent("true", session(), holder=holder))
        for holder in (None, ANN.id, BOB.id)
    ]

    assert own.deny == ()
    assert len(free.deny) == len(foreign.deny) == 1


async def test_a_key_is_known_to_be_a_machine(policies: OpaPolicies) -> None:
    key = session("ci", machine=True)

    assert (await ruled(policies, "no-machines", sent("true", key))).deny
    assert not (await ruled(policies, "no-machines", sent("true", session()))).deny


async def test_an_allow_list_lets_nothing_stand_behind_a_command(
    policies: OpaPolicies,
) -> None:
    name = "allow-list-or-two"
    listed = await ruled(policies, name, waiting("terraform state list"))
    more = await ruled(policies, name, waiting("terraform state list; rm -rf /"))
    agreed = await ruled(
        policies, name, waiting("terraform apply", session("bob"), session("carl"))
    )

    assert listed.approves
    assert not more.approves
    assert more.undecided_notes
    assert agreed.approves


async def test_teams_of_reviewers_are_known(policies: OpaPolicies) -> None:
    name = "director-or-devops-and-security"
    devops, security = session("bob", "devops"), session("carl", "security")

    one = await ruled(policies, name, waiting("terraform apply", devops))
    both = await ruled(policies, name, waiting("terraform apply", devops, security))

    assert (one.approves, both.approves) == (False, True)


async def test_labels_of_the_stack_are_known(policies: OpaPolicies) -> None:
    document = waiting("terraform apply", session("bob"))

    ruling = await ruled(policies, "production-needs-two", document)

    assert not ruling.approves
    assert ruling.undecided_notes == ("1 of 2 people who have to agree did.",)


async def test_a_deploy_is_told_from_a_task(policies: OpaPolicies) -> None:
    deploy = waiting("terraform plan", type=RunType.TRACKED)

    assert (await ruled(policies, "keys-deploy", deploy)).approves
    assert not (
        await ruled(policies, "keys-deploy", waiting("terraform plan"))
    ).approves


@pytest.mark.parametrize("name", NAMES)
async def test_no_policy_fails_about_a_deploy_which_has_no_command(
    name: str, policies: OpaPolicies
) -> None:
    deploy = waiting("terraform plan", type=RunType.TRACKED, apply="terraform apply")

    assert deploy["run"]["command"] is None
    await ruled(policies, name, deploy)


async def test_the_policy_of_the_readme_does_what_it_says(
    policies: OpaPolicies, tmp_path: Path
) -> None:
    readme = (POLICIES.parents[1] / "README.md").read_text()
    (text,) = re.findall(r"```rego\n(.*?)```", readme, re.S)
    (tmp_path / "readme.rego").write_text(text)
    shown = Policy(name="readme.rego", path=tmp_path / "readme.rego")

    denied = await policies.rule(shown, sent("true", session()))
    listed = await policies.rule(shown, waiting("terraform plan"))
    undecided = await policies.rule(shown, waiting("terraform apply"))

    assert await policies.check([shown]) == ()
    assert denied.deny == ("Commands on production are for admins.",)
    assert listed.approve
    assert undecided.undecided_notes == ("Two people have to agree.",)


async def test_a_skipped_init_is_known(policies: OpaPolicies) -> None:
    skipped = waiting("terraform plan", skip_init=True)

    assert not (await ruled(policies, "no-init-needs-a-look", skipped)).approves
    whole = waiting("terraform plan", skip_init=False)
    assert (await ruled(policies, "no-init-needs-a-look", whole)).approves


async def test_the_author_is_not_somebody_else(policies: OpaPolicies) -> None:
    own = await ruled(policies, "four-eyes", waiting("true", session("ann")))
    others = await ruled(policies, "four-eyes", waiting("true", session("bob")))

    assert (own.approves, others.approves) == (False, True)
    assert others.sample
