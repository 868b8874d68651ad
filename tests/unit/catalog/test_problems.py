"""What people are told about a `handrail.yaml` that cannot be used."""

from pathlib import Path

import pytest

from bot.catalog.load import load
from bot.catalog.problem import ConfigProblems, Problem
from tests.unit.catalog.conftest import Told, Write, a_config


def test_every_problem_is_told_at_once_in_the_order_of_the_file(told: Told) -> None:
    problems = told(
        """\
        version: 1
        workspace: acme
        slots: many
        defaults:
          imgae: busybox
        stacks:
          Net!:
            writers: []
          db:
            image: 1.10
        """
    )

    assert problems == [
        (
            "handrail.yaml:2:12: workspace: `acme` is not the id of a Slack "
            "workspace; write it as in T0123ABCD (it stands in the address of "
            "Slack in a browser)"
        ),
        (
            "handrail.yaml:3:8: slots: `many` is not a whole number; write one "
            "without quotes"
        ),
        (
            "handrail.yaml:5:3: defaults.imgae: there is no key `imgae` here; did "
            "you mean `image`?"
        ),
        (
            "handrail.yaml:7:3: stacks.Net!: `Net!` is not a name for a stack; "
            "write up to 63 lower-case letters, digits, dots, dashes and "
            "underscores, a letter or digit first"
        ),
        (
            "handrail.yaml:8:5: stacks.Net!.image: is missing; write the "
            "container image, as in `image: hashicorp/terraform:1.11`, here or in "
            "defaults"
        ),
        (
            "handrail.yaml:8:14: stacks.Net!.writers: `writers` is empty; write "
            "at least one"
        ),
        (
            "handrail.yaml:10:5: stacks.db.writers: is missing, so nobody could "
            'use the stack; write who may, as in `writers: [U0ANN, "@platform"]`, '
            "here or in defaults"
        ),
        (
            "handrail.yaml:10:12: stacks.db.image: YAML reads `1.10` as a number; "
            'write "1.10" in quotes'
        ),
    ]


#: Pairs of lines: what somebody wrote into a stack, and what they are told.
BAD_LINES = Path(__file__).with_name("bad_lines.txt").read_text("utf-8").splitlines()
#: The same at the top of the file.
BAD_TOPS = Path(__file__).with_name("bad_tops.txt").read_text("utf-8").splitlines()

DIGEST = f"@sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("line", "said"), list(zip(BAD_LINES[::2], BAD_LINES[1::2], strict=True))
)
def test_a_bad_line_in_a_stack_is_told_with_what_to_write_instead(
    told: Told, line: str, said: str
) -> None:
    column, where_and_text = said.strip().split(": ", 1)

    problems = told(a_config(line))

    assert problems == [f"handrail.yaml:9:{column}: stacks.net-prod.{where_and_text}"]


@pytest.mark.parametrize(
    ("line", "said"), list(zip(BAD_TOPS[::2], BAD_TOPS[1::2], strict=True))
)
def test_a_bad_line_at_the_top_is_told_with_what_to_write_instead(
    told: Told, line: str, said: str
) -> None:
    assert told(a_config(top=line)) == [f"handrail.yaml:10:{said.strip()}"]


def test_what_is_not_built_is_refused_by_name_wherever_it_stands(told: Told) -> None:
    problems = told(a_config("vault: x", defaults="vault: x", top="vault: x"))

    assert len(problems) == 3
    assert all("`vault` is not built yet; remove it (" in it for it in problems)


def test_one_mistake_is_told_once_though_two_things_follow_from_it(told: Told) -> None:
    problems = told(
        """\
        version: 1
        workspace: T0123ABCD
        stacks:
          net-prod:
            imagge: busybox
            writers:
        """
    )

    assert problems == [
        (
            "handrail.yaml:5:5: stacks.net-prod.imagge: there is no key `imagge` "
            "here; did you mean `image`?"
        ),
        (
            "handrail.yaml:6:5: stacks.net-prod.writers: nothing is written here; "
            "write a value, or remove it"
        ),
    ]


def test_the_same_name_in_env_and_secrets_is_a_problem(told: Told) -> None:
    problems = told(a_config("env: {A: x}\nsecrets: {A: {env: X}}"))

    assert problems == [
        (
            "handrail.yaml:10:15: stacks.net-prod.secrets.A: stands in env, too; "
            "keep it in one of them"
        )
    ]


def test_the_nearest_context_is_suggested(told: Told) -> None:
    problems = told(a_config("contexts: [aws-prd]", top="contexts: {aws-prod: {}}"))

    assert problems == [
        (
            "handrail.yaml:9:16: stacks.net-prod.contexts[0]: there is no context "
            "`aws-prd`; did you mean `aws-prod`?"
        )
    ]


