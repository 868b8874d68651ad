"""What a database cannot do just now is told from what is wrong with a statement."""

import errno
import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from bot.domain.errors import Outage, StoreUnavailable
from bot.store.outages import translated


class FromServer(Exception):
    """As PostgreSQL's driver tells what the server said."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def from_sqlite(code: int) -> DBAPIError:
    cause = sqlite3.OperationalError("disk I/O error")
    cause.sqlite_errorcode = code
    return OperationalError("INSERT", {}, cause)


def from_postgresql(state: str) -> DBAPIError:
    return OperationalError("INSERT", {}, FromServer(state))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (from_sqlite(sqlite3.SQLITE_FULL), Outage.FULL),
        (from_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), Outage.FULL),
        (from_sqlite(sqlite3.SQLITE_IOERR_WRITE), Outage.READ_ONLY),
        (from_sqlite(sqlite3.SQLITE_READONLY_DIRECTORY), Outage.READ_ONLY),
        (from_sqlite(sqlite3.SQLITE_BUSY), Outage.AWAY),
        (from_postgresql("53100"), Outage.FULL),
        (from_postgresql("25006"), Outage.READ_ONLY),
        (from_postgresql("57P01"), Outage.AWAY),
        (OSError(errno.ENOSPC, "no space"), Outage.FULL),
        (OSError(errno.EROFS, "read-only"), Outage.READ_ONLY),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), Outage.AWAY),
        (TimeoutError(), Outage.AWAY),
    ],
)
def test_each_outage_is_told_as_what_it_is(error: Exception, kind: Outage) -> None:
    told = pytest.raises(StoreUnavailable, match="Could not try")
    with told as raised, translated("try"):
        raise error

    assert raised.value.kind is kind


def test_a_statement_that_breaks_a_rule_is_no_outage() -> None:
    with pytest.raises(IntegrityError), translated("try"):
        raise IntegrityError("INSERT", {}, sqlite3.IntegrityError("FOREIGN KEY"))


@pytest.mark.parametrize("kind", Outage)
def test_people_are_told_that_nothing_was_run_and_what_to_wait_for(
    kind: Outage,
) -> None:
    sentence = StoreUnavailable("secret path", kind).sentence

    assert "nothing was run or changed" in sentence.replace("\n", " ")
    assert "Try again" in sentence
    assert "secret path" not in sentence
