"""The command line: `handrail …`."""

import sys

from bot.cli.tracked import NAME, ci_app


def main() -> None:
    """Run the command line.

    A CI job carries its wrapper along for as long as its command runs, so what only
    the bot needs is not imported there: that is most of the time and the memory.
    """
    if sys.argv[1:2] == [NAME]:
        ci_app()
    else:
        from bot.cli import commands  # noqa: PLC0415 - see above

        commands.main()
