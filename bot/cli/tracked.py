"""`handrail run-as-tracked`: a CI job's own command as a run of a stack."""

import asyncio
import os
from contextlib import suppress
from typing import Annotated, Final

import typer

from bot.cli.spans import span
from bot.client.linux import close_environment
from bot.client.server import Server, Unusable
from bot.client.tracked import run_as_tracked
from bot.client.wish import Wish

NAME: Final = "run-as-tracked"

#: the settings of the job are wrong (sysexits.h, EX_CONFIG)
UNUSABLE: Final = 78

# What belongs to the child is the child's, even where it begins with a dash.
_AS_IT_IS: Final = {"allow_interspersed_args": False}

ci_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Make the command one of *app*."""
    app.command(NAME, context_settings=dict(_AS_IT_IS))(run_tracked)


@ci_app.callback()
def _with_a_name() -> None:
    """Keep the command's name in front of its options, alone as it is."""


def run_tracked(
    command: Annotated[
        list[str], typer.Argument(help="The command, behind -- and verbatim.")
    ],
    stack: Annotated[str, typer.Option(help="The stack that it changes.")],
    wait: Annotated[str, typer.Option(help="How long to wait for its turn.")] = "1h",
) -> None:
    """Run a command here when it is this job's turn on a stack.

    HANDRAIL_URL and HANDRAIL_API_KEY name the server and open it. Plain
    http is for this machine alone, unless HANDRAIL_INSECURE=1. The command
    gets HANDRAIL_RUN, HANDRAIL_STACK and HANDRAIL_FENCE, never the key.
    Still, whoever runs as the same user can read the environment of this
    process itself, and the key in it; on Linux, root alone can.

    The stack stays busy until all that the command started has ended, but
    for daemons, which left its session. A signal goes to its whole group.

    Exits with the command's exit code once it ran. Nothing was run where
    that is 75 (not its turn in time, or the server is away), 77 (not
    permitted), 78 (wrong settings), 127 (no such command), or 128 + n
    (signal n came before its turn).
    """
    close_environment()
    try:
        server = Server.read(os.environ)
    except Unusable as wrong:
        _say(str(wrong))
        raise typer.Exit(UNUSABLE) from wrong
    wish = Wish(stack=stack, command=tuple(command), wait=span(wait))
    raise typer.Exit(asyncio.run(run_as_tracked(wish, server, os.environ, _say)))


def _say(sentence: str) -> None:
    # On one line and behind a name, so that no answer can pass for an instruction
    # to the CI. Nobody may be reading any more, and that is no reason to end.
    plain = "".join(c if c.isprintable() else " " for c in sentence)
    with suppress(OSError):
        os.write(2, f"handrail: {plain}\n".encode(errors="backslashreplace"))


add_to(ci_app)