def test_a_context_carries_no_more_than_it_may(told: Told) -> None:
    problems = told(a_config(top="contexts:\n  some:\n    image: x"))

    assert problems == [
        (
            "handrail.yaml:12:5: contexts.some.image: there is no key `image` "
            "here; there are: env, secrets, files, hooks, aws, oidc, deploy, labels, "
            "policies, approvals, deny_tasks, self_review, presets"
        )
    ]


def test_an_image_that_breaks_the_policy_is_told_where_it_is_written(
    told: Told,
) -> None:
    problems = told(
        f"""\
        version: 1
        workspace: T0123ABCD
        image_policy: {{digest: true, registries: [ghcr.io/acme]}}
        defaults: {{image: busybox, writers: [U0ANN]}}
        stacks:
          first: {{}}
          second: {{}}
          good: {{image: "ghcr.io/acme/terraform:1.11{DIGEST}"}}
          own: {{image: "ghcr.io/acme/terraform:1.11"}}
        """
    )

    assert problems == [
        (
            "handrail.yaml:4:19: defaults.image: `busybox` has no digest, which "
            "image_policy demands; write @sha256: and its 64 hex digits behind it"
        ),
        (
            "handrail.yaml:4:19: defaults.image: `busybox` is docker.io/library/"
            "busybox, below no registry of image_policy (ghcr.io/acme); take it from "
            "there, or add its registry"
        ),
        (
            "handrail.yaml:9:16: stacks.own.image: `ghcr.io/acme/terraform:1.11` has "
            "no digest, which image_policy demands; write @sha256: and its 64 hex "
            "digits behind it"
        ),
    ]


def test_an_image_of_defaults_that_no_stack_uses_may_break_the_policy(
    write: Write,
) -> None:
    top = "image_policy: {registries: [docker.io/library]}"

    catalog = load(write(a_config(defaults="image: ghcr.io/acme/x", top=top)))

    assert set(catalog.stacks) == {"db-prod", "net-prod"}


@pytest.mark.parametrize(
    "image",
    ["ghcr.io/acme/../evil", "ghcr.io/./x:1", "ghcr.io/acme/..:v1", f"a/..{DIGEST}"],
)
def test_an_image_has_no_dots_that_lead_elsewhere(told: Told, image: str) -> None:
    (problem,) = told(a_config(defaults=f"image: {image}"))

    assert "defaults.image: `" in problem
    assert "is not the name of an image; write it as in hashicorp/" in problem


def test_a_digest_that_is_cut_short_is_no_name_of_an_image(told: Told) -> None:
    (problem,) = told(a_config(defaults="image: busybox@sha256:abc"))

    assert problem == (
        "handrail.yaml:11:10: defaults.image: `busybox@sha256:abc` is not the name of "
        "an image; write it as in hashicorp/terraform:1.11, a digest as @sha256: and "
        "its 64 hex digits"
    )


@pytest.mark.parametrize("group", ["env", "secrets"])
@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
)
def test_a_stored_key_beside_a_role_is_a_problem_wherever_either_stands(
    told: Told, group: str, name: str
) -> None:
    value = "x" if group == "env" else "{env: X}"
    role = 'aws: {role_arn: "arn:aws:iam::111111111111:role/handrail"}'

    problems = told(
        a_config(
            "contexts: [some]",
            defaults=f"{group}: {{{name}: {value}}}",
            top=f"contexts:\n  some: {{{role}}}\n  other: {{}}",
        )
    )

    assert problems == [
        (
            f"handrail.yaml:12:{len(group) + 6}: defaults.{group}.{name}: "
            "contexts.some.aws makes this for each run, too; keep one of them"
        )
    ]


def test_of_two_contexts_with_a_role_the_one_that_wins_is_named(told: Told) -> None:
    role = 'aws: {role_arn: "arn:aws:iam::111111111111:role/handrail"}'

    (problem,) = told(
        a_config(
            "contexts: [early, late]\nenv: {AWS_SESSION_TOKEN: x}",
            top=f"contexts:\n  early: {{{role}}}\n  late: {{{role}}}",
        )
    )

    assert problem.startswith(
        "handrail.yaml:10:11: stacks.net-prod.env.AWS_SESSION_TOKEN: contexts.late.aws "
    )


def test_stacks_that_ask_for_a_token_need_an_issuer_wherever_they_ask(
    told: Told,
) -> None:
    top = """
        contexts:
          some: {oidc: {audience: a}}
          unused: {oidc: {audience: a}}
        """

    problems = told(a_config("contexts: [some]", top=top))

    assert problems == [
        (
            "handrail.yaml:12:10: contexts.some.oidc: asks for a token that nobody "
            "signs; write `oidc: {issuer: https://handrail.example.com}` at the top of "
            "the file, or remove this"
        )
    ]


