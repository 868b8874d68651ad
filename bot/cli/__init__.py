"""The command line: `handrail …`."""

from bot.cli.commands import main

__all__ = ["main"]
