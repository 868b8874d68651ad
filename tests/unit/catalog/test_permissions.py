"""Labels, policies, approvals and presets, from the file to what they mean."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.catalog.load import check, load
from bot.domain.policy import Policy
from bot.domain.preset import Choice, Integer, Parameter, Pattern, Preset
from bot.domain.rule import ApprovalRule
from bot.domain.stack import Stack, StackName
from tests.unit.catalog.conftest import Told, Write, a_config


def stack_of(path: Path, name: str = "net-prod") -> Stack:
    return load(path).stacks[StackName(name)]


def test_a_stack_that_says_nothing_asks_nobody(write: Write) -> None:
    stack = stack_of(write(a_config()))

    assert (stack.labels, stack.policies, stack.approvals) == ((), (), None)
    assert (stack.deny_tasks, stack.self_review, stack.presets) == (False, False, {})


def test_labels_add_up_each_of_them_once(write: Write) -> None:
    stack = stack_of(
        write(
            a_config(
                "labels: [team:net, all]\ncontexts: [eu]",
                defaults="labels: [all]",
                top="contexts: {eu: {labels: [eu/west]}}",
            )
        )
    )

    assert stack.labels == ("all", "eu/west", "team:net")


def test_policies_add_up_those_of_labels_first_and_each_file_once(
    write: Write, tmp_path: Path
) -> None:
    for name in ("own", "eu", "all", "prod", "dev"):
        (tmp_path / f"{name}.rego").touch()
    top = """
contexts: {eu: {policies: [./eu.rego, eu.rego]}}
policies:
  - {file: prod.rego, labels: [dev, prod]}
  - {file: dev.rego, labels: [dev]}
  - {file: own.rego, labels: [prod]}
"""

    catalog = load(
        write(
            a_config(
                "labels: [prod]\ncontexts: [eu]\npolicies: [./own.rego, all.rego]",
                defaults="policies: [all.rego]",
                top=top,
            ).replace("  db-prod:\n", "  db-prod:\n    labels: [dev]\n")
        )
    )

    names = {
        name: [it.name for it in stack.policies]
        for name, stack in catalog.stacks.items()
    }
    assert names == {
        "net-prod": ["prod.rego", "own.rego", "all.rego", "./eu.rego"],
        "db-prod": ["prod.rego", "dev.rego", "all.rego"],
    }


def test_a_policy_keeps_the_name_that_is_written(write: Write, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.rego").touch()

    stack = stack_of(write(a_config("policies: [./policies/a.rego]")))

    assert stack.policies == (
        Policy(name="./policies/a.rego", path=tmp_path / "policies" / "a.rego"),
    )


def test_the_rule_of_approvals_arrives_whole(write: Write) -> None:
    stack = stack_of(
        write(
            a_config(
                """
                approvals:
                  count: 2
                  from: ["@platform", U0EVE]
                  except: [terraform plan, "terraform state (list|show .*)"]
                  expires: 36h
                self_review: true
                deny_tasks: true
                """
            )
        )
    )

    assert stack.approvals == ApprovalRule(
        count=2,
        from_=("@platform", "U0EVE"),
        except_=("terraform plan", "terraform state (list|show .*)"),
        expires=timedelta(hours=36),
    )
    assert (stack.self_review, stack.deny_tasks) == (True, True)


def test_one_of_the_writers_has_to_agree_within_a_week_where_no_more_is_said(
    write: Write,
) -> None:
    assert stack_of(write(a_config("approvals: {}"))).approvals == ApprovalRule(
        count=1, expires=timedelta(days=7)
    )


def test_a_run_may_wait_for_ever(write: Write) -> None:
    stack = stack_of(write(a_config("approvals: {expires: none}")))

    assert stack.approvals == ApprovalRule(count=1, expires=None)


@pytest.mark.parametrize("none", ["none", "no"])
def test_the_last_word_on_approvals_wins_none_among_them(
    write: Write, none: str
) -> None:
    catalog = load(
        write(
            a_config(
                f"approvals: {none}\ndeny_tasks: false\nself_review: false",
                defaults="approvals: {count: 3}\ndeny_tasks: true\nself_review: true",
            )
        )
    )

    own, other = (catalog.stacks[StackName(it)] for it in ("net-prod", "db-prod"))
    assert (own.approvals, own.deny_tasks, own.self_review) == (None, False, False)
    assert other.approvals == ApprovalRule(count=3)
    assert (other.deny_tasks, other.self_review) == (True, True)


def test_a_context_stands_over_defaults_and_below_the_stack(write: Write) -> None:
    contexts = (
        "contexts:\n  one: {approvals: {count: 1}}\n  two: {approvals: {count: 2}}"
    )

    stack = stack_of(
        write(
            a_config(
                "contexts: [one, two]",
                defaults='approvals: {count: 3, from: ["@a"]}',
                top=contexts,
            )
        )
    )

    assert stack.approvals == ApprovalRule(count=2)


PRESET = """
presets:
  restart:
    command: ./restart.sh "$PARAM_SERVICE"
    description: Restart a service
    parameters:
      service: {choice: [api, web], description: Which one}
      ticket: {pattern: "OPS-[0-9]+", default: OPS-0}
      count: {integer: {least: 1}, default: 3}
      any: {integer: {}}
    skip_init: true
    runners: ["#support"]
    approvals: {count: 2, from: ["@lead"]}
