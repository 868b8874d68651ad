"""What the lock files promise to whoever installs from them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = PROJECT["dependencies"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK_FILES = ["requirements.txt", "tests/requirements.txt"]


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def pinned(lock_file: str) -> dict[str, Requirement]:
    lines = (ROOT / lock_file).read_text().splitlines()
    starts = [line.removesuffix("\\") for line in lines if re.match(r"\w", line)]
    return {canonicalize_name(r.name): r for r in map(Requirement, starts)}


@pytest.mark.parametrize("lock_file", LOCK_FILES)
def test_a_lock_file_names_no_address_and_no_folder(lock_file: str) -> None:
    text = (ROOT / lock_file).read_text()

    assert "://" not in text
    assert "file:" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE)


@pytest.mark.parametrize("lock_file", LOCK_FILES)
def test_every_package_of_a_lock_file_has_a_version_and_a_hash(lock_file: str) -> None:
    entries = re.split(r"\n(?=\w)", (ROOT / lock_file).read_text())[1:]

    assert len(entries) > len(CORE)
    assert all(re.match(r"[\w.-]+==\S+ ", entry) for entry in entries)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_what_the_bot_needs_is_pinned_in_a_version_that_it_allows() -> None:
    locked = pinned("requirements.txt")

    for requirement in map(Requirement, CORE):
        (pin,) = locked[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(pin.version), requirement


def test_what_the_tests_need_is_pinned_too() -> None:
    needed = names(CORE + EXTRAS["test"] + EXTRAS["demo"]) - {"handrail"}

    assert needed <= set(pinned("tests/requirements.txt"))


def test_the_tests_run_with_the_versions_that_the_bot_is_given() -> None:
    tested = pinned("tests/requirements.txt")

    for name, requirement in pinned("requirements.txt").items():
        assert tested[name].specifier == requirement.specifier
