"""`handrail --version`."""

import tomllib
from pathlib import Path

from typer.testing import CliRunner

from bot.cli.commands import app

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_the_version_is_that_of_the_package() -> None:
    version = tomllib.loads(PROJECT.read_text())["project"]["version"]

    done = CliRunner().invoke(app, ["--version"])

    assert (done.exit_code, done.stdout) == (0, f"handrail {version}\n")


def test_help_says_what_handrail_is_and_names_the_option() -> None:
    done = CliRunner().invoke(app, [])

    assert "Run any command against your infrastructure from Slack." in done.stdout
    assert "--version" in done.stdout
