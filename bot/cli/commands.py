"""The commands of `handrail`; those on keys and for CI jobs are beside this."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from typing import Annotated, Final, TypeVar

import typer

from bot import check as checks
from bot.app import handrail, secrecy_of, utc_now
from bot.catalog.load import load
from bot.catalog.problem import ConfigProblems
from bot.cli import backup, drain, history, tracked, version
from bot.cli.audit import audit_app
from bot.cli.keys import key_app
from bot.cli.policy import policy_app
from bot.cli.record import with_record
from bot.control.secrecy import Secrecy
from bot.credentials.keys import SigningKeys
from bot.demo.play import perform_task, show_page
from bot.domain.audit import Deed, Verb
from bot.domain.errors import HandrailError, StoreUnavailable
from bot.domain.people import HANDRAIL
from bot.domain.run import RunId
from bot.domain.sentences import dropped
from bot.logs import set_up_logs
from bot.settings import Settings, SettingsProblems, data_dir
from bot.store.archive import SqlArchive
from bot.store.audit import append
from bot.store.database import Database
from runner.docker.engine import DockerEngine
from runner.docker.provision import engine_down, engine_up, find_engine
from runner.errors import EngineUnavailable, RunnerError

_Result = TypeVar("_Result")

#: seconds until a bot that was told to end is ended, whatever it still waits for
_LAST_SECONDS: Final = 8.0

app = typer.Typer(
    help="Run any command against your infrastructure from Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
engine_app = typer.Typer(help="The container engine.", no_args_is_help=True)
oidc_app = typer.Typer(help="The tokens of runs.", no_args_is_help=True)
app.add_typer(engine_app, name="engine")
app.add_typer(oidc_app, name="oidc")
app.add_typer(audit_app, name="audit")
app.add_typer(key_app, name="key")
app.add_typer(policy_app, name="policy")
version.add_to(app)
backup.add_to(app)
tracked.add_to(app)
drain.add_to(app)
history.add_to(app)


def main() -> None:
    """Run the command line; what people can mend is one sentence, not a traceback."""
    try:
        app()
    except (SettingsProblems, ConfigProblems) as wrong:
        for problem in wrong.problems:
            typer.echo(str(problem), err=True)
        sys.exit(1)
    except (HandrailError, RunnerError) as wrong:
        typer.echo(str(wrong), err=True)
        sys.exit(1)


@app.command()
def serve() -> None:
    """Run the bot until it is told to end (SIGTERM, Ctrl-C)."""
    settings = Settings.read(os.environ)
    secrecy = secrecy_of(settings, os.environ)
    set_up_logs(secrecy.hidden)
    _run(_serve(settings, secrecy), within=_LAST_SECONDS)


@app.command()
def check() -> None:
    """Report every problem of settings, configuration, Slack and engine."""
    found = asyncio.run(checks.problems(os.environ, caution=typer.echo))
    for caution in checks.cautions(os.environ):
        typer.echo(caution)
    for problem in found:
        typer.echo(problem, err=True)
    if found:
        raise typer.Exit(1)
    typer.echo("Nothing is wrong.")


@app.command()
def demo(
    task: Annotated[
        str, typer.Option(help="Run one /task as a writer, without the page.")
    ] = "",
    port: Annotated[int, typer.Option(help="The page's port; 0 is any.")] = 0,
) -> None:
    """Try Handrail here: a local Slack workspace, a sample stack, the real bot."""
    # The thread tells; the log would only repeat it.
    set_up_logs(str, least=logging.ERROR)
    folder = data_dir(os.environ)
    if not task:
        _run(show_page(folder, os.environ, typer.echo, port=port))
    elif not _run(perform_task(task, folder, os.environ, typer.echo)):
        raise typer.Exit(1)


@app.command()
def output(run: Annotated[int, typer.Argument(help="The run's number.")]) -> None:
    """Print the whole kept output of a run, masked as it was."""

    async def show(database: Database) -> None:
        archive = SqlArchive(database)
        try:
            found = await archive.run(RunId(run))
        except LookupError as error:
            typer.echo(
                f"There is no run {run}; `handrail history` lists them.", err=True
            )
            raise typer.Exit(1) from error
        if found.output_dropped_at is not None:
            typer.echo(dropped(found), err=True)
            raise typer.Exit(1)
        async for piece in archive.output(RunId(run)):
            sys.stdout.buffer.write(piece)

    with_record(show)


@engine_app.command("up")
def engine_is_up() -> None:
    """Make sure that a Docker-API engine answers, installing one only if none does."""
    address = engine_up(typer.echo, data_dir(os.environ))
    typer.echo(f"DOCKER_HOST={address.url}")


@engine_app.command("down")
def engine_is_down() -> None:
    """Stop the engine that `handrail engine up` started, and no other."""
    stopped = engine_down(data_dir(os.environ))
    typer.echo("Stopped." if stopped else "There is no engine that Handrail started.")


@oidc_app.command("rotate")
def oidc_rotate(
    *,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="After a leak: what others signed is void."),
    ] = False,
) -> None:
    """Make a new key for the tokens of runs; the old are served until it is safe."""
    keys = SigningKeys(data_dir(os.environ) / "oidc", utc_now)
    made = keys.rotate(at_once=at_once)
    typer.echo(f"New key: {made}")
    _note_signing_key(made, at_once=at_once)


def _note_signing_key(made: str, *, at_once: bool) -> None:
    detail = f"{made}, and all others are void" if at_once else made
    deed = Deed(verb=Verb.SIGNING_KEY_MADE, actor=HANDRAIL, at=utc_now(), detail=detail)

    async def note(database: Database) -> None:
        async with database.write("note a new key") as db:
            await append(db, deed)

    try:
        with_record(note)
    except StoreUnavailable as away:
        typer.echo(f"The audit does not have that. {away}", err=True)


async def _serve(settings: Settings, secrecy: Secrecy) -> None:
    catalog = load(settings.config)
    address = await asyncio.to_thread(find_engine, os.environ, settings.data_dir)
    if address is None:
        raise EngineUnavailable(checks.NO_ENGINE)
    async with (
        DockerEngine(address) as engine,
        handrail(settings, catalog, engine, os.environ, secrecy=secrecy),
    ):
        typer.echo(f"Handrail serves {len(catalog.stacks)} stacks.")
        await asyncio.Event().wait()


def _run(
    work: Coroutine[None, None, _Result], *, within: float | None = None
) -> _Result | None:
    """Return what *work* returns; None where it was told to end.

    Where it may be killed at any moment, it is told to end only so many seconds long.
    """

    async def until_told() -> _Result | None:
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()

        def end() -> None:
            task.cancel()
            if within is not None:
                _end_for_good_after(within)

        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, end)
        with contextlib.suppress(asyncio.CancelledError):
            return await task
        return None

    return asyncio.run(until_told())


def _end_for_good_after(seconds: float) -> None:
    # In a thread of its own, since it may be the loop that hangs.
    last = threading.Timer(seconds, os._exit, (0,))
    last.daemon = True
    last.start()
