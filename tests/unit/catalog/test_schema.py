"""The published JSON Schema says what `load` says."""

from collections.abc import Iterator

import pytest
import yaml
from jsonschema import Draft202012Validator

from bot.catalog import schema
from tests.unit.catalog.conftest import a_config
from tests.unit.catalog.test_load import DESIGN
from tests.unit.catalog.test_problems import BAD_LINES, BAD_TOPS

#: What a schema cannot know: other keys, other files, what YAML has already read.
BEYOND = (
    "there is no context",
    "there is no directory",
    "there is no file",
    "RE2 cannot read",
    "cannot agree where",
    "cannot be '",
    "no number is that",
    "this key stands twice",
    "nothing is written here",
    "so little memory",
    "so little output",
    "no session of AWS",
    "too short for anybody",
    "Slack delivers again",
    "a token that nobody signs",
    "longer than nothing",
    "first text has to be a program",
    "cannot be read; write it in quotes",
    "as a date",
    "YAML reads the key",
)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(schema.schema())
    return Draft202012Validator(schema.schema())


def test_the_file_is_what_the_models_say() -> None:
    assert schema.FILE.read_text("utf-8") == schema.text(), (
        "run `python -m bot.catalog.schema`"
    )


def test_the_example_of_the_design_is_valid(validator: Draft202012Validator) -> None:
    validator.validate(yaml.safe_load(DESIGN))


@pytest.mark.parametrize(
    "line",
    [
        line
        for line, said in zip(BAD_LINES[::2], BAD_LINES[1::2], strict=True)
        if not any(sentence in said for sentence in BEYOND)
    ],
)
def test_what_load_refuses_in_a_stack_is_not_valid(
    validator: Draft202012Validator, line: str
) -> None:
    config = yaml.safe_load(a_config(line))

    assert not validator.is_valid(config)


@pytest.mark.parametrize(
    "line",
    [
        line
        for line, said in zip(BAD_TOPS[::2], BAD_TOPS[1::2], strict=True)
        if not any(sentence in said for sentence in BEYOND)
    ],
)
def test_what_load_refuses_at_the_top_is_not_valid(
    validator: Draft202012Validator, line: str
) -> None:
    assert not validator.is_valid(yaml.safe_load(a_config(top=line)))


def test_every_key_is_described() -> None:
    undescribed = [
        name for name, key in keys(schema.schema()) if "description" not in key
    ]

    assert undescribed == []


def keys(described: object) -> Iterator[tuple[str, dict[str, object]]]:
    if isinstance(described, list):
        for item in described:
            yield from keys(item)
    if isinstance(described, dict):
        properties = described.get("properties", {})
        yield from ((name, key) for name, key in properties.items() if key)
        for value in described.values():
            yield from keys(value)
