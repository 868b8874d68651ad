"""A pattern that lets anything follow is told, with its file and line."""

from pathlib import Path

import pytest

from bot import check
from bot.catalog.cautions import cautions
from tests.unit.catalog.conftest import Write, a_config


def told(write: Write, policy: str) -> list[str]:
    path = write(a_config("policies: [p.rego]"))
    (path.parent / "p.rego").write_text(policy, encoding="utf-8")
    return cautions(path)


def approving(condition: str) -> str:
    """Return a policy that approves in line 3 under *condition*."""
    return f"package handrail\n\napprove {{ {condition} }}\n"


def lines(write: Write, policy: str) -> list[int]:
    return [int(it.split(":")[1]) for it in told(write, policy)]


V0 = """package spacelift

# regex.match("^in a comment", input.request.command)
deny["no"] {
  not re_match("^terraform state list", input.request.command)
}
"""
V1 = """package handrail

import rego.v1

approve if regex.match(`^terraform (plan|validate)`, input.run.command)
"""


def test_it_is_told_what_such_a_pattern_lets_through_in_either_syntax(
    write: Write,
) -> None:
    assert told(write, V0) == [
        (
            'p.rego:5: the pattern "^terraform state list" matches how a command '
            "begins, so that `; rm -rf /` may follow; write all of the command in it, "
            "up to $"
        )
    ]
    assert told(write, V1) == [
        (
            "p.rego:5: the pattern `^terraform (plan|validate)` matches how a command "
            "begins, so that `; rm -rf /` may follow; write all of the command in it, "
            "up to $"
        )
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        '"^terraform plan"',
        '"^terraform plan .*$"',
        '"^terraform plan.+$"',
        '"^terraform plan( .*)?$"',
        '"^terraform plan.*?$"',
        '"^terraform plan\\\\$"',
        '"(?i)^terraform plan"',
        "`^terraform plan`",
        r"`^terraform plan\$`",
        r'"^say \"hello"',
        r"`\Aterraform plan`",
        "`(^terraform plan)`",
        "`(^terraform plan$)?`",
        "`^terraform plan|^terraform show$`",
        "`^(terraform plan$|terraform show)`",
        "`terraform state list`",
        "`terraform state list$`",
        "``",
        "`(?m)^terraform plan$`",
        "`(?im)^terraform plan$`",
        "`(?s)^terraform plan.*$`",
        r"`^terraform plan[\s\S]*$`",
        "`^terraform plan [^;]+$`",
        "`^terraform plan( .)*$`",
        "`^terraform plan .{9}$`",
        "`^terraform plan .* -lock=false$`",
        r"`^terraform plan \S+$`",
    ],
)
def test_a_pattern_is_open_if_an_end_or_a_part_of_it_takes_in_anything(
    write: Write, pattern: str
) -> None:
    policy = approving(f"regex.match({pattern}, input.run.command)")

    assert lines(write, policy) == [3]


@pytest.mark.parametrize(
    "pattern",
    [
        '"^terraform plan$"',
        r"`^terraform plan\z`",
        '"^terraform (plan|show)$"',
        r'"^terraform show [a-z.\\$]+$"',
        '"^a\\\\\\\\$"',
        "`^(terraform plan|terraform show)$`",
        "`^terraform plan$|^terraform show$`",
        "`((^terraform plan)$)`",
        "`^terraform state list( [a-z.]+)?$`",
        r"`(?m)\Aterraform plan\z`",
        r"`^terraform plan \Q.*\E$`",
        r"`^terraform show [^\]a]$`",
        "`^terraform show '[^']*'$`",
        "`^terraform plan .?$`",
        "`terraform [plan`",
    ],
)
def test_a_pattern_that_holds_a_whole_command_is_not_told(
    write: Write, pattern: str
) -> None:
    policy = approving(f"regex.match({pattern}, input.run.command)")

    assert told(write, policy) == []


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (
            "terraform plan$",
            (
                "matches within a command, so that `rm -rf /;` may come before it; "
                "write all of the command in it, from ^ to $"
            ),
        ),
        (
            "^a|^b$",
            (
                "matches how a command begins, so that `; rm -rf /` may follow; write "
                "all of the command in it, up to $; put alternatives in parentheses, "
                "as in ^(a|b)$"
            ),
        ),
        (
            "(?m)^terraform plan$",
            (
                "has the flag m, by which ^ and $ hold to one line, so that others may "
                "follow; leave that out"
            ),
        ),
        (
            "^terraform plan.*$",
            (
                "takes in anything at `.*`, `; rm -rf /` too; write which characters "
                "may stand there"
            ),
        ),
    ],
)
def test_it_is_told_where_a_pattern_is_open(
    write: Write, pattern: str, wrong: str
) -> None:
    policy = approving(f"regex.match(`{pattern}`, input.run.command)")

    assert told(write, policy) == [f"p.rego:3: the pattern `{pattern}` {wrong}"]


@pytest.mark.parametrize(
    ("condition", "beginning"),
    [
        ('startswith(input.run.command, "terraform plan")', "startswith matches how a"),
        ('endswith(input.run.command, "plan")', "endswith matches a part of a"),
        ('contains(input.run.command, "plan")', "contains matches a part of a"),
        (
            'strings.any_prefix_match(input.run.command, ["terraform plan"])',
            "strings.any_prefix_match matches how a",
        ),
        (
            'glob.match("terraform plan*", [], input.run.command)',
            'the glob "terraform plan*" takes in anything at its *',
        ),
        ('startswith(trim_space(input.run["command"]), "terraform")', "startswith"),
        ('c := input.run.command; startswith(c, "terraform plan")', "startswith"),
    ],
)
def test_what_compares_a_part_of_a_command_is_told(
    write: Write, condition: str, beginning: str
) -> None:
    (sentence,) = told(write, approving(condition))

    assert sentence.startswith(f"p.rego:3: {beginning}")


