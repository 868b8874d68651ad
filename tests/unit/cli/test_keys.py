"""`handrail key …`: made by admins, shown once, and kept as a hash."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner, Result

from bot.cli.commands import app
from bot.domain.audit import Deed, Verb
from bot.domain.keys import ApiKey
from bot.domain.people import Role
from bot.store.audit import read
from bot.store.database import Database
from bot.store.keys import SqlKeys

T = TypeVar("T")

CONFIG = """\
version: 1
workspace: T0HOME
admins: [U0ADA]
stacks:
  net-prod: {image: busybox, writers: [U0ANN]}
  db-prod: {image: busybox, writers: [U0ANN]}
"""
FOR_CI = ["ci", "--role", "writer", "--stacks", "net-prod", "--by", "U0ADA"]


@dataclass(kw_only=True)
class Home:
    """A configuration and a database, as an admin has them before them."""

    folder: Path

    def key(self, *arguments: str) -> Result:
        """Run `handrail key …`."""
        settings = {
            "HANDRAIL_CONFIG": str(self.folder / "handrail.yaml"),
            "HANDRAIL_DATA_DIR": str(self.folder),
        }
        return CliRunner().invoke(app, ["key", *arguments], env=settings)

    def keys(self) -> tuple[ApiKey, ...]:
        """Return the keys that are kept."""
        return self.see(lambda database: SqlKeys(database).all())

    def deeds(self) -> list[Deed]:
        """Return what the audit has."""

        async def all_of(database: Database) -> list[Deed]:
            return [row.deed async for row in read(database)]

        return self.see(all_of)

    def see(self, look: Callable[[Database], Awaitable[T]]) -> T:
        async def seen() -> T:
            url = f"sqlite+aiosqlite:///{self.folder}/handrail.db"
            async with Database.open(url) as database:
                return await look(database)

        return asyncio.run(seen())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "handrail.yaml").write_text(CONFIG)
    home = Home(folder=tmp_path)
    home.keys()  # makes the database
    return home


def test_a_key_stands_alone_on_stdout_and_is_kept_as_a_hash(home: Home) -> None:
    done = home.key("create", *FOR_CI)

    found = re.fullmatch(r"hr_([0-9a-f]{16})_([\w-]{43})\n", done.stdout, re.ASCII)
    assert found is not None
    [key] = home.keys()
    assert key.id == found[1]
    assert key.digest == hashlib.sha256(found[2].encode()).hexdigest()
    assert (key.role, key.stacks) == (Role.WRITER, ("net-prod",))
    assert (key.made_by.id, key.made_by.team) == ("U0ADA", "T0HOME")
    assert done.stderr == (
        "ci: writer of net-prod, without an end. It is shown this once.\n"
    )
    kept = b"".join(it.read_bytes() for it in home.folder.glob("handrail.db*"))
    assert found[2].encode() not in kept


def test_two_keys_have_nothing_in_common(home: Home) -> None:
    first = home.key("create", *FOR_CI).stdout.split("_", 2)
    second = home.key("create", "other", *FOR_CI[1:]).stdout.split("_", 2)

    assert set(first) & set(second) == {"hr"}


def test_a_key_may_be_of_all_stacks_for_a_while_and_from_somewhere(home: Home) -> None:
    places = ["--from", "10.0.0.0/8", "--from", "2001:db8::1"]
    home.key(
        *("create", "ci", "--role", "reader", "--all-stacks", "--by", "U0ADA"),
        *("--expires", "30d", *places),
    )

    [key] = home.keys()
    assert key.stacks is None
    assert key.networks == ("10.0.0.0/8", "2001:db8::1/128")
    assert key.expires_at is not None
    assert (key.expires_at - key.made_at).days == 30


def test_making_and_revoking_stand_in_the_audit_without_the_key(home: Home) -> None:
    made = home.key("create", *FOR_CI).stdout.strip()

    done = home.key("revoke", "ci", "--by", "U0ADA")

    deeds = home.deeds()
    assert (done.exit_code, done.stdout) == (0, "")
    assert [deed.verb for deed in deeds] == [Verb.KEY_MADE, Verb.KEY_REVOKED]
    assert {deed.actor.id for deed in deeds} == {"U0ADA"}
    assert made.split("_", 2)[2] not in repr(deeds)
    assert home.keys()[0].revoked_at is not None


def test_the_list_says_what_each_key_may_and_never_what_opens_it(home: Home) -> None:
    made = home.key("create", *FOR_CI).stdout
    home.key("create", "old", *FOR_CI[1:], "--from", "10.0.0.7")
    home.key("revoke", "old", "--by", "U0ADA")
    at = datetime.fromisoformat("2026-11-22T10:00:00+00:00")
    home.see(lambda database: SqlKeys(database).note_use("ci", "10.0.0.7", at))

    done = home.key("list")

    ci, old = [line.split("\t") for line in done.stdout.splitlines()]
    assert ci[:3] == ["ci", "writer of net-prod", "without an end"]
    assert ci[3].endswith(" by U0ADA")
    assert ci[4] == "used 2026-11-22 10:00 UTC from 10.0.0.7"
    assert old[:2] == ["old", "writer of net-prod from 10.0.0.7/32"]
    assert old[2].startswith("revoked ")
    assert old[4] == "never used"
    assert made.strip().split("_", 2)[2] not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["CI", *FOR_CI[1:]], "is not a name"),
        (["a" * 41, *FOR_CI[1:]], "is not a name"),
        (["ci\n", *FOR_CI[1:]], "is not a name"),
        (["ci", "--role", "owner", "--stacks", "net-prod", "--by", "U0ADA"], "owner"),
        (["ci", "--role", "writer", "--by", "U0ADA"], "Say either on which stacks"),
        ([*FOR_CI, "--all-stacks"], "Say either on which stacks"),
        ([*FOR_CI, "--expires", "soon"], "is not a length of time"),
        ([*FOR_CI, "--expires", "0"], "lasts longer than that"),
        ([*FOR_CI, "--from", "10.0.0.1/8"], "has host bits set"),
        ([*FOR_CI, "--from", "home"], "write an address or a network"),
        ([*FOR_CI[:-1], "U0ANN"], "is not among the `admins`"),
    ],
)
def test_what_makes_no_key_says_why(
    home: Home, arguments: list[str], words: str
) -> None:
    done = home.key("create", *arguments)

    assert done.exit_code == 2
    assert words in plain(done.stderr)
    assert (done.stdout, home.keys()) == ("", ())


def test_a_stack_that_does_not_exist_makes_no_key(home: Home) -> None:
    arguments = ["ci", "--role", "writer", "--stacks", "net-prod,db-prd"]

    done = home.key("create", *arguments, "--by", "U0ADA")

    assert "There is no stack 'db-prd'" in str(done.exception)
    assert home.keys() == ()


def test_a_name_is_used_once_even_after_it_was_revoked(home: Home) -> None:
    home.key("create", *FOR_CI)
    home.key("revoke", "ci", "--by", "U0ADA")

    done = home.key("create", *FOR_CI)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "names are not used twice" in done.stderr
    assert len(home.keys()) == 1


@pytest.mark.parametrize("name", ["ci", "unknown"])
def test_what_cannot_be_revoked_is_told(home: Home, name: str) -> None:
    home.key("create", *FOR_CI)
    home.key("revoke", "ci", "--by", "U0ADA")

    done = home.key("revoke", name, "--by", "U0ADA")

    assert done.exit_code == 1
    assert f"There is no key {name} to be revoked" in done.stderr


def test_nobody_but_an_admin_revokes(home: Home) -> None:
    home.key("create", *FOR_CI)

    done = home.key("revoke", "ci", "--by", "U0ANN")

    assert done.exit_code == 2
    assert home.keys()[0].revoked_at is None


def plain(framed: str) -> str:
    """Return what typer says without the frame that it draws around it."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", framed).split())
