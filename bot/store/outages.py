"""What a database cannot do just now, told from what is wrong with a statement."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.domain.errors import Outage, StoreUnavailable

_OUTAGES: Final = (DBAPIError, PoolTimeout, OSError, sqlite3.Error)

#: SQLite's result codes (sqlite.org/rescode.html). Of the index of its log it makes
#: sure beforehand that there is room for it. A file that was open before its disk
#: became read-only gives an error of input and output.
_OF_SQLITE: Final = {
    sqlite3.SQLITE_FULL: Outage.FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: Outage.FULL,
    sqlite3.SQLITE_IOERR: Outage.READ_ONLY,
    sqlite3.SQLITE_READONLY: Outage.READ_ONLY,
}
#: PostgreSQL's error codes (appendix A of its manual)
_OF_POSTGRESQL: Final = {"53100": Outage.FULL, "25006": Outage.READ_ONLY}
_OF_THE_SYSTEM: Final = {
    errno.ENOSPC: Outage.FULL,
    errno.EDQUOT: Outage.FULL,
    errno.EROFS: Outage.READ_ONLY,
}
_SILENCE: Final = "there was no answer in time"
#: the primary result code is in SQLite's last eight bits
_PRIMARY: Final = 0xFF


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise StoreUnavailable, which names *action*, in the place of an outage."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise  # a bug of ours: no later attempt would fare better
    except _OUTAGES as error:
        message = f"Could not {action}: {str(error) or _SILENCE}"
        raise StoreUnavailable(message, outage_of(error)) from error


def outage_of(error: BaseException) -> Outage:
    """Return what *error*, of whichever layer, says is the matter."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        known = _OF_SQLITE.get(code) or _OF_SQLITE.get(code & _PRIMARY)
        return known or Outage.AWAY
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return _OF_POSTGRESQL.get(state, Outage.AWAY)
    if isinstance(cause, OSError) and cause.errno is not None:
        return _OF_THE_SYSTEM.get(cause.errno, Outage.AWAY)
    return Outage.AWAY