@pytest.mark.parametrize(
    "condition",
    [
        'startswith(input.session.login, "U0")',
        'label := input.stack.labels[_]; startswith(label, "team:")',
        'some label in input.stack.labels; startswith(label, "team:")',
        'regex.match("prod", input.stack.name)',
        'regex.match("^[a-z]+$", split(input.run.command, " ")[0])',
        'c := input.run.command; w := split(c, " "); startswith(w[0], "a")',
        'glob.match("terraform plan", [], input.run.command)',
        r'glob.match("terraform \\*", [], input.run.command)',
        'input.run.command == "startswith(input.run.command)"',
        "startswith(input.run.command)",
        "startswith(input.run.command",
    ],
)
def test_what_compares_no_command_or_a_whole_one_is_not_told(
    write: Write, condition: str
) -> None:
    assert told(write, approving(condition)) == []


def test_what_a_whole_pattern_holds_may_be_compared_by_its_beginning_too(
    write: Write,
) -> None:
    policy = """package handrail
approve {
  startswith(input.run.command, "terraform plan")
  regex.match(`^terraform plan( -[a-z]+)*$`, input.run.command)
}
approve { startswith(input.run.command, "terraform plan") }
deny["no"] {
  not startswith(input.request.command, "terraform plan")
  not regex.match(`^terraform show$`, input.request.command)
}
"""

    assert lines(write, policy) == [6, 8]


def test_a_rule_of_its_own_lets_through_what_the_rules_do_that_name_it(
    write: Write,
) -> None:
    policy = """package handrail
import rego.v1
deny contains "no" if destroys
destroys if startswith(input.request.command, "terraform destroy")
deny contains "no" if not looks
looks if startswith(input.request.command, "terraform plan")
looks if plans(input.request.command)
plans(c) if startswith(c, "terraform plan")
approve if not changes
changes if startswith(input.run.command, "terraform apply")
approve if quiet
quiet if not loud
loud if startswith(input.run.command, "terraform apply")
unnamed if startswith(input.run.command, "terraform apply")
undecided_with_note contains "look" if startswith(input.run.command, "terraform")
"""

    assert lines(write, policy) == [6, 8, 14]


def test_what_forbids_may_go_by_how_a_command_begins(write: Write) -> None:
    policy = """package handrail
deny["no"] {
  regex.match("^terraform destroy", input.request.command)
}
reject { regex.match("^terraform destroy", input.run.command) }
approve { not regex.match("^terraform destroy", input.run.command) }
"""

    assert told(write, policy) == []


def test_an_else_belongs_to_the_rule_before_it(write: Write) -> None:
    policy = """package handrail
reject {
  input.x
} else = false {
  regex.match("^terraform destroy", input.run.command)
}
else {
  regex.match("^terraform destroy", input.run.command)
}
"""

    assert told(write, policy) == []


def test_where_patterns_are_listed_each_of_them_is_judged(
    write: Write,
) -> None:
    policy = """package handrail
allowed := [
  "^terraform plan$",
  "^terraform show",
]
other := ["terraform"]
approve { regex.match(allowed[_], input.run.command) }
approve { regex.match("^terraform output", input.run.command) }
"""

    assert lines(write, policy) == [4, 8]


def test_what_a_function_is_given_may_be_any_text_that_looks_like_a_pattern(
    write: Write,
) -> None:
    policy = """package handrail
plain(pattern) { regex.match(pattern, input.run.command) }
approve { plain("^terraform plan$"); input.run.type == "TASK" }
approve { plain("^terraform show") }
"""

    assert lines(write, policy) == [4]


def test_a_text_that_is_no_pattern_is_not_told(write: Write) -> None:
    assert told(write, 'package handrail\nx := "^terraform show"\n') == []


def test_a_policy_of_several_stacks_is_told_once(write: Write) -> None:
    path = write(a_config(defaults="policies: [p.rego]"))
    (path.parent / "p.rego").write_text(V1)

    assert len(cautions(path)) == 1


def test_our_own_policies_have_no_such_pattern(write: Write) -> None:
    ours = Path(__file__).parents[2] / "policies"
    files = sorted(ours.glob("*/policy.rego"))

    path = write(a_config(f"policies: [{', '.join(map(str, files))}]"))

    assert len(files) >= 15
    assert cautions(path) == []


def test_check_tells_it_along_with_what_is_loosened(write: Write) -> None:
    path = write(a_config("policies: [p.rego]\nself_review: true"))
    (path.parent / "p.rego").write_text(V1)

    said = check.cautions({"HANDRAIL_CONFIG": str(path)})

    assert [it.split(": ")[0] for it in said] == [
        "stack net-prod loosens",
        "p.rego:5",
    ]


@pytest.mark.parametrize("sign", ["(", "[", "`[", "`(?P<"])
def test_a_policy_of_nothing_but_brackets_is_read_at_once(
    write: Write, sign: str
) -> None:
    policy = f'package handrail\napprove {{ regex.match("{sign * 20_000}`", c) }}\n'

    assert told(write, policy + sign * 20_000) == []
