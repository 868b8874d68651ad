"""What the README shows of `handrail.yaml` is understood."""

import re
from pathlib import Path
from textwrap import indent

import pytest

from bot.catalog.cautions import cautions
from bot.catalog.load import load
from bot.control.allow_list import matches
from tests.unit.catalog.conftest import Write

README = Path(__file__).parents[3].joinpath("README.md").read_text("utf-8")
CHAPTER = README.split("\n## handrail.yaml\n")[1].split("\n## ")[0]
WHOLE, OF_A_STACK, AT_THE_TOP = re.findall(r"```yaml\n(.*?)```", CHAPTER, re.DOTALL)


@pytest.fixture
def config(write: Write, tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    for name in ("keys", "prod"):
        (tmp_path / "policies" / f"{name}.rego").touch()
    return write(f"{WHOLE}{indent(OF_A_STACK, '    ')}{AT_THE_TOP}")


def test_the_examples_are_one_configuration_with_nothing_to_look_at_but_its_preset(
    config: Path,
) -> None:
    (stack,) = load(config).stacks.values()

    assert [it.name for it in stack.policies] == [
        "policies/prod.rego",
        "policies/keys.rego",
    ]
    assert cautions(config) == [
        "stack net-prod loosens: preset restart approvals none (2 in the stack)"
    ]


def test_the_allow_list_lets_through_what_it_says(config: Path) -> None:
    (stack,) = load(config).stacks.values()
    assert stack.approvals is not None

    allowed = [
        command
        for command in (
            "terraform plan",
            "terraform state show aws_instance.web",
            "terraform state list; rm -rf /",
            "terraform apply",
        )
        if any(matches(entry, command) for entry in stack.approvals.except_)
    ]

    assert allowed == ["terraform plan", "terraform state show aws_instance.web"]
    assert matches("terraform state list.*", "terraform state list -id=1")
    assert not matches("terraform state list.*", "terraform state list; rm -rf /")
