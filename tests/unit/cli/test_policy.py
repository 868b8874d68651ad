"""`handrail policy test` and `eval`: policies are tried before they decide."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bot.cli.commands import app
from bot.domain.policy import Ruling
from bot.store.approvals import SqlApprovals
from bot.store.database import Database
from tests.support.builders import NOON
from tests.support.opa import opa_binary

POLICIES = Path(__file__).parents[2] / "policies"
CONFIG = """\
version: 1
workspace: T0HOME
defaults:
  channel: C0INFRA
  image: alpine
  writers: ["@platform"]
stacks:
  net-prod:
    labels: [production]
    policies: [weekend.rego, four-eyes.rego]
    approvals: {count: 1, except: [terraform plan]}
    presets:
      restart:
        command: ./restart.sh
        parameters: {service: {choice: [api, web]}}
      say:
        command: ./say.sh
        parameters: {a: {pattern: "[^0]*"}, b: {pattern: ".*", default: ""}}
"""
WEEKDAY = ("--at", "2026-11-24T12:00")
SUNDAY = ("--at", "2026-11-22T12:00")
ANN = ("--stack", "net-prod", "--as", "U0ANN")
WRITER = (*ANN, "--role", "writer")


@dataclass(kw_only=True)
class Home:
    """A folder with a handrail.yaml and its policies."""

    folder: Path
    opa: str

    def policy(self, *arguments: str) -> Result:
        """Run `handrail policy …`."""
        settings = {
            "HANDRAIL_DATA_DIR": str(self.folder / "data"),
            "HANDRAIL_CONFIG": str(self.folder / "handrail.yaml"),
            "HANDRAIL_OPA": self.opa,
        }
        return CliRunner().invoke(app, ("policy", *arguments), env=settings)

    def change(self, name: str, old: str, new: str) -> None:
        """Edit a file."""
        path = self.folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def use(self, work: Callable[[Database], Awaitable[None]]) -> None:
        """Do something to the record."""

        async def used() -> None:
            (self.folder / "data").mkdir(exist_ok=True)
            url = f"sqlite+aiosqlite:///{self.folder}/data/handrail.db"
            async with Database.open(url) as database:
                await work(database)

        asyncio.run(used())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name in ("weekend", "four-eyes"):
        for kind in ("", "_test"):
            source = POLICIES / name / f"policy{kind}.rego"
            shutil.copy(source, tmp_path / f"{name}{kind}.rego")
    (tmp_path / "handrail.yaml").write_text(CONFIG)
    return Home(folder=tmp_path, opa=str(opa_binary()))


def test_the_tests_beside_the_attached_policies_are_run(home: Home) -> None:
    done = home.policy("test")

    assert done.stdout == (
        "weekend.rego: 7 of 7 tests passed.\nfour-eyes.rego: 7 of 7 tests passed.\n"
    )
    assert (done.exit_code, done.stderr) == (0, "")


def test_a_test_that_fails_is_named_with_its_place(home: Home) -> None:
    home.change("weekend.rego", "hour < 16", "hour < 15")

    done = home.policy("test")

    assert done.exit_code == 1
    place = f"{home.folder}/weekend_test.rego:"
    assert done.stderr.startswith(place)
    assert "test_it_begins_on_friday_at_four_there" in done.stderr
    assert "weekend.rego: 5 of 7 tests passed." in done.stdout


def test_a_policy_that_does_not_compile_is_named_with_its_place(home: Home) -> None:
    home.change("weekend.rego", "not on_call\n", "not on_cal\n")

    done = home.policy("test")

    assert done.exit_code == 1
    assert done.stderr.startswith("weekend.rego:10:")
    assert "four-eyes.rego: 7 of 7 tests passed." in done.stdout


def test_a_policy_without_tests_is_said_to_have_none(home: Home) -> None:
    (home.folder / "weekend_test.rego").unlink()

    done = home.policy("test")

    assert done.exit_code == 0
    assert (
        "weekend.rego: no tests; put them into weekend_test.rego. Nothing was sampled "
        "yet.\n"
    ) in done.stdout


def test_any_policy_may_be_tested_by_its_file(home: Home) -> None:
    folder = POLICIES / "deny-all"
    done = home.policy("test", *map(str, sorted(folder.glob("*.rego"))))

    assert done.stdout == f"{folder}/policy.rego: 3 of 3 tests passed.\n"


def asked(reviewer: str) -> dict[str, object]:
    """Return what four-eyes.rego was asked about a run that one agreed to."""
    return {
        "run": {
            "command": "terraform apply",
            "creator_session": {"login": "U0ANN"},
            "triggered_by": "U0ANN",
        },
        "reviews": {"current": {"approvals": [{"author": reviewer}]}},
        "stack": {"id": "net-prod"},
    }


@pytest.mark.parametrize(
    ("has_tests", "told"),
    [
        (True, "7 of 7 tests passed; 1 sample replayed."),
        (False, "no tests; put them into four-eyes_test.rego. 1 sample replayed."),
    ],
)
def test_what_was_sampled_is_ruled_as_it_was(
    home: Home, has_tests: bool, told: str
) -> None:
    if not has_tests:
        (home.folder / "four-eyes_test.rego").unlink()
    ruling = Ruling(policy="four-eyes.rego", approve=True, sample=True)

    async def sample(database: Database) -> None:
        kept = SqlApprovals(database).keep_sample
        await kept("four-eyes.rego", asked("U0BOB"), ruling, NOON)

    home.use(sample)
    done = home.policy("test")

    assert f"four-eyes.rego: {told}\n" in done.stdout
    assert done.exit_code == 0


def test_what_is_ruled_otherwise_by_now_is_shown(home: Home) -> None:
    ruling = Ruling(policy="four-eyes.rego", approve=True, sample=True)

    async def sample(database: Database) -> None:
        kept = SqlApprovals(database).keep_sample
        await kept("four-eyes.rego", asked("U0ANN"), ruling, NOON)

    home.use(sample)
    done = home.policy("test")

    assert done.exit_code == 1
    assert done.stderr == (
        "four-eyes.rego: 'terraform apply' on net-prod: it said approve; now it says "
        "undecided_with_note Somebody else has to agree.\n"
    )


def test_one_decision_is_explained_rule_by_rule(home: Home) -> None:
    done = home.policy("eval", *WRITER, *WEEKDAY, "--", "terraform", "apply")

    assert done.stdout == (
        "terraform apply on net-prod\n"
        "as U0ANN (U0ANN): writer\n"
        "yes   weekend.rego denies nothing.\n"
        "wait  approvals: 1 of the writers of net-prod has to agree; nobody has.\n"
        "wait  four-eyes.rego: Somebody else has to agree.\n"
        "It would wait until people agree to it.\n"
    )
    assert done.exit_code == 0


def test_what_would_be_refused_exits_with_1(home: Home) -> None:
    done = home.policy("eval", *WRITER, *SUNDAY, "--", "terraform apply")

    assert "no    weekend.rego: From Friday 16:00" in done.stdout
    assert done.stdout.endswith("It would be refused.\n")
    assert done.exit_code == 1


def test_teams_are_as_they_are_said(home: Home) -> None:
    team = ("--team", "@on-call", "--team", "platform")
    done = home.policy("eval", *WRITER, *SUNDAY, *team, "--", "terraform plan")

    assert ": writer, @on-call, @platform\n" in done.stdout
    assert "yes   weekend.rego denies nothing." in done.stdout
    assert "yes   approvals: Nobody has to agree to this command." in done.stdout


def test_who_is_no_writer_is_refused_before_any_rule(home: Home) -> None:
    options = (*ANN, "--role", "reader", *WEEKDAY)
    done = home.policy("eval", *options, "--", "terraform plan")

    assert "no    writers: Commands of one's own are for writers" in done.stdout
    assert done.exit_code == 1


def documents(done: Result) -> list[dict[str, dict[str, Any]]]:
    """Return what policies were asked, as it was printed."""
    lines, found = done.stdout.partition(": writer\n")[2], []
    while lines.startswith("{"):
        document, end = json.JSONDecoder().raw_decode(lines)
        found.append(document)
        lines = lines[end:].lstrip()
    return found


@pytest.mark.parametrize(
    "words",
    [
        ["!restart service=api"],
        ["!restart", "service=api"],
        ["!say", "a=two words"],
        ["!say", 'a=quotes " and \\'],
        ["!say", "a=", "b=x=y"],
    ],
)
def test_a_preset_is_explained_by_its_command(home: Home, words: list[str]) -> None:
    done = home.policy("eval", *WRITER, *WEEKDAY, "--input", "--", *words)

    name = words[0][1:].partition(" ")[0]
    assert done.stdout.startswith(f"./{name}.sh on net-prod\n")
    *_, document = documents(done)
    given = dict(word.split("=", 1) for word in words[1:])
    assert given.items() <= document["run"]["parameters"].items()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["!", "grep", "two words"], "! grep 'two words'"),
        (["echo", "!x"], "echo '!x'"),
        (["echo 'one'  two"], "echo 'one'  two"),
    ],
)
def test_a_command_is_the_line_that_a_shell_took_apart(
    home: Home, words: list[str], line: str
) -> None:
    done = home.policy("eval", *WRITER, *WEEKDAY, "--", *words)

    assert done.stdout.startswith(f"{line} on net-prod\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--", "!say", "zero"], "'zero' is no parameter"),
        (["--", "!say", f"a={'x' * 900}"], "too long together"),
        (["--no-init", "--", "!say", "a=x"], "omit --no-init"),
    ],
)
def test_what_task_refuses_of_a_preset_is_refused(
    home: Home, words: list[str], why: str
) -> None:
    home.change("handrail.yaml", "./say.sh", f"./say.sh {'x' * 9_500}")

    done = home.policy("eval", *WRITER, *WEEKDAY, *words)

    assert done.exit_code == 1
    assert why in str(done.exception)


def test_a_preset_without_its_parameter_is_a_sentence(home: Home) -> None:
    done = home.policy("eval", *WRITER, *WEEKDAY, "--", "!restart service=db")

    assert done.exit_code == 1
    assert "service" in str(done.exception)


def test_what_policies_are_asked_is_printed_where_it_is_wanted(home: Home) -> None:
    done = home.policy("eval", *WRITER, *WEEKDAY, "--input", "--", "true")

    task, approval = documents(done)
    assert task["request"]["command"] == approval["run"]["command"] == "true"
    assert approval["stack"]["labels"] == ["production"]


def test_without_an_opa_nothing_is_tested_or_allowed(home: Home) -> None:
    home.opa = ""

    tested = home.policy("test")
    explained = home.policy("eval", *WRITER, *WEEKDAY, "--", "true")

    assert (tested.exit_code, explained.exit_code) == (1, 1)
    assert "HANDRAIL_OPA" in str(tested.exception)
    assert "HANDRAIL_OPA" in str(explained.exception)


def test_no_record_is_made_where_there_is_none(home: Home) -> None:
    home.policy("eval", *WRITER, *WEEKDAY, "--", "true")
    home.policy("test")

    assert not (home.folder / "data").exists()
