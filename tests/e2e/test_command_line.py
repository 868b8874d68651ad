"""`handrail check`, `history`, `output` and `audit verify`, as processes."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runner.scripted import ScriptedEngine
from tests.support.bot import MANIFEST, a_running_bot
from tests.support.command_line import Ended, handrail
from tests.support.opa import opa_binary
from tests.support.setup import Setup, a_setup

MISTAKES = """\
version: 1
workspace: T0SANDBOX
defaults:
  imgae: busybox
stacks:
  net-prod:
    image: busybox
    writers: []
    limits: {memory: lots}
    secrets: {TOKEN: {env: NOT_SET_ANYWHERE}}
  db-prod:
    image: 7
    writers: [U0ANN]
"""
FOUND = """\
4:3: defaults.imgae: there is no key `imgae` here; did you mean `image`?
8:14: stacks.net-prod.writers: `writers` is empty; write at least one
9:22: stacks.net-prod.limits.memory: `lots` is not a size; write it as in 512m or 2g
10:22: stacks.net-prod.secrets.TOKEN: the environment variable NOT_SET_ANYWHERE is not \
set; set it where the bot starts
12:12: stacks.db-prod.image: YAML reads `7` as a number; write "7" in quotes
"""


def configured(setup: Setup, text: str) -> Path:
    """Write *text* where the configuration is."""
    path = Path(setup.settings["HANDRAIL_CONFIG"])
    path.write_text(text)
    return path


async def test_check_tells_every_mistake_of_the_configuration_with_its_line(
    tmp_path: Path,
) -> None:
    async with a_setup(tmp_path) as setup:
        config = configured(setup, MISTAKES)

        done = await handrail("check", **setup.settings)

    assert done.code == 1
    lines = FOUND.splitlines()
    assert done.err.splitlines() == [f"{config}:{line}" for line in lines]


async def test_check_finds_nothing_where_nothing_is_wrong(tmp_path: Path) -> None:
    async with a_setup(tmp_path) as setup:
        done = await handrail("check", **setup.settings)

    assert (done.code, done.out, done.err) == (0, "Nothing is wrong.\n", "")


LOOSER = """\
version: 1
workspace: T0SANDBOX
stacks:
  net-prod:
    image: busybox
    writers: [U0ANN]
    mask_shapes: false
    limits: {memory: 4g, output: 100m}
"""


async def test_check_lists_what_a_stack_loosened_and_calls_it_no_mistake(
    tmp_path: Path,
) -> None:
    async with a_setup(tmp_path) as setup:
        configured(setup, LOOSER)

        done = await handrail("check", **setup.settings)

    listed, verdict = done.out.splitlines()
    assert listed.startswith("stack net-prod loosens: memory 4g (default 1g), output ")
    assert "mask_shapes false" in listed
    assert (done.code, verdict) == (0, "Nothing is wrong.")


async def test_a_key_for_tokens_can_be_made_anew(tmp_path: Path) -> None:
    first = await handrail("oidc", "rotate", HANDRAIL_DATA_DIR=str(tmp_path))
    second = await handrail("oidc", "rotate", HANDRAIL_DATA_DIR=str(tmp_path))

    kept = (tmp_path / "oidc" / "keys.json").read_text()
    made = [done.out.removeprefix("New key: ").strip() for done in (first, second)]
    assert len(set(made)) == 2
    assert kept.count("BEGIN PRIVATE KEY") == 2
    assert (tmp_path / "oidc" / "keys.json").stat().st_mode & 0o777 == 0o600


async def test_check_names_the_scopes_that_the_app_lacks(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    granted = re.sub(r".*- (files:write|commands) #.*\n", "", MANIFEST.read_text())
    manifest.write_text(granted)
    async with a_setup(tmp_path, manifest=manifest) as setup:
        done = await handrail("check", **setup.settings)

    assert done.code == 1
    assert done.err == (
        "The Slack app lacks the scopes commands, files:write. Add them as "
        "manifest.yml has them, and reinstall the app.\n"
    )


PEOPLE = """\
approvals: {count: 3, from: ["@agreeing", U0NOBODY]}
presets:
  restart:
    command: ./restart.sh
    runners: ["#support"]
    approvals: {from: ["@leading", "@agreeing"]}
