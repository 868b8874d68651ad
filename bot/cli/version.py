"""`handrail --version`."""

from importlib.metadata import version
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Give *app* the option."""
    app.callback()(_options)


def _options(
    *,
    is_asked: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            callback=lambda asked: _print() if asked else None,
            is_eager=True,
        ),
    ] = False,
) -> None:
    pass


def _print() -> None:
    typer.echo(f"handrail {version('handrail')}")
    raise typer.Exit
