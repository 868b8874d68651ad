"""`handrail history` and `handrail audit export`: what was done, and by whom."""

import asyncio
import csv
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from bot.cli.commands import app
from bot.domain.approval import Decision
from bot.domain.audit import AuditRow, seal_of
from bot.domain.run import RunState
from bot.store.approvals import SqlApprovals
from bot.store.audit import read
from bot.store.database import Database
from bot.store.record import SqlRecord
from tests.contract.store.asking import IMAGE, SUBJECT, asked, said
from tests.support.builders import a_hold, a_new_run, an_actor, later


@dataclass(kw_only=True)
class Home:
    """A data directory with a record in it."""

    folder: Path

    def handrail(self, *arguments: str) -> Result:
        """Run `handrail …`."""
        settings = {"HANDRAIL_DATA_DIR": str(self.folder)}
        return CliRunner().invoke(app, arguments, env=settings)

    def use(self, work: Callable[[Database], Awaitable[None]]) -> None:
        """Do something to the database."""

        async def used() -> None:
            url = f"sqlite+aiosqlite:///{self.folder}/handrail.db"
            async with Database.open(url) as database:
                await work(database)

        asyncio.run(used())


async def some_runs(database: Database) -> None:
    record = SqlRecord(database)
    for seconds, (stack, by) in enumerate(
        [("a", "ann"), ("a", "bob"), ("b", "ann"), ("a", "ann"), ("a", "ann")]
    ):
        await record.submit(a_new_run("ls\n'=1+1'", stack=stack, by=by), later(seconds))
    await record.hold([a_hold(stack="b", by="bob", reason="ünter, uns")])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(folder=tmp_path)
    home.use(some_runs)
    return home


def runs_in(done: Result) -> list[int]:
    assert done.exit_code == 0, done.output
    return [int(line.split("\t")[0]) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], [5, 4, 3, 2, 1]),
        (["a"], [5, 4, 2, 1]),
        (["a", "--actor", "U0BOB"], [2]),
        (["--state", "queued", "--before", "3"], [2, 1]),
        (["--state", "failed"], []),
        (["--since", "2026-11-20T12:00:03"], [5, 4]),
        (["--until", "2026-11-20T13:00:01+01:00"], [1]),
        (["--since", "0"], []),
    ],
)
def test_history_finds_runs(home: Home, options: list[str], found: list[int]) -> None:
    assert runs_in(home.handrail("history", *options)) == found


def test_history_tells_how_to_go_on(home: Home) -> None:
    first = home.handrail("history", "a", "--limit", "2")
    rest = home.handrail("history", "a", "--limit", "2", "--before", "4")

    assert (runs_in(first), first.stderr) == ([5, 4], "There are more: --before 4\n")
    assert (runs_in(rest), rest.stderr) == ([2, 1], "")


async def some_reviews(database: Database) -> None:
    record, approvals = SqlRecord(database), SqlApprovals(database)
    new = replace(asked(), preset="restart", parameters={"service": "api"})
    for minute in (1, 2):
        run = await record.submit(new, later(60 * minute))
        await approvals.propose(run.id, SUBJECT, IMAGE, later(60 * minute))
    await approvals.review(said(run, by="bob"))
    await approvals.review(said(run, by="carl"))
    await approvals.review(said(run, by="carl", decision=Decision.REJECT))


def test_history_names_who_agreed_and_who_did_not(home: Home) -> None:
    home.use(some_reviews)

    done = home.handrail("history", "--limit", "2", "net-prod")

    reviewed, waiting = [line.split("\t")[-2:] for line in done.stdout.splitlines()]
    assert waiting == ["waits for approval", "'!restart service=api'"]
    assert reviewed[0] == (
        "waits for approval, rejected by carl (U0CARL), approved by bob (U0BOB)"
    )


def test_a_time_that_is_none_is_a_sentence(home: Home) -> None:
    done = home.handrail("history", "--since", "yesterday")

    assert done.exit_code == 2
    assert "is no point in time" in done.output


