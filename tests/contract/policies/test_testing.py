"""The tests that policies bring along see the policy, and what they say themselves."""

from pathlib import Path

from bot.domain.policy import Policy
from tests.contract.policies.asking import Asked

POLICY = 'package spacelift\n\ndeny["no"] { input.command == "rm" }\n'


def beside(asked: Asked, text: str) -> Path:
    """Return a file of tests that has *text*."""
    path = asked.folder / "policy_test.rego"
    path.write_text(text)
    return path


def policy(asked: Asked) -> Policy:
    """Return the policy that is tested."""
    return asked.written(POLICY)


async def test_tests_find_the_policy_and_their_own_rules(asked: Asked) -> None:
    text = """package spacelift_test

import data.spacelift
import data.spacelift.deny

name := "deny"
test_by_name { data.spacelift.deny["no"] with input.command as "rm" }
test_by_import { deny["no"] with input.command as data.spacelift_test.command }
test_by_package { count(spacelift.deny) == 0 with input.command as "ls" }
test_by_a_computed_name { data.spacelift[name]["no"] with input.command as "rm" }
command := "rm"
"""

    results = await asked.policies.run_tests(policy(asked), [beside(asked, text)])

    assert [(it.name, it.passed) for it in results] == [
        ("test_by_name", True),
        ("test_by_import", True),
        ("test_by_package", True),
        ("test_by_a_computed_name", True),
    ]


async def test_tests_beside_the_policy_in_its_package_find_it(asked: Asked) -> None:
    text = 'package spacelift\n\ntest_it { deny["no"] with input.command as "rm" }\n'

    results = await asked.policies.run_tests(policy(asked), [beside(asked, text)])

    assert [it.passed for it in results] == [True]


async def test_tests_that_need_what_is_nowhere_do_not_pass_for_it(
    asked: Asked,
) -> None:
    text = "package spacelift_test\n\ntest_it { not data.lib.bad }\n"

    (result,) = await asked.policies.run_tests(policy(asked), [beside(asked, text)])

    assert (result.name, result.passed, result.row) == ("", False, 3)
    assert result.message.startswith("data.lib.bad is not there: one file is one")
