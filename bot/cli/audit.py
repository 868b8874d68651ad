"""`handrail audit …`: verify the audit chain, and export its rows."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from bot.cli.export import Format, heading, written
from bot.cli.moments import Moment, moment
from bot.cli.record import with_record
from bot.control.witness import Witness
from bot.domain.audit import Verb
from bot.domain.chain import Fault, Kind
from bot.domain.errors import HandrailError
from bot.settings import SLACK_API
from bot.slack.connection import slack_client
from bot.slack.witness import ChannelUnreadable, SlackShownMessages
from bot.store.audit import Verdict, verify
from bot.store.database import Database
from bot.store.history import AuditQuery, audit_rows
from bot.store.testimony import disagreements
from bot.store.witness import SqlKeptMessages

audit_app = typer.Typer(help="The audit chain.", no_args_is_help=True)

_SETTLE_SECONDS: Final = 3.0
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: so long after its end a run's final message may still be on its way
_TELLING_TAKES: Final = timedelta(hours=1)
_SAID: Final = {
    Kind.EDITED: "edited after it was written",
    Kind.RESEALED: "edited and sealed anew; rows before it may be, too",
    Kind.MOVED: "numbered anew",
    Kind.REMOVED: "removed",
    Kind.PUT_IN: "put in by another hand than Handrail's",
}


@audit_app.command("verify")
def audit_verify(
    *,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Compare with this channel, too; `all`: with every one."),
    ] = None,
    since: Moment = "",
) -> None:
    """Walk the audit chain; exit 1 where anything was changed, removed or put in.

    With --channel the messages in Slack are witnesses, as SLACK_BOT_TOKEN sees them;
    --since looks at no older ones.
    """
    oldest = moment(since) if since else None

    async def compare(database: Database) -> None:
        verdict = await verify(database)
        faults = _tell(verdict, is_witnessed=bool(channel))
        async for found in disagreements(database):
            _name(f"run {found.run} on {found.stack} {found.what}.")
            faults += 1
        if channel:
            faults += await _witnessed(database, channel, oldest, rows=verdict.rows)
        if faults:
            raise typer.Exit(1)

    with_record(compare)


@audit_app.command("export")
def audit_export(
    *,
    form: Annotated[
        Format, typer.Option("--format", help="How to write the rows.")
    ] = Format.JSONL,
    stack: Annotated[str, typer.Option(help="Only what was done to this one.")] = "",
    actor: Annotated[str, typer.Option(help="Only by this user or API key.")] = "",
    verb: Annotated[Verb | None, typer.Option(help="Only this deed.")] = None,
    run: Annotated[int | None, typer.Option(help="Only of this run.")] = None,
    since: Moment = "",
    until: Moment = "",
) -> None:
    """Write the audit rows to standard output, oldest first."""
    query = AuditQuery(
        stack=stack or None,
        actor=actor or None,
        verb=verb,
        run=run,
        since=moment(since) if since else None,
        until=moment(until) if until else None,
    )

    async def export(database: Database) -> None:
        write = sys.stdout.buffer.write
        write(heading(form).encode())
        try:
            async for row in audit_rows(database, query):
                write(written(row, form).encode())
        except ValueError as error:
            _name("The next row is none that can be: handrail audit verify names it.")
            raise typer.Exit(1) from error

    with_record(export)


def _tell(verdict: Verdict, *, is_witnessed: bool) -> int:
    for fault in verdict.faults:
        _name(_sentence(fault))
    for row, voucher in sorted(verdict.vouchers.items()):
        typer.echo(f"audit row {row}: redacted, as row {voucher} says")
    if verdict.broken is None:
        but = f", but for {verdict.redacted} redacted on the record"
        besides = but if verdict.redacted else ""
        typer.echo(f"{verdict.rows} rows, each as it was written{besides}.")
        if not is_witnessed:
            typer.echo("Rows that were removed from the end show only with --channel.")
    else:
        typer.echo(f"The chain breaks at row {verdict.broken}.", err=True)
    return len(verdict.faults)


async def _witnessed(
    database: Database, channels: Sequence[str], since: datetime | None, *, rows: int
) -> int:
    kept = SqlKeptMessages(database)
    client = slack_client(_token(), os.environ.get("SLACK_API_URL") or SLACK_API)
    shown = await SlackShownMessages.introduced(client)
    witness = Witness(kept=kept, shown=shown, settle=_settle)
    named = channels
    if "all" in channels:  # whoever changed the record may have left some out
        named = sorted({*await kept.channels(), *await shown.channels()})
    oldest = f"{since.timestamp() if since else 0}"
    faults = 0
    for name in named:
        try:
            async for found in witness.compare(name, oldest):
                _name(f"{found.what}: {found.why}")
                faults += 1
        except ChannelUnreadable as error:
            _name(str(error))
            faults += 1
    async for found in witness.unwitnessed(
        since or _EVER,
        datetime.now(UTC) - _TELLING_TAKES,
        only=None if "all" in channels else named,
    ):
        _name(f"{found.what}: {found.why}")
        faults += 1
    places = "1 channel" if len(named) == 1 else f"{len(named)} channels"
    behind = max(rows - witness.newest, 0)
    typer.echo(
        f"{witness.messages} messages in {places}, {witness.uncompared} of them not "
        f"compared (what they showed was not kept); they witness the chain up to "
        f"row {witness.newest}, and nobody the {behind} behind it."
    )
    return faults


def _token() -> str:
    token = os.environ.get("SLACK_BOT_TOKEN", "")
    if not token:
        raise HandrailError(
            "SLACK_BOT_TOKEN is not set: without it no channel can be read."
        )
    return token


async def _settle() -> None:
    """Give a message that is just being told the time to be noted."""
    await asyncio.sleep(_SETTLE_SECONDS)


def _name(fault: str) -> None:
    typer.echo(fault, err=True)


def _sentence(fault: Fault) -> str:
    rows = f"rows {fault.first} to {fault.last}"
    which = f"row {fault.first}" if fault.first == fault.last else rows
    return f"audit {which}: {_SAID[fault.kind]}"
