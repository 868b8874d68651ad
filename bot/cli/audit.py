"""`handrail audit …`: verify the audit chain, and export its rows."""

from typing import Final

import typer

from bot.cli.record import with_record
from bot.domain.chain import Fault, Kind
from bot.store.audit import verify
from bot.store.database import Database
from bot.store.testimony import disagreements

audit_app = typer.Typer(help="The audit chain.", no_args_is_help=True)

_SAID: Final = {
    Kind.EDITED: "edited after it was written",
    Kind.RESEALED: "edited and sealed anew; rows before it may be, too",
    Kind.MOVED: "numbered anew",
    Kind.REMOVED: "removed",
    Kind.PUT_IN: "put in by another hand than Handrail's",
}


@audit_app.command("verify")
def audit_verify() -> None:
    """Walk the audit chain; exit 1 where anything was changed, removed or put in."""

    async def compare(database: Database) -> None:
        faults = await _walk(database)
        async for found in disagreements(database):
            _name(f"run {found.run} on {found.stack} {found.what}.")
            faults += 1
        if faults:
            raise typer.Exit(1)

    with_record(compare)


async def _walk(database: Database) -> int:
    verdict = await verify(database)
    for fault in verdict.faults:
        _name(_sentence(fault))
    if verdict.broken is None:
        but = f", but for {verdict.redacted} redacted on the record"
        besides = but if verdict.redacted else ""
        typer.echo(f"{verdict.rows} rows, each as it was written{besides}.")
    else:
        typer.echo(f"The chain breaks at row {verdict.broken}.", err=True)
    return len(verdict.faults)


def _name(fault: str) -> None:
    typer.echo(fault, err=True)


def _sentence(fault: Fault) -> str:
    rows = f"rows {fault.first} to {fault.last}"
    which = f"row {fault.first}" if fault.first == fault.last else rows
    return f"audit {which}: {_SAID[fault.kind]}"