"""


def test_a_preset_arrives_whole(write: Write) -> None:
    stack = stack_of(write(a_config(PRESET)))

    assert stack.presets == {
        "restart": Preset(
            name="restart",
            command='./restart.sh "$PARAM_SERVICE"',
            description="Restart a service",
            parameters={
                "service": Parameter(
                    name="service",
                    kind=Choice(of=("api", "web")),
                    description="Which one",
                ),
                "ticket": Parameter(
                    name="ticket", kind=Pattern(pattern="OPS-[0-9]+"), default="OPS-0"
                ),
                "count": Parameter(name="count", kind=Integer(least=1), default="3"),
                "any": Parameter(name="any", kind=Integer()),
            },
            skip_init=True,
            runners=("#support",),
            approvals=ApprovalRule(count=2, from_=("@lead",)),
        )
    }


def test_a_preset_is_agreed_to_like_any_command_or_as_it_says_or_by_nobody(
    write: Write,
) -> None:
    presets = """
        presets:
          like-any: {command: a}
          own: {command: b, approvals: {count: 2}}
          free: {command: c, approvals: none}
        """

    stack = stack_of(write(a_config(presets)))

    assert {name: it.approvals for name, it in stack.presets.items()} == {
        "like-any": None,
        "own": ApprovalRule(count=2),
        "free": ApprovalRule(count=0),
    }


def test_a_preset_is_the_stacks_if_it_has_one_of_that_name(write: Write) -> None:
    catalog = load(
        write(
            a_config(
                "contexts: [eu]\npresets: {a: {command: own}}",
                defaults="presets: {a: {command: all}, b: {command: all}}",
                top="contexts: {eu: {presets: {b: {command: eu}, c: {command: eu}}}}",
            )
        )
    )

    own, other = (catalog.stacks[StackName(it)] for it in ("net-prod", "db-prod"))
    assert {at: it.command for at, it in own.presets.items()} == {
        "a": "own",
        "b": "eu",
        "c": "eu",
    }
    assert {at: it.command for at, it in other.presets.items()} == {
        "a": "all",
        "b": "all",
    }


@pytest.mark.parametrize("group", ["env", "secrets"])
def test_a_variable_that_a_parameter_takes_may_not_be_set_wherever_it_stands(
    told: Told, group: str
) -> None:
    value = "x" if group == "env" else "{env: X}"

    problems = told(
        a_config(
            "contexts: [eu]",
            defaults="presets: {go: {command: x, parameters: {zone: {integer: {}}}}}",
            top=f"contexts: {{eu: {{{group}: {{PARAM_ZONE: {value}}}}}}}",
        )
    )

    assert problems == [
        (
            "handrail.yaml:12:43: defaults.presets.go.parameters.zone: "
            f"contexts.eu.{group}.PARAM_ZONE is the variable of this parameter, too; "
            "rename one of them"
        )
    ]


def test_a_policy_that_is_no_file_is_told_with_its_whole_path(
    told: Told, tmp_path: Path
) -> None:
    (tmp_path / "policies").mkdir()

    (problem,) = told(a_config("policies: [./policies]"))

    assert problem.startswith(
        "handrail.yaml:9:16: stacks.net-prod.policies[0]: there is no file policies "
    )


def test_the_tests_of_a_policy_are_no_policy(told: Told, tmp_path: Path) -> None:
    (tmp_path / "deny_test.rego").touch()

    problems = told(a_config("policies: [deny_test.rego]"))

    assert problems == [
        (
            "handrail.yaml:9:16: stacks.net-prod.policies[0]: `deny_test.rego` holds "
            "the tests of a policy; name the policy itself"
        )
    ]


def test_a_label_that_no_stack_has_is_told_with_the_nearest(
    told: Told, tmp_path: Path
) -> None:
    (tmp_path / "p.rego").touch()

    problems = told(
        a_config(
            "labels: [prod]",
            top="policies:\n  - {file: p.rego, labels: [prd, prod]}\n"
            "  - {file: p.rego, labels: [xyz]}",
        )
    )

    assert problems == [
        (
            "handrail.yaml:12:29: policies[0].labels[0]: no stack has the label `prd`; "
            "did you mean `prod`?"
        ),
        (
            "handrail.yaml:13:29: policies[1].labels[0]: no stack has the label `xyz`; "
            "write it below labels of one"
        ),
    ]


@pytest.mark.parametrize(("length", "is_told"), [(9_990, False), (9_991, True)])
def test_a_preset_that_no_thread_can_show_with_its_call_is_told(
    write: Write, length: int, is_told: bool
) -> None:
    parameters = "{a: {choice: [xyz, z]}, b: {integer: {}}}"
    path = write(
        a_config(
            f"presets: {{p: {{command: {'x' * length}, parameters: {parameters}}}}}"
        )
    )

    problems = [str(it).removeprefix(f"{path}:") for it in check(path, {})]

    wanted = (
        "9:28: stacks.net-prod.presets.p.command: with its shortest call this has "
        "10,001 characters, and a thread shows 10,000 of them; put the command into a "
        "script in the stack's source and run that"
    )
    assert problems == ([wanted] if is_told else [])


@pytest.mark.parametrize(("own", "is_told"), [(49, False), (50, True)])
def test_more_presets_than_a_form_shows_are_told_wherever_they_stand(
    write: Write, own: int, is_told: bool
) -> None:
    def presets(first: int, last: int) -> str:
        return ", ".join(f"p{it}: {{command: x}}" for it in range(first, last))

    path = write(
        a_config(
            f"presets: {{{presets(0, own)}}}\ncontexts: [eu]",
            defaults=f"presets: {{{presets(40, 49)}}}",
            top=f"contexts: {{eu: {{presets: {{{presets(50, 100)}}}}}}}",
        )
    )

    problems = [str(it).removeprefix(f"{path}:") for it in check(path, {})]

    wanted = (
        "9:14: stacks.net-prod.presets: stacks.net-prod has 100 presets, those of its "
        "contexts and of defaults among them; the form shows 99, so keep at most so "
        "many"
    )
    assert problems == ([wanted] if is_told else [])


@pytest.mark.parametrize(
    ("key", "place"), [("contexts", "context"), ("stacks", "stack")]
)
def test_a_policy_at_the_top_is_not_attached_by_the_names_of_others(
    told: Told, key: str, place: str
) -> None:
    policy = f"{{file: handrail.yaml, labels: [prod], {key}: [eu]}}"

    problems = told(a_config("labels: [prod]", top=f"policies: [{policy}]"))

    assert problems == [
        (
            f"handrail.yaml:11:50: policies[0].{key}: there is no key `{key}` here; "
            f"attach it by labels, or write `policies: [file]` inside the {place}"
        )
    ]
