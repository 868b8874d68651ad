"""What policies answer, in both syntaxes, and what becomes of other answers."""

import pytest

from bot.domain.policy import PolicyKind, Ruling
from tests.contract.policies.asking import Asked

V0 = """package spacelift

deny[why] { input.request.command == "rm"; why := "no rm" }
deny["not you"] { not input.session.admin }
sample { true }
"""
V1 = """package spacelift

deny contains why if { input.request.command == "rm"; why := "no rm" }
deny contains "not you" if not input.session.admin
sample := true
"""
V1_BY_IMPORT = V1.replace("\n\n", "\n\nimport rego.v1\n\n", 1)
V0_WITH_KEYWORDS = """package handrail # as the others

import future.keywords

deny contains why if { input.request.command == "rm"; why := "no rm" }
deny["not you"] { not input.session.admin }
sample = true
"""


@pytest.mark.parametrize("text", [V0, V1, V1_BY_IMPORT, V0_WITH_KEYWORDS])
async def test_both_syntaxes_say_the_same(asked: Asked, text: str) -> None:
    refused = await asked.ruling(text, request={"command": "rm"}, session={})
    granted = await asked.ruling(
        text, request={"command": "ls"}, session={"admin": True}
    )

    assert refused == Ruling(
        policy="policy.rego", deny=("no rm", "not you"), sample=True
    )
    assert granted == Ruling(policy="policy.rego", sample=True)


async def test_an_approval_policy_says_all_that_it_can(asked: Asked) -> None:
    text = """package spacelift
    approve if input.a
    reject if input.r
    approve_with_note contains "fine" if input.a
    reject_with_note contains "bad" if input.r
    undecided_with_note contains "ask @platform" if { not input.a; not input.r }
    """

    approved = await asked.ruling(text, a=True)
    rejected = await asked.ruling(text, r=True)
    undecided = await asked.ruling(text)

    name = "policy.rego"
    assert approved == Ruling(policy=name, approve=True, approve_notes=("fine",))
    assert rejected == Ruling(policy=name, reject=True, reject_notes=("bad",))
    assert undecided == Ruling(policy=name, undecided_notes=("ask @platform",))


async def test_a_note_may_be_a_single_string(asked: Asked) -> None:
    text = 'package spacelift\nreject_with_note = "no" { true }'

    ruling = await asked.ruling(text)

    assert ruling.reject_notes == ("no",)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('deny["x"] { input.x }', PolicyKind(denies=True)),
        ("default approve = false", PolicyKind(decides=True)),
        ("reject { input.x }", PolicyKind(decides=True)),
        ('undecided_with_note["x"] { true }', PolicyKind(decides=True)),
        (
            'deny["x"] { input.x }\napprove { true }',
            PolicyKind(denies=True, decides=True),
        ),
        # What is broken is asked whatever there is to ask, and then says no.
        ("deny[", PolicyKind(denies=True, decides=True)),
    ],
)
async def test_the_kind_of_a_policy_is_what_it_has_rules_for(
    asked: Asked, text: str, kind: PolicyKind
) -> None:
    policy = asked.written(f"package spacelift\n{text}\n")

    assert await asked.policies.kind(policy) == kind


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (
            "deny := input.given",
            "deny has to be a set of sentences; it is true or false.",
        ),
        (
            "deny contains input.given",
            "deny has to be a set of sentences; it has true or false.",
        ),
        (
            'deny[input.k] := "x"',
            "deny has to be",
        ),
        ("approve := [input.given]", "approve has to be true or false; it is a set"),
        ('approve := concat("", ["yes"])', "approve has to be true or false; it is"),
        (
            "reject_with_note := {1 | true}",
            "reject_with_note has to be a set of sentences; it has a number.",
        ),
        (
            "deny contains 1 if false\nsample := count([])",
            "sample has to be true or false; it is a number.",
        ),
    ],
)
async def test_a_rule_of_the_wrong_type_is_a_no(
    asked: Asked, rule: str, why: str
) -> None:
    ruling = await asked.ruling(f"package spacelift\n{rule}\n", given=True, k="k")

    assert why in ruling.failed
    assert ruling.failed.startswith("Policy policy.rego could not be evaluated")
    assert ruling.rejects
    assert not ruling.approves


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("1 / input.zero > 0", "(row 4): div: divide by zero."),
        ('to_number("x") > 0', "(row 4): "),
        ("regex.match(input.pattern, input.pattern)", "(row 4): "),
    ],
)
async def test_an_error_of_a_built_in_function_is_a_no(
    asked: Asked, body: str, why: str
) -> None:
    text = f'package spacelift\n\ndeny contains "x" if {{\n\t{body}\n}}\n'

    ruling = await asked.ruling(text, zero=0, pattern="(")

    assert why in ruling.failed


async def test_two_values_of_one_rule_are_a_no(asked: Asked) -> None:
    text = "package spacelift\napprove := true if input.a\napprove := false if input.b"

    ruling = await asked.ruling(text, a=1, b=1)

    assert "must not produce multiple outputs" in ruling.failed


async def test_what_is_said_is_cut_and_not_lost(asked: Asked) -> None:
    text = """package spacelift
    deny contains sprintf("%d", [i]) if some i in numbers.range(1001, 1060)
    reject_with_note contains concat("", ["x" | some i in numbers.range(1, 2000)])
    reject_with_note contains " "
    """

    ruling = await asked.ruling(text)

    assert ruling.deny[:2] == ("1001", "1002")
    assert ruling.deny[50:] == ("… and 10 more.",)
    assert ruling.reject_notes == ("No reason is given.", f"{'x' * 999}…")


async def test_policies_with_the_same_package_do_not_meet(asked: Asked) -> None:
    ann = asked.written('package spacelift\ndeny["ann"] { true }', "ann.rego")
    bob = asked.written('package spacelift\ndeny["bob"] { true }', "bob.rego")
    _ = await asked.policies.rule(ann, {})

    ruling = await asked.policies.rule(bob, {})

    assert ruling.deny == ("bob",)
    assert (await asked.policies.rule(ann, {})).deny == ("ann",)


async def test_a_policy_that_names_its_own_package_finds_it(asked: Asked) -> None:
    text = """package spacelift

import data.spacelift.team as mine
import data.spacelift as own

team := "sre"
deny contains "by name" if data.spacelift.team == "sre"
deny contains "in brackets" if data["spacelift"].team == "sre"
deny contains "by alias" if { mine == "sre"; own.team == "sre" }
deny contains "data.spacelift in a text" if `data.spacelift` == "data.spacelift"
"""

    ruling = await asked.ruling(text)

    assert ruling.deny == (
        "by alias",
        "by name",
        "data.spacelift in a text",
        "in brackets",
    )


async def test_a_changed_file_counts_at_once(asked: Asked) -> None:
    before = await asked.ruling('package spacelift\ndeny["before"] { true }')

    after = await asked.ruling('package spacelift\ndeny["after"] { true }')

    assert (before.deny, after.deny) == (("before",), ("after",))


async def test_a_file_that_is_away_is_a_no(asked: Asked) -> None:
    policy = asked.written("")
    policy.path.unlink()

    ruling = await asked.policies.rule(policy, {})

    assert "cannot be read: No such file or directory." in ruling.failed
