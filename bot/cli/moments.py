"""Points in time as they are written in options: a date, a moment, or `7d` ago."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.cli.spans import span

#: an option that is a point in time; empty: it was not given
Moment = Annotated[
    str, typer.Option(metavar="TIME", help="As 2026-11-20, or 7d for so long ago.")
]


def moment(written: str) -> datetime:
    """Return *written* as a point in time; one without a zone is in UTC."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return _ago(written)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _ago(written: str) -> datetime:
    try:
        return datetime.now(UTC) - span(written)
    except typer.BadParameter as error:
        raise typer.BadParameter(
            f"{written!r} is no point in time; write 2026-11-20, "
            "2026-11-20T09:30+01:00, or 7d for seven days ago"
        ) from error
