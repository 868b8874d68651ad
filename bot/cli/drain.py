"""`handrail drain`: let nothing start, and wait until nothing is under way."""

import asyncio
import getpass
import socket
from typing import Annotated, Final

import typer

from bot.app import utc_now
from bot.cli.record import with_record
from bot.domain.run import Run
from bot.domain.sentences import span
from bot.store.archive import SqlArchive
from bot.store.database import Database
from bot.store.drains import SqlDrains

_LOOK_SECONDS: Final = 1.0


def add_to(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(drain)


def drain(
    *,
    end: Annotated[
        bool, typer.Option("--end", help="Let runs start again, and return.")
    ] = False,
) -> None:
    """Let nothing start any more, and wait until nothing is under way.

    What is queued stays so until `handrail drain --end`, or until a bot starts once
    nothing is under way. Ctrl-C ends the waiting, not the drain.
    """
    by = f"{getpass.getuser()} on {socket.gethostname()}"

    async def wait(database: Database) -> None:
        drains = SqlDrains(database)
        if end:
            ended = await drains.end_drain(by, utc_now())
            typer.echo("Runs start again." if ended else "Nothing was drained.")
            return
        await drains.drain(by, utc_now())
        await _until_nothing_is_active(SqlArchive(database))
        typer.echo("Nothing is under way, and nothing starts.")

    with_record(wait)


async def _until_nothing_is_active(archive: SqlArchive) -> None:
    told: set[int] = set()
    while active := await archive.active_runs():
        for run in active:
            if run.id not in told:
                typer.echo(f"Waiting for {_line(run)}")
                told.add(run.id)
        await asyncio.sleep(_LOOK_SECONDS)


def _line(run: Run) -> str:
    lasts = span(utc_now() - run.state_since)
    who = "its CI" if run.outside else run.actor.name or run.actor.id
    return f"run {run.id} on {run.stack}, {run.state} for {lasts} ({who})"