#: A text and what is said about it.
BROKEN = [
    ("", "handrail.yaml: the file is empty; begin it with `version: 1`"),
    ("a: @x", "handrail.yaml:1:4: a text that begins with @ has to be in quotes"),
    (
        "a:\n\tb: 1",
        ("handrail.yaml:2:1: there is a tab here; YAML is indented with spaces"),
    ),
    (
        "a: b: c",
        (
            "handrail.yaml:1:5: a text that contains a colon and a space has to "
            "be in quotes; otherwise indent this line like its neighbours"
        ),
    ),
    (
        "a: [#x]\nb: 1",
        (
            "handrail.yaml:2:5: a bracket or a quote is not closed; a text with # "
            "in it has to be in quotes"
        ),
    ),
    (
        "a: 'x",
        (
            "handrail.yaml:1:6: a bracket or a quote is not closed; a text with # "
            "in it has to be in quotes"
        ),
    ),
    (
        "a: 1\n---\nb: 1",
        (
            "handrail.yaml:2:1: the file goes on after its end; write one "
            "document, its keys at the left edge"
        ),
    ),
    (
        "a: *x",
        (
            "handrail.yaml:1:4: this alias has no anchor before it; define it "
            "with & first"
        ),
    ),
    (
        "a: 1\nb: \x07",
        ("handrail.yaml:2:4: there is a control character here; remove it"),
    ),
    ("[" * 5000, "handrail.yaml: this is nested too deeply to be read; nest it less"),
    ("- a", "handrail.yaml:1:1: this is a list; write keys and values below it"),
    (
        "a: &",
        (
            "handrail.yaml:1:5: this is not YAML (while scanning an anchor "
            "expected alphabetic or numeric character, but found '\\x00'); look at "
            "the indentation and the quotes here"
        ),
    ),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_what_is_not_yaml_is_told_in_plain_words(
    told: Told, text: str, said: str
) -> None:
    assert told(text) == [said]


def test_missing_keys_are_told_where_they_belong(told: Told) -> None:
    assert told("admins: []") == [
        (
            "handrail.yaml:1:1: stacks: is missing; write `stacks:` and below it "
            "at least one stack"
        ),
        "handrail.yaml:1:1: version: is missing; write `version: 1`",
        (
            "handrail.yaml:1:1: workspace: is missing; write the id of your Slack "
            "workspace, as in `workspace: T0123ABCD`"
        ),
    ]


def test_a_file_without_any_stack_is_no_configuration(told: Told) -> None:
    assert told("version: 2\nworkspace: T01A\nstacks: {}\nadmins: [bob]") == [
        "handrail.yaml:1:10: version: `2` cannot stand here; write 1",
        "handrail.yaml:3:9: stacks: `stacks` is empty; write at least one",
        (
            "handrail.yaml:4:10: admins[0]: `bob` is not the id of a person; "
            "write it as in U0ADMIN (in Slack: profile, then Copy member ID)"
        ),
    ]


@pytest.mark.parametrize("text", ["&a [*a]", "&a {b: *a}", "a: &a {<<: *a}"])
def test_an_alias_of_what_it_stands_in_is_refused(told: Told, text: str) -> None:
    assert told(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("? [a]\n: b\n", "1:1: a key has to be a text, not a list or a mapping"),
        ("<<: 3\n", "1:1: what `<<` merges has to be a mapping, or a list of them"),
        (
            "admins: !!set {U0ANN}\n",
            (
                "1:9: admins: the tag tag:yaml.org,2002:set means nothing here; "
                "remove it"
            ),
        ),
    ],
)
def test_what_yaml_allows_and_the_file_does_not_is_refused(
    told: Told, text: str, said: str
) -> None:
    assert f"handrail.yaml:{said}" in told(text)


def test_no_file_and_unreadable_ones_are_told(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")

    assert {name: refusal(tmp_path / name) for name in ("none", "latin.yaml", "")} == {
        "none": "there is no such file; write it, or name another in HANDRAIL_CONFIG",
        "latin.yaml": "is not UTF-8; save it as UTF-8",
        "": "cannot be read: Is a directory",
    }


def refusal(path: Path) -> str:
    with pytest.raises(ConfigProblems) as refused:
        load(path)
    (problem,) = refused.value.problems
    return problem.text


def test_a_misplaced_secret_is_not_repeated(write: Write) -> None:
    path = write(
        a_config("secrets: {A: hunter22, B: {env: hunter22!}, C: {command: hunter22}}")
    )

    with pytest.raises(ConfigProblems) as refused:
        load(path)

    assert len(refused.value.problems) == 3
    assert "hunter22" not in str(refused.value)


def test_a_problem_reads_as_editors_and_people_read_it() -> None:
    problem = Problem(
        file="handrail.yaml", line=12, column=5, where="stacks.a", text="is wrong"
    )

    assert str(problem) == "handrail.yaml:12:5: stacks.a: is wrong"
    assert str(Problem(file="x", text="is not there")) == "x: is not there"