def test_json_lines_have_all_that_is_sealed(home: Home) -> None:
    done = home.handrail("audit", "export")

    rows: list[AuditRow] = []

    async def look(database: Database) -> None:
        rows.extend([row async for row in read(database)])

    home.use(look)
    exported = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["hash"] for row in exported] == [seal_of(row) for row in rows]
    last = exported[-1]
    assert (last["verb"], last["actor_id"], last["stack"]) == ("held", "U0BOB", "b")
    assert (last["detail"], last["run"]) == ("ünter, uns", None)
    assert last["at"] == "2026-11-20T12:00:00.000000+00:00"


def test_csv_has_the_same_fields(home: Home) -> None:
    as_lines = home.handrail("audit", "export", "--run", "2").stdout
    as_csv = home.handrail("audit", "export", "--run", "2", "--format", "csv")

    (row,) = csv.DictReader(StringIO(as_csv.stdout, newline=""))
    (same,) = map(json.loads, as_lines.splitlines())
    assert row == {name: str(value) for name, value in same.items()}
    assert row["detail"] == "ls\n'=1+1'"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--stack", "b"], [3, 6]),
        (["--actor", "U0BOB"], [2, 6]),
        (["--verb", "held"], [6]),
        (["--since", "2026-11-20T12:00:04"], [5]),
        (["--until", "2026-11-20T12:00:01", "--stack", "a"], [1]),
    ],
)
def test_what_is_exported_can_be_told(
    home: Home, options: list[str], found: list[int]
) -> None:
    done = home.handrail("audit", "export", *options)

    rows = map(json.loads, done.stdout.splitlines())
    assert [row["ordinal"] for row in rows] == found


async def forge(database: Database) -> None:
    async with database.write("forge") as db:
        await db.execute(text("DROP TRIGGER audit_refuses_update"))
        await db.execute(text("DROP TRIGGER audit_refuses_delete"))
        await db.execute(text("UPDATE audit SET detail = 'x' WHERE ordinal = 2"))
        await db.execute(text("UPDATE audit SET at = 'soon' WHERE ordinal = 5"))
        await db.execute(text("DELETE FROM audit WHERE ordinal = 4"))


def test_verify_names_everything_that_was_done_to_the_rows(home: Home) -> None:
    before = home.handrail("audit", "verify")
    home.use(forge)
    after = home.handrail("audit", "verify")

    assert before.exit_code == 0
    assert before.stdout == (
        "6 rows, each as it was written.\n"
        "Rows that were removed from the end show only with --channel.\n"
    )
    assert after.exit_code == 1
    assert after.stderr == (
        "audit row 2: edited after it was written\n"
        "audit row 4: removed\n"
        "audit row 5: edited after it was written\n"
        "The chain breaks at row 2.\n"
        "run 2 on a has another command or init flag than was submitted.\n"
        "run 4 on a has no audit row that says who submitted it.\n"
    )


def test_a_row_that_cannot_be_read_ends_the_export(home: Home) -> None:
    home.use(forge)

    done = home.handrail("audit", "export")

    assert done.exit_code == 1
    assert "handrail audit verify names it" in done.stderr


def test_a_new_signing_key_is_in_the_audit(home: Home) -> None:
    made = home.handrail("oidc", "rotate", "--at-once")

    done = home.handrail("audit", "export", "--verb", "signing_key_made")
    (row,) = map(json.loads, done.stdout.splitlines())
    name = made.stdout.removeprefix("New key: ").strip()
    assert row["detail"] == f"{name}, and all others are void"
    assert (made.exit_code, made.stderr) == (0, "")


def test_states_are_told_by_their_names(home: Home) -> None:
    done = home.handrail("history", "--state", "dreaming")

    assert done.exit_code == 2
    assert RunState.QUEUED.value in done.output
    assert an_actor("ann").id not in done.output
