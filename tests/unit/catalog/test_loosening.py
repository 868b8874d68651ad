"""What `handrail check` says about the limits of stacks."""

import json
from pathlib import Path

import pytest

from bot import check
from bot.catalog.load import load, read
from bot.catalog.loosening import loosened
from tests.unit.catalog.conftest import Write, a_config


def told(write: Write, stack: str, *, defaults: str = "") -> list[str]:
    return loosened(*read(write(a_config(stack, defaults=defaults))))


def test_a_stack_as_it_is_by_itself_loosens_nothing(write: Write) -> None:
    assert told(write, "init: terraform init") == []


def test_what_is_as_tight_as_by_itself_or_tighter_is_not_told(write: Write) -> None:
    stack = """
        limits: {memory: 1g, cpus: 0.5, pids: 64, run_timeout: 70m, output: 50m,
          silence_timeout: 5m}
        network: none
        mask_state: none
        strict_masking: true
        files: {x: {file: ./x, secret: false}}
        """

    assert told(write, stack) == []


def test_everything_that_a_stack_loosens_stands_in_one_sentence(write: Write) -> None:
    stack = """
        init: terraform init
        limits: {memory: 1.5g, cpus: 2.5, pids: 257, run_timeout: 90m, output: 2g}
        network: db-net
        mask_shapes: false
        mask_state: none
        """

    assert told(write, stack) == [
        (
            "stack net-prod loosens: memory 1536m (default 1g), cpus 2.5 (default 1), "
            "pids 257 (default 256), run_timeout 90m (default 70m), output 2g (default "
            "50m), network db-net (default bridge), mask_shapes false (default true), "
            "mask_state none (its init makes a state)"
        )
    ]


UNKNOWN = (
    "stack net-prod loosens: the state is not read (its init is none that Handrail "
    "knows; write mask_state)"
)


@pytest.mark.parametrize(
    "init",
    [
        "sudo terraform init",
        "exec tofu init",
        "timeout 60 terraform init",
        "bash -c 'terraform init'",
        "sh <<EOF\nterraform init\nEOF",
        "terraform $INIT",
        "sudo /opt/terraform init",
        "sudo terraform-1.11 init",
    ],
)
def test_an_init_with_terraform_that_tells_no_state_is_told(
    write: Write, init: str
) -> None:
    written = f"init: {json.dumps(init)}"

    assert told(write, written) == [UNKNOWN]
    assert told(write, f"{written}\nmask_state: none") == []
    assert told(write, written, defaults="mask_state: none") == []
    assert told(write, f"{written}\nmask_state: tofu") == []


@pytest.mark.parametrize(
    "init",
    [
        "",
        "./init.sh",
        "# terraform init",
        "rm -rf .terraform",
        "terraform-docs .",
        "echo mytofu",
        "cat terraform.rc",
    ],
)
def test_an_init_without_terraform_is_not_told(write: Write, init: str) -> None:
    assert told(write, f"init: {json.dumps(init)}") == []


def test_what_defaults_loosen_is_told_of_every_stack_that_keeps_it(
    write: Write,
) -> None:
    defaults = "limits: {run_timeout: 1d, pids: 512}"

    assert told(write, "limits: {run_timeout: 3601s}", defaults=defaults) == [
        "stack db-prod loosens: pids 512 (default 256), run_timeout 24h (default 70m)",
        "stack net-prod loosens: pids 512 (default 256)",
    ]


def test_it_is_told_of_the_configuration_that_the_environment_names(
    write: Write,
) -> None:
    path = write(a_config("limits: {pids: 512}"))

    told = check.cautions({"HANDRAIL_CONFIG": str(path)})

    assert told == ["stack net-prod loosens: pids 512 (default 256)"]


def test_nothing_is_told_of_a_configuration_that_cannot_be_used(
    tmp_path: Path,
) -> None:
    assert check.cautions({"HANDRAIL_CONFIG": str(tmp_path / "none")}) == []


def test_a_stack_with_a_role_needs_the_package_that_assumes_it(write: Write) -> None:
    role = 'aws: {role_arn: "arn:aws:iam::111111111111:role/handrail"}'
    catalog = load(write(a_config(role)))

    assert check.without_package(catalog) == []
    assert check.without_package(catalog, "no_such_package") == [
        (
            "stack net-prod has `aws`, for which a package is missing. Install "
            "Handrail with the extra `aws`: pip install 'handrail[aws]'."
        )
    ]


APPROVALS = """
    deny_tasks: true
    approvals: {count: 2, from: ["@platform", U0EVE], except: [terraform plan]}
    """


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        ("approvals: none", "approvals none (2 in its contexts or defaults)"),
        (
            "approvals: {count: 1, from: [U0EVE]}",
            "approvals count 1 (2 in its contexts or defaults)",
        ),
        (
            'approvals: {count: 2, from: ["@ops", U0EVE]}',
            "approvals from @ops, U0EVE (@platform, U0EVE in its contexts or defaults)",
        ),
        (
            "approvals: {count: 3}",
            "approvals from its writers (@platform, U0EVE in its contexts or defaults)",
        ),
        (
            'approvals: {count: 3, from: [U0EVE, "@platform"], except: [a, b]}',
            "approvals except 2 more than in its contexts or defaults",
        ),
        ("deny_tasks: false", "deny_tasks false (true in its contexts or defaults)"),
        ("self_review: true", "self_review true (default false)"),
        (
            "presets: {go: {command: x, approvals: none}}",
            "preset go approvals none (2 in the stack)",
        ),
        (
            "presets: {go: {command: x, approvals: {count: 1}}}",
            "preset go approvals count 1 (2 in the stack)",
        ),
    ],
)
def test_who_asks_fewer_people_than_it_would_is_told_so(
    write: Write, stack: str, said: str
) -> None:
    assert told(write, stack, defaults=APPROVALS) == [f"stack net-prod loosens: {said}"]


@pytest.mark.parametrize(
    "stack",
    [
        "approvals: {count: 3, from: [U0EVE, U0ANN, U0BOB]}",
        "approvals: {count: 1}",
        "deny_tasks: true",
        "self_review: false",
        "presets: {go: {command: x, approvals: none}}",
    ],
)
def test_who_asks_more_people_or_was_asked_for_nobody_is_not_told(
    write: Write, stack: str
) -> None:
    assert told(write, stack, defaults="approvals: none") == []


def test_asking_more_people_than_the_defaults_do_loosens_nothing(write: Write) -> None:
    own = 'approvals: {count: 4, from: ["@platform"]}'

    assert told(write, own, defaults=APPROVALS) == []