"""


async def test_check_looks_up_all_who_may_run_or_have_to_agree(tmp_path: Path) -> None:
    async with a_setup(tmp_path, stack=PEOPLE) as setup:
        done = await handrail("check", **setup.settings)

    assert done.code == 1
    assert done.err.splitlines() == [
        (
            "stack net-prod: #support: There is no channel #support that Handrail can "
            "see; invite it there, or correct handrail.yaml."
        ),
        (
            "stack net-prod: @agreeing: There is no user group @agreeing; correct "
            "handrail.yaml."
        ),
        (
            "stack net-prod: @leading: There is no user group @leading; correct "
            "handrail.yaml."
        ),
    ]


async def test_check_calls_it_no_mistake_where_a_group_has_too_few_people_for_now(
    tmp_path: Path,
) -> None:
    stack = PEOPLE.replace("#support", "#infra").replace("U0NOBODY", '"@leading"')
    async with a_setup(tmp_path, stack=stack) as setup:
        workspace, people = setup.seen.sandbox.workspace, setup.seen.people
        ann, bob = people["ann"], people["bob"]
        workspace.add_group("agreeing", members=[ann, bob])
        workspace.add_group("leading", members=[ann])
        done = await handrail("check", **setup.settings)

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        (
            "stack net-prod: 3 have to agree, and @agreeing, @leading are 2 people; "
            "write a lower count, or name more in from"
        ),
        "stack net-prod loosens: preset restart approvals count 1 (3 in the stack)",
        "Nothing is wrong.",
    ]


POLICY = """\
package spacelift

deny["Not now."] { input.request.command == "terraform destroy" }
"""


async def test_check_refuses_policies_that_nothing_evaluates(tmp_path: Path) -> None:
    (tmp_path / "p.rego").write_text(POLICY)
    async with a_setup(tmp_path, stack="policies: [p.rego]") as setup:
        done = await handrail("check", **setup.settings)

    assert done.code == 1
    (sentence,) = done.err.splitlines()
    assert sentence.startswith(
        "stack net-prod has policies in Rego, which nothing evaluates. "
    )
    assert "HANDRAIL_OPA" in sentence


async def test_check_compiles_policies_and_tells_where_they_are_wrong(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "p.rego"
    policy.write_text(POLICY)
    async with a_setup(tmp_path, stack="policies: [p.rego]") as setup:
        settings = {**setup.settings, "HANDRAIL_OPA": str(opa_binary())}
        right = await handrail("check", **settings)
        policy.write_text(POLICY.replace(' "terraform destroy"', ""))
        wrong = await handrail("check", **settings)

    assert (right.code, right.out, right.err) == (0, "Nothing is wrong.\n", "")
    assert wrong.code == 1
    assert wrong.err.startswith(f"{policy}:3:45: ")
    assert len(wrong.err.splitlines()) == 1


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    """A data directory with the record of two runs."""
    async with a_running_bot(tmp_path, ScriptedEngine()) as bot:
        bot.engine.prepare("terraform plan", b"no changes\n")
        bot.engine.prepare("terraform apply", b"denied\n", code=2)
        for command in ("plan", "apply"):
            ts = await bot.task(f"net-prod terraform {command}")
            await bot.tells(ts, "exit code")
    return tmp_path / "data"


async def read(data_dir: Path, *arguments: str) -> Ended:
    return await handrail(*arguments, HANDRAIL_DATA_DIR=str(data_dir))


async def test_history_lists_who_ran_what_and_how_it_ended(data_dir: Path) -> None:
    done = await read(data_dir, "history")

    newest, oldest = done.out.splitlines()
    assert re.fullmatch(
        r"2\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\tnet-prod\tann \(U\w+\)\t"
        r"failed: the command failed, exit code 2\t'terraform apply'",
        newest,
    )
    assert oldest.endswith("\tfinished, exit code 0\t'terraform plan'")


async def test_output_prints_what_was_kept_of_a_run(data_dir: Path) -> None:
    kept = await read(data_dir, "output", "1")
    absent = await read(data_dir, "output", "99")

    assert (kept.code, kept.out) == (0, "no changes\n")
    assert (absent.code, absent.out) == (1, "")
    assert absent.err == "There is no run 99; `handrail history` lists them.\n"


async def test_audit_verify_finds_the_row_that_was_changed(data_dir: Path) -> None:
    before = await read(data_dir, "audit", "verify")
    with closing(sqlite3.connect(data_dir / "handrail.db")) as database:
        change = "UPDATE audit SET actor_name = 'bob' WHERE ordinal = 3"
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            database.execute(change)
        database.execute("DROP TRIGGER audit_refuses_update")
        database.execute(change)
        database.commit()
    after = await read(data_dir, "audit", "verify")

    assert before.code == 0
    assert re.match(r"\d+ rows, each as it was written\.\nRows that", before.out)
    assert after.code == 1
    assert after.err == (
        "audit row 3: edited after it was written\nThe chain breaks at row 3.\n"
    )


async def test_a_record_that_is_not_there_is_not_taken_for_a_sound_one(
    tmp_path: Path,
) -> None:
    done = await read(tmp_path, "audit", "verify")

    assert done.code == 1
    assert f"There is no database at {tmp_path}/handrail.db." in done.err
    assert is_empty(tmp_path)


def is_empty(folder: Path) -> bool:
    """Tell whether nothing is in *folder*."""
    return not any(folder.iterdir())
