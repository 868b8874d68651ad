"""`handrail history`: the last runs, a page at a time."""

from collections.abc import Iterable
from typing import Annotated

import typer

from bot.cli.moments import Moment, moment
from bot.cli.record import with_record
from bot.control.reviewers import reviews_of
from bot.domain.approval import Review, Reviews
from bot.domain.run import Run, RunId, RunState
from bot.domain.sentences import ending
from bot.domain.stack import StackName
from bot.ports import RunQuery
from bot.store.approvals import SqlApprovals
from bot.store.archive import SqlArchive
from bot.store.database import Database


def add_to(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("history")(history)


def history(
    stack: Annotated[str, typer.Argument(help="Only of this stack.")] = "",
    *,
    actor: Annotated[str, typer.Option(help="Only by this user or API key.")] = "",
    state: Annotated[
        RunState | None, typer.Option(help="Only those in this state.")
    ] = None,
    since: Moment = "",
    until: Moment = "",
    limit: Annotated[int, typer.Option(help="How many runs.", min=1)] = 20,
    before: Annotated[int, typer.Option(help="Only older than this run.")] = 0,
) -> None:
    """Show the newest runs: who, what, and how they ended."""
    query = RunQuery(
        stacks=frozenset({StackName(stack)}) if stack else None,
        actor=actor or None,
        state=state,
        since=moment(since) if since else None,
        until=moment(until) if until else None,
        before=RunId(before) if before else None,
        limit=limit + 1,
    )

    async def show(database: Database) -> None:
        found = await SqlArchive(database).runs(query)
        for run in found[:limit]:
            reviews = await reviews_of(SqlApprovals(database), run)
            typer.echo(_line(run, reviews))
        if len(found) > limit:
            typer.echo(f"There are more: --before {found[limit - 1].id}", err=True)

    with_record(show)


def _line(run: Run, reviews: Reviews) -> str:
    return (
        f"{run.id}\t{run.created_at:%Y-%m-%d %H:%M:%S}\t{run.stack}\t"
        f"{run.actor.name} ({run.actor.id})\t{_standing(run)}{_reviewed(reviews)}\t"
        f"{run.asked!r}"
    )


def _standing(run: Run) -> str:
    if run.waits_for_approval:
        return "waits for approval"
    return ending(run) if run.state.is_terminal else str(run.state)


def _reviewed(reviews: Reviews) -> str:
    """Name who agreed and who did not, behind how the run stands."""
    said = (("rejected", reviews.rejections), ("approved", reviews.approvals))
    return "".join(f", {did} by {_names(some)}" for did, some in said if some)


def _names(reviews: Iterable[Review]) -> str:
    return " and ".join(f"{it.actor.name} ({it.actor.id})" for it in reviews)
