"""`handrail backup` and `handrail restore`: the whole record as one file."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.record import ensure_there
from bot.settings import stored_at
from bot.store.backup import Copied, back_up, restore

_FILE = typer.Argument(help="An SQLite database.", show_default=False)


def add_to(app: typer.Typer) -> None:
    """Make the commands those of *app*."""
    app.command("backup")(backup)
    app.command("restore")(restore_backup)


def backup(file: Annotated[Path, _FILE]) -> None:
    """Copy the record, as it is at one moment, into a new file; the bot may run.

    Whoever can read the file can read all that was printed. The data
    directory has what is not of the record: seal.key, without which nothing
    that runs now can be followed to its end, and oidc/, which signs tokens.
    """
    url = stored_at(os.environ)
    ensure_there(url)
    copied = asyncio.run(back_up(url, file))
    _warn(copied)
    typer.echo(f"{file} has the record, with {copied.rows} audit rows.")


def restore_backup(file: Annotated[Path, _FILE]) -> None:
    """Put a backup into an empty database of either kind, and start the bot on it.

    This is also the way from SQLite to PostgreSQL: back up the one, set
    HANDRAIL_DATABASE_URL, restore. No bot may run on either meanwhile.
    """
    copied = asyncio.run(restore(file, stored_at(os.environ)))
    _warn(copied)
    typer.echo(f"The record is restored, with {copied.rows} audit rows.")


def _warn(copied: Copied) -> None:
    if copied.broken is not None:
        typer.echo(
            f"The audit chain breaks at row {copied.broken}, in the record itself; "
            "`handrail audit verify` names every row.",
            err=True,
        )
